//! A video's end: out of sight at once, then piece by piece out of the database. Its objects are deleted by
//! whoever has claimed the job that this leaves.

use std::collections::BTreeMap;

use domain::{Error, Result, Timestamp, UserId, VideoId};
use sea_orm::Value;

use super::sight::hide;
use crate::Store;
use crate::card::column;
use crate::changes::Touched;
use crate::coalesce::many;
use crate::comment::count_replies;
use crate::job::{self, Attempt, JobKind};
use crate::session::Session;

/// Likes or comments taken back in one transaction.
const CHUNK: u64 = 200;

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
                    let likes = take_likes(session, video).await?;
                    let comments = take_comments(session, video).await?;
                    let bookmarks = take_bookmarks(session, video).await?;
                    let views = take_views(session, video).await?;
                    Ok(likes || comments || bookmarks || views)
                })
            })
            .await
    }

    /// A video that is being deleted has no objects any more: of its row only the number stays. False, changing
    /// nothing, when the job is no longer this attempt's. Five statements.
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

async fn take_likes(session: &Session, video: VideoId) -> Result<bool> {
    let sql = "SELECT l.id, l.user_id, v.author_id FROM video_like l JOIN video v ON v.id = l.video_id \
               WHERE l.video_id = ? ORDER BY l.id LIMIT ?";
    let rows = session.rows(sql, [video.get().into(), CHUNK.into()]).await?;
    let (mut ids, mut people) = (Vec::new(), BTreeMap::new());
    for row in &rows {
        ids.push(column::<i64>(row, "id")?);
        people.entry(column::<i64>(row, "user_id")?).or_insert([0; 2])[0] -= 1;
        people.entry(column::<i64>(row, "author_id")?).or_insert([0; 2])[1] -= 1;
    }
    if ids.is_empty() {
        return Ok(false);
    }
    take(session, video, ("video_like", "like_count"), ids).await?;
    many::add(session, ("user_stat", "user_id"), ["liked_count", "received_like_count"], &people).await?;
    people.into_keys().for_each(|person| session.touched(Touched::User(person)));
    Ok(true)
}

async fn take_comments(session: &Session, video: VideoId) -> Result<bool> {
    // Replies are newer than what they reply to: none goes uncounted with its parent.
    let sql = "SELECT id, parent_id FROM comment WHERE video_id = ? ORDER BY id DESC LIMIT ?";
    let rows = session.rows(sql, [video.get().into(), CHUNK.into()]).await?;
    let (mut ids, mut parents) = (Vec::new(), BTreeMap::new());
    for row in &rows {
        ids.push(column::<i64>(row, "id")?);
        if let Some(parent) = column::<Option<i64>>(row, "parent_id")? {
            parents.entry(parent).or_insert([0])[0] -= 1;
        }
    }
    if ids.is_empty() {
        return Ok(false);
    }
    take(session, video, ("comment", "comment_count"), ids).await?;
    count_replies(session, &parents).await?;
    Ok(true)
}

async fn take_bookmarks(session: &Session, video: VideoId) -> Result<bool> {
    let sql = "SELECT id FROM bookmark WHERE video_id = ? ORDER BY id LIMIT ?";
    let rows = session.rows(sql, [video.get().into(), CHUNK.into()]).await?;
    let ids = rows.iter().map(|row| column(row, "id")).collect::<Result<Vec<i64>>>()?;
    if ids.is_empty() {
        return Ok(false);
    }
    take_rows(session, "bookmark", ids).await?;
    Ok(true)
}

async fn take_views(session: &Session, video: VideoId) -> Result<bool> {
    let sql = "SELECT id, is_counted FROM video_view WHERE video_id = ? ORDER BY id LIMIT ?";
    let rows = session.rows(sql, [video.get().into(), CHUNK.into()]).await?;
    let (mut ids, mut counted) = (Vec::new(), 0);
    for row in &rows {
        ids.push(column::<i64>(row, "id")?);
        counted += column::<i64>(row, "is_counted")?;
    }
    if ids.is_empty() {
        return Ok(false);
    }
    take_rows(session, "video_view", ids).await?;
    let by = BTreeMap::from([(video.get(), [-counted])]);
    many::add(session, ("video_stat", "video_id"), ["view_count"], &by).await?;
    Ok(true)
}

/// One statement.
async fn take_rows(session: &Session, table: &str, ids: Vec<i64>) -> Result<()> {
    let ids = many::filled(ids);
    let sql = format!("DELETE FROM {table} WHERE id IN {}", many::list(ids.len()));
    session.change(&sql, ids.into_iter().map(Value::from)).await?;
    Ok(())
}

/// Deletes rows of a table and counts them out. Two statements.
async fn take(
    session: &Session,
    video: VideoId,
    (table, counter): (&str, &'static str),
    ids: Vec<i64>,
) -> Result<()> {
    let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    take_rows(session, table, ids).await?;
    let by = BTreeMap::from([(video.get(), [-count])]);
    many::add(session, ("video_stat", "video_id"), [counter], &by).await?;
    session.touched(Touched::Video(video.get()));
    Ok(())
}
