//! Sessions: logins of the modern API, each renewed as long as it is used, and ended from anywhere.

use std::time::Duration;

use domain::limits::SESSION_TIME;
use domain::{Error, Result, Timestamp, UserId};
use sea_orm::Value;

use crate::Store;
use crate::card::column;
use crate::row::Row;
use crate::session::Session;

/// For so long a renewal gives what it gave already: its answer may have been lost, or two windows asked at once.
const AGAIN: Duration = Duration::from_secs(10);
/// A session that is over is kept for so long, for those who have yet to learn of its end.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Sessions of an account; the oldest goes when there is one more.
const MOST: u64 = 100;

/// A session somebody has just proved to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenSession {
    /// Its number.
    pub id: i64,
    /// How often it was renewed.
    pub generation: i64,
    /// The account's: tokens with a smaller one are revoked.
    pub token_epoch: i64,
}

/// A session as its owner is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Its number.
    pub id: i64,
    /// What opened it, in its own words.
    pub device: String,
    /// UTC milliseconds.
    pub created_at: i64,
    /// UTC milliseconds: when it was renewed last.
    pub renewed_at: i64,
    /// UTC milliseconds.
    pub expires_at: i64,
}

impl Store {
    /// Opens a session, and forgets those of the account that are long over, and the oldest beyond a hundred.
    /// Two statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn open_session(&self, user: UserId, device: String, now: Timestamp) -> Result<i64> {
        self.database.write(move |session| Box::pin(open(session, user, device.clone(), now))).await
    }

    /// Renews a session that is at this generation; nothing when there is none, or when this generation was renewed
    /// before: then two have it, and it ends for both. Two statements, one more when it ends.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn renew_session(
        &self,
        user: UserId,
        id: i64,
        generation: i64,
        now: Timestamp,
    ) -> Result<Option<OpenSession>> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "UPDATE session SET generation = generation + 1, renewed_at = ?, expires_at = ? \
                               WHERE id = ? AND user_id = ? AND generation = ? AND ended_at IS NULL AND expires_at > ?";
                    let values: [Value; 6] = [
                        now.millis().into(),
                        now.after(SESSION_TIME).millis().into(),
                        id.into(),
                        user.get().into(),
                        generation.into(),
                        now.millis().into(),
                    ];
                    let is_renewed = session.change(sql, values).await? > 0;
                    let sql = "SELECT s.generation, s.renewed_at, u.token_epoch FROM session s \
                               JOIN user u ON u.id = s.user_id \
                               WHERE s.id = ? AND s.user_id = ? AND s.ended_at IS NULL AND s.expires_at > ? LIMIT 1";
                    let values = [id.into(), user.get().into(), now.millis().into()];
                    let Some(row) = session.row(sql, values).await? else { return Ok(None) };
                    let (now_at, renewed_at): (i64, i64) =
                        (column(&row, "generation")?, column(&row, "renewed_at")?);
                    let is_again = now_at == generation + 1 && renewed_at > now.before(AGAIN).millis();
                    if is_renewed || is_again {
                        let token_epoch = column(&row, "token_epoch")?;
                        return Ok(Some(OpenSession { id, generation: now_at, token_epoch }));
                    }
                    let sql = "UPDATE session SET ended_at = ? WHERE id = ?";
                    session.change(sql, [now.millis().into(), id.into()]).await?;
                    Ok(None)
                })
            })
            .await
    }

    /// The sessions of an account, the latest first, at most 100. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<SessionRow>> {
        let sql = "SELECT * FROM session WHERE user_id = ? AND ended_at IS NULL AND expires_at > ? \
                   ORDER BY id DESC LIMIT 100";
        let read = |row: &Row| {
            Ok(SessionRow {
                id: column(row, "id")?,
                device: column(row, "device")?,
                created_at: column(row, "created_at")?,
                renewed_at: column(row, "renewed_at")?,
                expires_at: column(row, "expires_at")?,
            })
        };
        self.database.list(sql, [user.get().into(), now.millis().into()], read).await
    }

    /// Ends a session of an account. One statement.
    ///
    /// # Errors
    /// [`Error::SessionNotFound`] when there is none that has not ended.
    pub async fn end_session(&self, user: UserId, id: i64, now: Timestamp) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql =
                        "UPDATE session SET ended_at = ? WHERE id = ? AND user_id = ? AND ended_at IS NULL";
                    match session.change(sql, [now.millis().into(), id.into(), user.get().into()]).await? {
                        0 => Err(Error::SessionNotFound),
                        _ => Ok(()),
                    }
                })
            })
            .await
    }

    /// Ends every login of an account. Two statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn revoke_tokens(&self, id: UserId, now: Timestamp) -> Result<()> {
        self.database.write(move |session| Box::pin(revoke(session, id, now))).await
    }

    /// Replaces a password, ends every login of the account and opens a session. Six statements.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn change_password(
        &self,
        user: UserId,
        password_hash: String,
        device: String,
        now: Timestamp,
    ) -> Result<OpenSession> {
        self.database
            .write(move |session| {
                let (password_hash, device) = (password_hash.clone(), device.clone());
                Box::pin(async move {
                    let sql = "UPDATE user SET password_hash = ? WHERE id = ?";
                    session.change(sql, [password_hash.into(), user.get().into()]).await?;
                    revoke(session, user, now).await?;
                    let id = open(session, user, device, now).await?;
                    let sql = "SELECT token_epoch FROM user WHERE id = ? LIMIT 1";
                    let row = session.row(sql, [user.get().into()]).await?;
                    let token_epoch = column(&row.ok_or(Error::UserNotFound(user))?, "token_epoch")?;
                    Ok(OpenSession { id, generation: 0, token_epoch })
                })
            })
            .await
    }

    /// Sessions that were ended at `since` or later, the latest 10,000. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn ended_sessions(&self, since: Timestamp) -> Result<Vec<i64>> {
        let sql = "SELECT id FROM session WHERE ended_at >= ? ORDER BY ended_at DESC LIMIT 10000";
        self.database.list(sql, [since.millis().into()], |row| column(row, "id")).await
    }
}

/// Two statements.
async fn open(session: &Session, user: UserId, device: String, now: Timestamp) -> Result<i64> {
    let sql = "DELETE FROM session WHERE user_id = ? AND (expires_at < ? OR ended_at < ? OR id <= \
               (SELECT id FROM (SELECT id FROM session WHERE user_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?) ends LIMIT 1))";
    let over = Value::from(now.before(KEPT).millis());
    let values = [user.get().into(), over.clone(), over, user.get().into(), (MOST - 1).into()];
    session.change(sql, values).await?;
    let sql =
        "INSERT INTO session (user_id, device, created_at, renewed_at, expires_at) VALUES (?, ?, ?, ?, ?)";
    let values: [Value; 5] = [
        user.get().into(),
        device.into(),
        now.millis().into(),
        now.millis().into(),
        now.after(SESSION_TIME).millis().into(),
    ];
    session.insert(sql, values).await
}

/// Two statements.
pub(crate) async fn revoke(session: &Session, user: UserId, now: Timestamp) -> Result<()> {
    let sql = "UPDATE user SET token_epoch = token_epoch + 1, revoked_at = ? WHERE id = ?";
    session.change(sql, [now.millis().into(), user.get().into()]).await?;
    let sql = "UPDATE session SET ended_at = ? WHERE user_id = ? AND ended_at IS NULL";
    session.change(sql, [now.millis().into(), user.get().into()]).await?;
    Ok(())
}
