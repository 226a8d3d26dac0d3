//! A video's way from an upload to renditions: playable first, then all of them, or failed.

use domain::{Error, Occasion, Result, Timestamp, VideoId, Visibility};

use super::event::happened;
use super::sight::revise;
use super::{count_work, fail, show};
use crate::Store;
use crate::card::column;
use crate::job::{self, Attempt, JobKind};
use crate::notification::{News, mentioned, tell};
use crate::object::{self, COMING, FIRST_RENDITION, NewObject, RETIRED};
use crate::session::Session;

/// What a job made of a video.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Renditions and pictures.
    pub objects: Vec<NewObject>,
    /// A placeholder of some 25 bytes.
    pub thumbhash: Option<Vec<u8>>,
    /// The roles of what is no longer needed.
    pub unneeded: Vec<&'static str>,
    /// When that may be deleted: who plays it now has until then.
    pub delete_at: Timestamp,
}

impl Store {
    /// Objects of these keys are about to be stored for a video. False, changing nothing, when the job is no longer
    /// this attempt's: then they must not be. Two statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn objects_coming(&self, attempt: Attempt, video: VideoId, keys: Vec<String>) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    if !job::holds(session, attempt).await? {
                        return Ok(false);
                    }
                    let coming = |key: &String| NewObject {
                        key: key.clone(),
                        role: COMING.into(),
                        sha256: vec![0; 32],
                        ..NewObject::default()
                    };
                    let objects: Vec<_> = keys.iter().map(coming).collect();
                    object::insert(session, video, &objects).await?;
                    Ok(true)
                })
            })
            .await
    }

    /// The first rendition of a video is there: from now on it plays, for those who may see it. False, changing
    /// nothing, when the job is no longer this attempt's. Ten statements, on MySQL one more; fewer when the
    /// video is not public.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn video_playable(
        &self,
        attempt: Attempt,
        video: VideoId,
        play: NewObject,
        now: Timestamp,
    ) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    session.hold_author_of(video).await?;
                    if !job::holds(session, attempt).await? {
                        return Ok(false);
                    }
                    let sql = "UPDATE video SET state = 'ready', play_key = ? WHERE id = ?";
                    session.change(sql, [play.key.as_str().into(), video.get().into()]).await?;
                    arrived(session, video, std::slice::from_ref(&play)).await?;
                    let events = [("playable", None), ("rendition", Some(play.role.as_str()))];
                    happened(session, video, &events, now).await?;
                    place(session, video, &play.key, now).await?;
                    Ok(true)
                })
            })
            .await
    }

    /// All renditions of a video are there. False, changing nothing, when the job is no longer this attempt's.
    /// Ten statements, on MySQL one more.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn video_finished(
        &self,
        attempt: Attempt,
        video: VideoId,
        finished: Finished,
        now: Timestamp,
    ) -> Result<bool> {
        self.database
            .write(move |session| {
                let finished = finished.clone();
                Box::pin(async move {
                    session.hold_author_of(video).await?;
                    if !job::end(session, attempt, "done", None).await? {
                        return Ok(false);
                    }
                    arrived(session, video, &finished.objects).await?;
                    let sql = "UPDATE video SET thumbhash = ?, play_key = COALESCE((SELECT object_key FROM \
                               video_object WHERE video_id = ? AND role = ?), play_key) WHERE id = ?";
                    let thumbhash = finished.thumbhash.clone().into();
                    let values = [thumbhash, video.get().into(), FIRST_RENDITION.into(), video.get().into()];
                    session.change(sql, values).await?;
                    revise(session).await?;
                    let made = finished.objects.iter().filter(|object| object.is_rendition());
                    let mut events: Vec<_> =
                        made.map(|object| ("rendition", Some(object.role.as_str()))).collect();
                    events.push(("done", None));
                    happened(session, video, &events, now).await?;
                    for role in &finished.unneeded {
                        let sql = "UPDATE video_object SET role = ? WHERE video_id = ? AND role = ?";
                        session.change(sql, [RETIRED.into(), video.get().into(), (*role).into()]).await?;
                    }
                    job::insert(session, video, JobKind::Settle, now, finished.delete_at).await?;
                    // Its visibility may have changed while they were made.
                    if is_misplaced(session, video).await? {
                        job::insert(session, video, JobKind::Settle, now, now).await?;
                    }
                    Ok(true)
                })
            })
            .await
    }

    /// A job given up through no fault of its file: a video that cannot be played is failed, its objects stay.
    /// Returns false, changing nothing, when the job is no longer this attempt's. Five statements, four for a video that can be played.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn job_dead(
        &self,
        attempt: Attempt,
        video: VideoId,
        why: String,
        now: Timestamp,
    ) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let ours = job::end(session, attempt, "dead", Some(&why)).await?;
                    if ours {
                        let sql = "UPDATE video SET state = 'failed' WHERE id = ? AND state = 'processing'";
                        session.change(sql, [video.get().into()]).await?;
                        happened(session, video, &[("refused", Some("our_fault"))], now).await?;
                        tell_failed(session, video, now).await?;
                    }
                    Ok(ours)
                })
            })
            .await
    }

    /// A job that cannot succeed: a video that cannot be played is failed and needs no object any more. Returns
    /// the keys that may be deleted; none when the job is no longer this attempt's. Seven statements, two when
    /// it can be played.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn video_failed(
        &self,
        attempt: Attempt,
        video: VideoId,
        why: String,
        now: Timestamp,
    ) -> Result<Vec<String>> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    if !job::end(session, attempt, "dead", Some(&why)).await? {
                        return Ok(Vec::new());
                    }
                    fail(session, video, &why, now).await
                })
            })
            .await
    }

    /// What a settled video no longer needs was deleted, and nothing else is left to do. False, changing
    /// nothing, when the job is no longer this attempt's. Two statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn settled(&self, attempt: Attempt, deleted: Vec<String>) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    if !job::end(session, attempt, "done", None).await? {
                        return Ok(false);
                    }
                    for key in &deleted {
                        let sql = "DELETE FROM video_object WHERE object_key = ? AND role = ?";
                        session.change(sql, [key.as_str().into(), RETIRED.into()]).await?;
                    }
                    Ok(true)
                })
            })
            .await
    }
}

/// Tells an author that a video has failed. Two statements, one when it has not.
pub(crate) async fn tell_failed(session: &Session, video: VideoId, now: Timestamp) -> Result<()> {
    let sql = "SELECT author_id FROM video WHERE id = ? AND state = 'failed' LIMIT 1";
    let row = session.row(sql, [video.get().into()]).await?;
    let author = row.map(|row| column(&row, "author_id")).transpose()?;
    tell(session, author.map(|author| News::of_video(author, Occasion::VideoFailed, video, now))).await
}

/// What was coming is there. Two statements.
async fn arrived(session: &Session, video: VideoId, objects: &[NewObject]) -> Result<()> {
    let sql = "DELETE FROM video_object WHERE video_id = ? AND role = ?";
    session.change(sql, [video.get().into(), COMING.into()]).await?;
    object::insert(session, video, objects).await
}

/// Shows a public video whose object is where everybody can read it, else has it settled; and tells whom it concerns.
async fn place(session: &Session, video: VideoId, play_key: &str, now: Timestamp) -> Result<()> {
    let sql = "SELECT visibility, author_id, title FROM video WHERE id = ? LIMIT 1";
    let row = session.row(sql, [video.get().into()]).await?.ok_or(Error::VideoNotFound(video))?;
    let visibility = Visibility::stored(&column::<String>(&row, "visibility")?)?;
    let (author, title): (i64, String) = (column(&row, "author_id")?, column(&row, "title")?);
    if !play_key.starts_with(visibility.prefix()) {
        job::insert(session, video, JobKind::Settle, now, now).await?;
    } else if visibility == Visibility::Public {
        show(session, video, now).await?;
        count_work(session, video, 1).await?;
    }
    let mut news = mentioned(session, &title, (author, video, None), now).await?;
    news.push(News::of_video(author, Occasion::VideoReady, video, now));
    tell(session, news).await
}

/// Whether an object lies where its video's visibility does not want it. One statement.
async fn is_misplaced(session: &Session, video: VideoId) -> Result<bool> {
    let sql = "SELECT 1 FROM video_object o JOIN video v ON v.id = o.video_id WHERE v.id = ? AND o.role <> 'coming' AND o.object_key LIKE \
               CASE WHEN v.visibility = 'public' THEN 's/%' ELSE 'p/%' END LIMIT 1";
    Ok(session.row(sql, [video.get().into()]).await?.is_some())
}
