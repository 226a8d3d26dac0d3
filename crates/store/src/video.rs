//! Videos: publishing them, and an author's own list. How they go on from there is in the files beside.

pub(crate) mod end;
pub(crate) mod event;
pub(crate) mod files;
pub(crate) mod rendition;
pub(crate) mod sight;

use domain::{Error, Result, Timestamp, Title, UserId, VideoId, Visibility};
use sea_orm::Value;

use crate::Store;
use crate::card::{VideoCard, column, video_columns, video_joins};
use crate::changes::Touched;
use crate::job::{self, JobKind};
use crate::notification::{mentioned, tell};
use crate::object::{self, NewObject};
use crate::search::find_video;
use crate::session::Session;
use crate::slice::{Listed, Slice};
use crate::tag::tag;
use crate::user::number;

use event::happened;
use rendition::tell_failed;
use sight::visible;

/// How many moments may be taken by others before a publication is refused.
const MOMENTS: usize = 100;

/// A video about to be published.
#[derive(Clone, Debug)]
pub struct NewVideo {
    /// Who publishes.
    pub author: UserId,
    /// Its title.
    pub title: Title,
    /// Where its playable file is, or will be.
    pub play_key: String,
    /// Its cover, if there is one.
    pub cover_key: Option<String>,
    /// What was stored for it. Without an object under `play_key` it is not playable yet.
    pub objects: Vec<NewObject>,
    /// Who may see it.
    pub visibility: Visibility,
    /// Its length.
    pub duration_ms: i64,
    /// When it was uploaded whole.
    pub received_at: Timestamp,
    /// The upload in parts that it comes from, which ends with this.
    pub upload: Option<String>,
}

impl NewVideo {
    /// Whether it can be played already.
    #[must_use]
    pub fn is_playable(&self) -> bool {
        self.objects.iter().any(|object| object.key == self.play_key)
    }

    fn is_shown(&self) -> bool {
        self.is_playable() && self.visibility == Visibility::Public
    }
}

impl Store {
    /// Makes a video, at once visible to those who may see it, or processing; and the job that makes its
    /// renditions. Nine statements, seven when not shown; one more when it ends an upload, two with
    /// tags; two and one for each who is mentioned; on MySQL one more.
    ///
    /// # Errors
    /// [`Error::UploadNotFound`] when the upload it comes from is not there, or not whole.
    pub async fn publish(&self, video: NewVideo, now: Timestamp) -> Result<VideoId> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    session.hold_users(video.author, video.author).await?;
                    if let Some(upload) = &video.upload {
                        let sql = "DELETE FROM upload WHERE name = ? AND user_id = ? AND received = bytes";
                        let values = [upload.as_str().into(), video.author.get().into()];
                        if session.change(sql, values).await? == 0 {
                            return Err(Error::UploadNotFound);
                        }
                    }
                    let id = insert(session, &video, now).await?;
                    session.change("INSERT INTO video_stat (video_id) VALUES (?)", [id.get().into()]).await?;
                    object::insert(session, id, &video.objects).await?;
                    tag(session, id, &video.title).await?;
                    find_video(session, id, video.title.as_str()).await?;
                    job::insert(session, id, JobKind::Transcode, now, now).await?;
                    happened(session, id, &[("received", None)], video.received_at).await?;
                    let events = [("checked", None), ("playable", None)];
                    let events = if video.is_playable() { &events[..] } else { &events[..1] };
                    happened(session, id, events, now).await?;
                    if video.is_shown() {
                        session.touched(Touched::User(video.author.get()));
                        count_work(session, id, 1).await?;
                    }
                    if video.is_playable() {
                        let by = (video.author.get(), id, None);
                        tell(session, mentioned(session, video.title.as_str(), by, now).await?).await?;
                    }
                    Ok(id)
                })
            })
            .await
    }

    /// An author's videos, newest first; those still processing only for the author. Two statements.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn videos_of(
        &self,
        author: UserId,
        viewer: Option<UserId>,
        slice: Slice,
    ) -> Result<Listed<VideoCard>> {
        let sql = concat!(
            "SELECT v.id AS place, ",
            video_columns!(),
            " FROM video v ",
            video_joins!(),
            " WHERE v.author_id = ? AND (",
            visible!("?"),
            " OR (v.state = 'processing' AND v.author_id = ?)) AND v.id < ? ORDER BY v.id DESC LIMIT ?"
        );
        let of_whom = (author, viewer);
        let viewer = number(viewer);
        let author_id = Value::from(author.get());
        let of = [viewer.clone(), viewer.clone(), author_id];
        let values = of.into_iter().chain(std::iter::repeat_n(viewer, 5));
        self.database.list_of(of_whom, sql, values, slice, VideoCard::read).await
    }
}

/// Marks a video failed that cannot be played and so needs no object any more; the keys that may be deleted.
/// Six statements, one for a video that can be played: then what it has stays.
pub(crate) async fn fail(
    session: &Session,
    video: VideoId,
    why: &str,
    now: Timestamp,
) -> Result<Vec<String>> {
    let sql = "UPDATE video SET state = 'failed', cover_key = NULL WHERE id = ? AND state IN ('processing', 'failed')";
    if session.change(sql, [video.get().into()]).await? == 0 {
        return Ok(Vec::new());
    }
    // Bounded: a video has a handful of objects.
    let sql = "SELECT object_key FROM video_object WHERE video_id = ? LIMIT 200";
    let keys = session.rows(sql, [video.get().into()]).await?;
    let sql = "DELETE FROM video_object WHERE video_id = ?";
    session.change(sql, [video.get().into()]).await?;
    happened(session, video, &[("refused", Some(why))], now).await?;
    tell_failed(session, video, now).await?;
    keys.iter().map(|row| column(row, "object_key")).collect()
}

/// Two statements, one when not shown.
async fn insert(session: &Session, video: &NewVideo, now: Timestamp) -> Result<VideoId> {
    let sql = "INSERT INTO video (author_id, title, state, play_key, cover_key, published_at, created_at, \
               visibility, duration_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    for _ in 0..MOMENTS {
        let published_at = if video.is_shown() { Some(next_publish_time(session, now).await?) } else { None };
        let values: [Value; 9] = [
            video.author.get().into(),
            video.title.as_str().into(),
            if video.is_playable() { "ready" } else { "processing" }.into(),
            video.play_key.as_str().into(),
            video.cover_key.clone().into(),
            published_at.into(),
            now.millis().into(),
            video.visibility.as_str().into(),
            video.duration_ms.into(),
        ];
        if let Some(id) = session.insert_new(sql, values).await? {
            return VideoId::parse(id);
        }
    }
    Err(Error::Overloaded)
}

/// Makes a video visible to all, as the newest. Two statements.
async fn show(session: &Session, video: VideoId, now: Timestamp) -> Result<()> {
    let sql = "UPDATE video SET published_at = ? WHERE id = ?";
    for _ in 0..MOMENTS {
        let at = next_publish_time(session, now).await?;
        if session.change_unless_taken(sql, [at.into(), video.get().into()]).await? {
            return Ok(());
        }
    }
    Err(Error::Overloaded)
}

/// Publish times are unique, so that a page that ends at one neither repeats nor skips a video. Between this
/// and its use another process may take the moment; then the next one is asked for.
async fn next_publish_time(session: &Session, now: Timestamp) -> Result<i64> {
    let row = session.row("SELECT MAX(published_at) AS latest FROM video LIMIT 1", []).await?;
    let latest: Option<i64> = row.map(|row| column(&row, "latest")).transpose()?.flatten();
    Ok(now.millis().max(latest.unwrap_or(0) + 1))
}

/// Invariant: work_count equals the author's published videos; called where one comes or goes.
async fn count_work(session: &Session, video: VideoId, by: i64) -> Result<()> {
    session.touched(Touched::Feed);
    let sql = "UPDATE user_stat SET work_count = work_count + ? \
               WHERE user_id = (SELECT author_id FROM video WHERE id = ?)";
    match session.change(sql, [by.into(), video.get().into()]).await? {
        1 => Ok(()),
        _ => Err(Error::VideoNotFound(video)),
    }
}
