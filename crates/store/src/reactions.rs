//! What people did to videos, taken back some rows at a time and counted out: of a video that is deleted, or of a
//! person who leaves.

use std::collections::BTreeMap;

use domain::{Error, Result, UserId, VideoId};
use sea_orm::Value;

use crate::card::column;
use crate::changes::Touched;
use crate::coalesce::many;
use crate::comment::count_replies;
use crate::session::Session;

/// Rows of a table taken back in one transaction.
pub(crate) const CHUNK: u64 = 200;

/// Whose reactions: the column that says so, and its value.
#[derive(Clone, Copy)]
pub(crate) struct Whose(&'static str, i64);

impl Whose {
    /// Those to a video.
    pub(crate) fn to(video: VideoId) -> Self {
        Self("video_id", video.get())
    }

    /// Those of a person.
    pub(crate) fn of(person: UserId) -> Self {
        Self("user_id", person.get())
    }

    /// Rows of a table, the oldest first. One statement.
    async fn rows(self, session: &Session, sql: &str) -> Result<Vec<crate::row::Row>> {
        let sql = format!("{sql} WHERE x.{} = ? ORDER BY x.id LIMIT ?", self.0);
        session.rows(&sql, [self.1.into(), CHUNK.into()]).await
    }
}

/// False when there were none. Four statements, one for none.
pub(crate) async fn take_likes(session: &Session, whose: Whose) -> Result<bool> {
    // bounded: `rows` adds a LIMIT.
    let sql =
        "SELECT x.id, x.user_id, x.video_id, v.author_id FROM video_like x JOIN video v ON v.id = x.video_id";
    let (mut ids, mut people, mut videos) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for row in whose.rows(session, sql).await? {
        ids.push(column::<i64>(&row, "id")?);
        people.entry(column::<i64>(&row, "user_id")?).or_insert([0; 2])[0] -= 1;
        people.entry(column::<i64>(&row, "author_id")?).or_insert([0; 2])[1] -= 1;
        videos.entry(column::<i64>(&row, "video_id")?).or_insert([0])[0] -= 1;
    }
    if !take_rows(session, "video_like", ids).await? {
        return Ok(false);
    }
    many::add(session, ("video_stat", "video_id"), ["like_count"], &videos).await?;
    many::add(session, ("user_stat", "user_id"), ["liked_count", "received_like_count"], &people).await?;
    videos.into_keys().for_each(|video| session.touched(Touched::Video(video)));
    people.into_keys().for_each(|person| session.touched(Touched::User(person)));
    Ok(true)
}

/// All of a video. False when there were none. Four statements, one for none.
pub(crate) async fn take_comments(session: &Session, video: VideoId) -> Result<bool> {
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
    let videos = BTreeMap::from([(video.get(), [-i64::try_from(ids.len()).unwrap_or(i64::MAX)])]);
    if !take_rows(session, "comment", ids).await? {
        return Ok(false);
    }
    many::add(session, ("video_stat", "video_id"), ["comment_count"], &videos).await?;
    session.touched(Touched::Video(video.get()));
    count_replies(session, &parents).await?;
    Ok(true)
}

/// False when there were none. Two statements, one for none.
pub(crate) async fn take_bookmarks(session: &Session, whose: Whose) -> Result<bool> {
    // bounded: as above.
    let rows = whose.rows(session, "SELECT x.id FROM bookmark x").await?;
    let ids = rows.iter().map(|row| column(row, "id")).collect::<Result<Vec<i64>>>()?;
    take_rows(session, "bookmark", ids).await
}

/// False when there were none. Three statements, one for none.
pub(crate) async fn take_views(session: &Session, whose: Whose) -> Result<bool> {
    // bounded: as above.
    let sql = "SELECT x.id, x.video_id, x.is_counted FROM video_view x";
    let (mut ids, mut videos) = (Vec::new(), BTreeMap::new());
    for row in whose.rows(session, sql).await? {
        ids.push(column::<i64>(&row, "id")?);
        videos.entry(column::<i64>(&row, "video_id")?).or_insert([0])[0] -=
            column::<i64>(&row, "is_counted")?;
    }
    if !take_rows(session, "video_view", ids).await? {
        return Ok(false);
    }
    many::add(session, ("video_stat", "video_id"), ["view_count"], &videos).await?;
    Ok(true)
}

/// False for no rows. One statement, none for none.
///
/// # Errors
/// When one of them was gone: what it counted for would be counted out twice.
pub(crate) async fn take_rows(session: &Session, table: &str, ids: Vec<i64>) -> Result<bool> {
    if ids.is_empty() {
        return Ok(false);
    }
    let (count, ids) = (ids.len() as u64, many::filled(ids));
    let sql = format!("DELETE FROM {table} WHERE id IN {}", many::list(ids.len()));
    match session.change(&sql, ids.into_iter().map(Value::from)).await? {
        gone if gone == count => Ok(true),
        _ => Err(Error::internal("a row was gone before it was taken back")),
    }
}
