//! A video's end: out of sight at once, then piece by piece out of the database. Its objects are deleted by
//! whoever has claimed the job that this leaves.

use domain::{Error, Result, Timestamp, UserId, VideoId};

use super::sight::hide;
use crate::Store;
use crate::job::{self, Attempt, JobKind};
use crate::reactions::{Whose, take_bookmarks, take_comments, take_likes, take_views};

impl Store {
    /// Deletes a video of this author: nobody sees it from now on, no job works on it, and one is queued that
    /// deletes what it consists of. Six statements, on MySQL one more.
    ///
    /// # Errors
    /// [`Error::VideoNotFound`] when the author has none of that number.
    pub async fn delete_video(&self, author: UserId, video: VideoId, now: Timestamp) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    session.hold_users(author, author).await?;
                    let sql = "UPDATE video SET state = 'deleting' \
                               WHERE id = ? AND author_id = ? AND state NOT IN ('deleting', 'gone')";
                    if session.change(sql, [video.get().into(), author.get().into()]).await? == 0 {
                        return Err(Error::VideoNotFound(video));
                    }
                    hide(session, author, video).await?;
                    // Whoever works on one of these holds a number that is worth nothing now.
                    let sql = "UPDATE job SET state = 'done', fence = fence + 1 \
                               WHERE video_id = ? AND state IN ('queued', 'leased', 'dead')";
                    session.change(sql, [video.get().into()]).await?;
                    job::insert(session, video, JobKind::Settle, now, now).await
                })
            })
            .await
    }

    /// Takes back some of the likes, comments, bookmarks and views of a video that is being deleted; false when there are
    /// no more. Twelve statements, on MySQL one more; four when there are none.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn forget_reactions(&self, video: VideoId) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    session.hold_video(video).await?;
                    let likes = take_likes(session, Whose::to(video)).await?;
                    let comments = take_comments(session, video).await?;
                    let bookmarks = take_bookmarks(session, Whose::to(video)).await?;
                    let views = take_views(session, Whose::to(video)).await?;
                    Ok(likes || comments || bookmarks || views)
                })
            })
            .await
    }

    /// A video that is being deleted has no objects any more: of its row only the number stays. False, changing
    /// nothing, when the job is no longer this attempt's. Six statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn video_gone(&self, attempt: Attempt, video: VideoId) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    if !job::end(session, attempt, "done", None).await? {
                        return Ok(false);
                    }
                    for sql in [
                        "DELETE FROM video_object WHERE video_id = ?",
                        "DELETE FROM video_event WHERE video_id = ?",
                        "DELETE FROM video_tag WHERE video_id = ?",
                        "DELETE FROM share WHERE video_id = ?",
                        "UPDATE video SET state = 'gone', title = '', play_key = '', cover_key = NULL, \
                         thumbhash = NULL, withheld_at = NULL WHERE id = ?",
                    ] {
                        session.change(sql, [video.get().into()]).await?;
                    }
                    Ok(true)
                })
            })
            .await
    }
}
