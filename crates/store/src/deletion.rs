//! An account's end: out of use at once, then piece by piece out of the database. Of its row only the number stays,
//! so that what administrators did keeps who did it and no number is given twice.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::{Error, Result, Timestamp, UserId, VideoId};
use sea_orm::Value;

use crate::Store;
use crate::card::column;
use crate::changes::Touched;
use crate::coalesce::many;
use crate::comment::Said;
use crate::reactions::{CHUNK, Whose, take_bookmarks, take_likes, take_rows, take_views};
use crate::row::Row;
use crate::search::find_user_anew;
use crate::session::Session;
use crate::sessions::revoke;

/// By then no process takes a token of the account any more: nothing is added while it is cleared.
const TOKENS_END: Duration = Duration::from_secs(10);
/// Comments deleted in one transaction: each may have many replies.
const COMMENTS: u64 = 20;

/// What nobody counts, with the columns that name a person.
const PLAIN: [(&str, &str); 19] = [
    ("message", "sender_id"),
    ("message", "receiver_id"),
    ("conversation", "user_id"),
    ("conversation", "peer_id"),
    ("notification", "user_id"),
    ("notification", "actor_id"),
    ("barrier", "user_id"),
    ("barrier", "other_id"),
    ("follow_request", "requester_id"),
    ("follow_request", "user_id"),
    ("report", "reporter_id"),
    ("report", "person_id"),
    ("impression", "user_id"),
    ("held_comment", "author_id"),
    ("held_comment", "owner_id"),
    ("recovery_code", "user_id"),
    ("identity", "user_id"),
    ("session", "user_id"),
    ("answer", "user_id"),
];

impl Store {
    /// Takes an account out of use for good: its logins end, and it is found no more. What it did is forgotten by
    /// [`Store::forget_person`]. Six statements.
    ///
    /// # Errors
    /// [`Error::UserNotFound`] when it is being deleted already.
    pub async fn delete_account(&self, user: UserId, now: Timestamp) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "UPDATE user SET standing = 'leaving', role = NULL, \
                               display_name = '', signature = '' \
                               WHERE id = ? AND standing NOT IN ('leaving', 'gone')";
                    if session.change(sql, [user.get().into()]).await? == 0 {
                        return Err(Error::UserNotFound(user));
                    }
                    revoke(session, user, now).await?;
                    find_user_anew(session, user).await?;
                    session.touched(Touched::User(user.get()));
                    let sql = "UPDATE upload SET expires_at = 0 WHERE user_id = ?";
                    session.change(sql, [user.get().into()]).await.map(|_| ())
                })
            })
            .await
    }

    /// Accounts that are being deleted and no longer used by anybody, at most ten. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn leaving(&self, now: Timestamp) -> Result<Vec<UserId>> {
        let sql = "SELECT id FROM user WHERE standing = 'leaving' AND revoked_at <= ? ORDER BY id LIMIT 10";
        let before = now.before(TOKENS_END).millis();
        self.database.list(sql, [before.into()], |row| UserId::parse(column(row, "id")?)).await
    }

    /// Videos of an account that nobody has deleted yet, at most a hundred. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn undeleted_videos(&self, author: UserId) -> Result<Vec<VideoId>> {
        let sql = "SELECT id FROM video WHERE author_id = ? AND state NOT IN ('deleting', 'gone') LIMIT 100";
        let read = |row: &Row| VideoId::parse(column(row, "id")?);
        self.database.list(sql, [author.get().into()], read).await
    }

    /// Takes back some of what an account that is being deleted did; false when there is no more. 42 statements with
    /// some of everything, on MySQL one more.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn forget_person(&self, user: UserId) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    // Held: two do not count the same out.
                    let sql =
                        "UPDATE user SET token_epoch = token_epoch WHERE id = ? AND standing = 'leaving'";
                    if session.change(sql, [user.get().into()]).await? == 0 {
                        return Ok(false);
                    }
                    let mut some = take_likes(session, Whose::of(user)).await?;
                    some |= take_bookmarks(session, Whose::of(user)).await?;
                    some |= take_views(session, Whose::of(user)).await?;
                    some |= take_comment_likes(session, user).await?;
                    some |= take_comments(session, user).await?;
                    for side in ["follower_id", "followee_id"] {
                        some |= take_follows(session, user, side).await?;
                    }
                    for (table, column) in PLAIN {
                        // MySQL deletes from no table that a subquery reads, but for a derived one.
                        let sql = format!(
                            "DELETE FROM {table} WHERE id IN (SELECT id FROM (SELECT id FROM {table} \
                             WHERE {column} = ? LIMIT {CHUNK}) some)"
                        );
                        some |= session.change(&sql, [user.get().into()]).await? > 0;
                    }
                    Ok(some)
                })
            })
            .await
    }

    /// An account that is being deleted has nothing any more: of its row only the number stays. False, changing
    /// nothing, when it has. Three statements, on MySQL one more; one when it has.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn account_gone(&self, user: UserId) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    session.hold_users(user, user).await?;
                    // Who has no counters is reached by nobody.
                    let sql = "DELETE FROM user_stat WHERE user_id = ? AND follow_count = 0 AND follower_count = 0 \
                               AND work_count = 0 AND liked_count = 0 AND received_like_count = 0 \
                               AND NOT EXISTS (SELECT 1 FROM upload WHERE user_id = ?) \
                               AND NOT EXISTS (SELECT 1 FROM user_object WHERE user_id = ?) \
                               AND NOT EXISTS (SELECT 1 FROM video WHERE author_id = ? AND state <> 'gone')";
                    let id = Value::from(user.get());
                    if session.change(sql, [id.clone(), id.clone(), id.clone(), id.clone()]).await? == 0 {
                        return Ok(false);
                    }
                    session.change("DELETE FROM user_text WHERE user_id = ?", [id.clone()]).await?;
                    // No name begins with a blank.
                    let sql = "UPDATE user SET standing = 'gone', name = '', name_key = ?, password_hash = '', created_at = 0, \
                               taste_since = 0, notified_at = 0, is_private = 0, \
                               totp_secret = NULL, has_totp = 0, totp_step = 0 WHERE id = ?";
                    session.change(sql, [format!(" {user}").into(), id]).await?;
                    Ok(true)
                })
            })
            .await
    }
}

/// Invariant: like_count equals the rows of comment_like. Three statements, one for none.
async fn take_comment_likes(session: &Session, user: UserId) -> Result<bool> {
    let sql = "SELECT id, comment_id FROM comment_like WHERE user_id = ? ORDER BY id LIMIT ?";
    let (mut ids, mut comments) = (Vec::new(), BTreeMap::new());
    for row in session.rows(sql, [user.get().into(), CHUNK.into()]).await? {
        ids.push(column::<i64>(&row, "id")?);
        comments.entry(column::<i64>(&row, "comment_id")?).or_insert([0])[0] -= 1;
    }
    let some = take_rows(session, "comment_like", ids).await?;
    many::add(session, ("comment", "id"), ["like_count"], &comments).await?;
    Ok(some)
}

/// With their replies, as if their author had deleted each. One statement for none.
async fn take_comments(session: &Session, user: UserId) -> Result<bool> {
    let sql = "SELECT id, video_id FROM comment WHERE author_id = ? LIMIT ?";
    let rows = session.rows(sql, [user.get().into(), COMMENTS.into()]).await?;
    let place = |row: &Row| Ok((column(row, "video_id")?, column(row, "id")?));
    let mut places = rows.iter().map(place).collect::<Result<Vec<(i64, i64)>>>()?;
    places.sort_unstable();
    for (video, comment) in &places {
        let video = VideoId::parse(*video)?;
        session.hold_video(video).await?;
        // A reply may have gone with what it replied to.
        if let Some(said) = Said::find(session, video, domain::CommentId::parse(*comment)?).await? {
            said.delete(session).await?;
        }
    }
    Ok(!places.is_empty())
}

/// Invariant: the counters equal the rows of follow. Three statements, one for none.
async fn take_follows(session: &Session, user: UserId, side: &str) -> Result<bool> {
    let sql = format!("SELECT id, follower_id, followee_id FROM follow WHERE {side} = ? ORDER BY id LIMIT ?");
    let (mut ids, mut people) = (Vec::new(), BTreeMap::new());
    for row in session.rows(&sql, [user.get().into(), CHUNK.into()]).await? {
        ids.push(column::<i64>(&row, "id")?);
        people.entry(column::<i64>(&row, "follower_id")?).or_insert([0; 2])[0] -= 1;
        people.entry(column::<i64>(&row, "followee_id")?).or_insert([0; 2])[1] -= 1;
    }
    let some = take_rows(session, "follow", ids).await?;
    many::add(session, ("user_stat", "user_id"), ["follow_count", "follower_count"], &people).await?;
    people.into_keys().for_each(|person| session.touched(Touched::User(person)));
    Ok(some)
}
