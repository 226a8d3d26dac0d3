//! Videos: their rows, their way from `processing` to `ready` or `failed`, and an author's own list.

use domain::{Error, Result, Timestamp, Title, UserId, VideoId};
use sea_orm::Value;

use crate::card::{VideoCard, column, rows_limit, video_columns, video_joins};
use crate::changes::Touched;
use crate::object::{self, NewObject};
use crate::session::Session;
use crate::user::number;
use crate::{Store, job};

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
    /// What was stored for it. Without an object under `play_key` a job re-encodes `source_key`.
    pub objects: Vec<NewObject>,
    /// The uploaded object a job has to re-encode; nothing when the video can be played already.
    pub source_key: Option<String>,
}

impl Store {
    /// Makes a video: at once visible to all, or processing with a job that will make it so.
    /// Five statements, four when processing; on MySQL one more.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn publish(&self, video: NewVideo, now: Timestamp) -> Result<VideoId> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    session.hold_users(video.author, video.author).await?;
                    let id = insert(session, &video, now).await?;
                    session.change("INSERT INTO video_stat (video_id) VALUES (?)", [id.get().into()]).await?;
                    object::insert(session, id, &video.objects).await?;
                    match video.source_key {
                        None => {
                            session.touched(Touched::User(video.author.get()));
                            count_work(session, id).await?;
                        }
                        Some(source_key) => job::insert(session, id, &source_key, now).await?,
                    }
                    Ok(id)
                })
            })
            .await
    }

    /// A finished job: the video gets its playable object and becomes visible to all; its source is no
    /// longer needed unless it is kept. Returns false, changing nothing, when the job is no longer this
    /// attempt's. Six statements, five when the source is kept; on MySQL one more.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn video_ready(
        &self,
        attempt: job::Attempt,
        video: VideoId,
        unneeded: Option<String>,
        play: NewObject,
        now: Timestamp,
    ) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    session.hold_author_of(video).await?;
                    if !job::end(session, attempt, "done", None).await? {
                        return Ok(false);
                    }
                    show(session, video, now).await?;
                    if let Some(source_key) = unneeded {
                        let sql = "DELETE FROM video_object WHERE object_key = ?";
                        session.change(sql, [source_key.into()]).await?;
                    }
                    object::insert(session, video, &[play]).await?;
                    count_work(session, video).await?;
                    Ok(true)
                })
            })
            .await
    }

    /// A job given up through no fault of its file: the video is failed, its objects stay. Returns false,
    /// changing nothing, when the job is no longer this attempt's. Two statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn job_dead(&self, attempt: job::Attempt, video: VideoId, why: String) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let ours = job::end(session, attempt, "dead", Some(&why)).await?;
                    if ours {
                        let sql = "UPDATE video SET state = 'failed' WHERE id = ?";
                        session.change(sql, [video.get().into()]).await?;
                    }
                    Ok(ours)
                })
            })
            .await
    }

    /// A job that cannot succeed: the video is failed and needs no object any more. Returns the keys that
    /// may be deleted; none when the job is no longer this attempt's. Four statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn video_failed(
        &self,
        attempt: job::Attempt,
        video: VideoId,
        why: String,
    ) -> Result<Vec<String>> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    if !job::end(session, attempt, "dead", Some(&why)).await? {
                        return Ok(Vec::new());
                    }
                    fail(session, video).await
                })
            })
            .await
    }

    /// An author's videos, newest first, at most 500; those still processing only for the author.
    /// Two statements.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn videos_of(&self, author: UserId, viewer: Option<UserId>) -> Result<Vec<VideoCard>> {
        let sql = concat!(
            "SELECT ",
            video_columns!(),
            " FROM video v ",
            video_joins!(),
            " WHERE v.author_id = ? AND (v.state = 'ready' OR (v.state = 'processing' AND v.author_id = ?)) \
             ORDER BY v.id DESC LIMIT ?"
        );
        let values = [number(viewer), number(viewer), author.get().into(), number(viewer), rows_limit()];
        self.database.list_of(author, sql, values, VideoCard::read).await
    }
}

/// Marks a video failed that needs no object any more; the keys that may be deleted. Three statements.
pub(crate) async fn fail(session: &Session, video: VideoId) -> Result<Vec<String>> {
    // Bounded: a video has a handful of objects.
    let sql = "SELECT object_key FROM video_object WHERE video_id = ? LIMIT 100";
    let keys = session.rows(sql, [video.get().into()]).await?;
    let sql = "DELETE FROM video_object WHERE video_id = ?";
    session.change(sql, [video.get().into()]).await?;
    let sql = "UPDATE video SET state = 'failed', cover_key = NULL WHERE id = ?";
    session.change(sql, [video.get().into()]).await?;
    keys.iter().map(|row| column(row, "object_key")).collect()
}

/// Who published a video that everybody may see. One statement.
pub(crate) async fn published_author(session: &Session, video: VideoId) -> Result<UserId> {
    let sql = "SELECT author_id FROM video WHERE id = ? AND published_at IS NOT NULL LIMIT 1";
    let row = session.row(sql, [video.get().into()]).await?.ok_or(Error::VideoNotFound(video))?;
    UserId::parse(column(&row, "author_id")?)
}

/// Two statements, one when processing.
async fn insert(session: &Session, video: &NewVideo, now: Timestamp) -> Result<VideoId> {
    let sql = "INSERT INTO video (author_id, title, state, play_key, cover_key, published_at, created_at) \
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    let ready = video.source_key.is_none();
    for _ in 0..MOMENTS {
        let published_at = if ready { Some(next_publish_time(session, now).await?) } else { None };
        let values: [Value; 7] = [
            video.author.get().into(),
            video.title.as_str().into(),
            if ready { "ready" } else { "processing" }.into(),
            video.play_key.as_str().into(),
            video.cover_key.clone().into(),
            published_at.into(),
            now.millis().into(),
        ];
        if let Some(id) = session.insert_new(sql, values).await? {
            return VideoId::parse(id);
        }
    }
    Err(Error::Overloaded)
}

/// Makes a video visible to all. Two statements.
async fn show(session: &Session, video: VideoId, now: Timestamp) -> Result<()> {
    let sql = "UPDATE video SET state = 'ready', published_at = ? WHERE id = ?";
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

/// Invariant: work_count equals the author's ready videos; called where one becomes ready.
async fn count_work(session: &Session, video: VideoId) -> Result<()> {
    session.touched(Touched::Feed);
    let sql = "UPDATE user_stat SET work_count = work_count + 1 \
               WHERE user_id = (SELECT author_id FROM video WHERE id = ?)";
    match session.change(sql, [video.get().into()]).await? {
        1 => Ok(()),
        _ => Err(Error::VideoNotFound(video)),
    }
}
