//! What became of a video, in order: its author's timeline.

use domain::{Error, Result, Timestamp, UserId, VideoId};
use sea_orm::Value;

use crate::Store;
use crate::card::column;
use crate::row::{Row, read_all};
use crate::session::Session;

/// Something that happened to a video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoEvent {
    /// `received`, `checked`, `playable`, `rendition`, `done` or `refused`.
    pub name: String,
    /// Which rendition, or why refused.
    pub detail: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// How far a video is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// What happened, the earliest first.
    pub events: Vec<VideoEvent>,
    /// How much of its renditions is done, in thousandths; nothing when no job works on them.
    pub progress: Option<i64>,
    /// When the job that works on them was queued.
    pub queued_at: Option<Timestamp>,
}

impl Store {
    /// How far a video of this author is. Two statements.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when the author has none of that number.
    pub async fn timeline(&self, author: UserId, video: VideoId) -> Result<Timeline> {
        let job = "SELECT j.progress, j.created_at FROM video v LEFT JOIN job j ON j.video_id = v.id \
                   AND j.kind = 'transcode' AND j.state IN ('queued', 'leased') \
                   WHERE v.id = ? AND v.author_id = ? AND v.state NOT IN ('deleting', 'gone') LIMIT 1";
        let events =
            "SELECT name, detail, created_at FROM video_event WHERE video_id = ? ORDER BY id LIMIT 100";
        self.database
            .read(move |session| {
                Box::pin(async move {
                    let job = session.row(job, [video.get().into(), author.get().into()]).await?;
                    let job = job.ok_or(Error::VideoNotFound(video))?;
                    let events = session.rows(events, [video.get().into()]).await?;
                    let queued_at = column::<Option<i64>>(&job, "created_at")?;
                    Ok(Timeline {
                        events: read_all(&events, VideoEvent::read)?,
                        progress: column(&job, "progress")?,
                        queued_at: queued_at.map(Timestamp::from_millis),
                    })
                })
            })
            .await
    }
}

impl VideoEvent {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            name: column(row, "name")?,
            detail: column(row, "detail")?,
            created_at: Timestamp::from_millis(column(row, "created_at")?),
        })
    }
}

/// Adds events, in their order. One statement.
pub(crate) async fn happened(
    session: &Session,
    video: VideoId,
    events: &[(&str, Option<&str>)],
    now: Timestamp,
) -> Result<()> {
    let rows = vec!["(?, ?, ?, ?)"; events.len()].join(", ");
    let sql = format!("INSERT INTO video_event (video_id, name, detail, created_at) VALUES {rows}");
    let values = events.iter().flat_map(|(name, detail)| -> [Value; 4] {
        [video.get().into(), (*name).into(), (*detail).into(), now.millis().into()]
    });
    session.change(&sql, values.collect::<Vec<_>>()).await?;
    Ok(())
}
