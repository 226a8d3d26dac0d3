//! What administrators decide: who may be here, and whom they invite. Every decision leaves a line in the audit log, in
//! the same transaction.

use domain::{Error, Result, Standing, Timestamp, UserId};
use sea_orm::Value;

use crate::Store;
use crate::card::{UserCard, column, user_columns};
use crate::row::Row;
use crate::session::Session;
use crate::sessions::revoke;
use crate::slice::{Listed, Slice};
use crate::user::number;

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its number.
    pub id: i64,
    /// The random word that it is known by.
    pub code: String,
    /// How many may still register with it.
    pub uses_left: i64,
    /// UTC milliseconds.
    pub expires_at: i64,
    /// UTC milliseconds.
    pub created_at: i64,
}

/// One line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number.
    pub id: i64,
    /// The administrator's name.
    pub by: String,
    /// What was done: a stable word.
    pub action: String,
    /// To what: a kind and a number.
    pub subject: String,
    /// Why, and what else there is to know.
    pub detail: Option<String>,
    /// UTC milliseconds.
    pub created_at: i64,
}

impl Store {
    /// Lets an account be used, or not: then every login of it ends. Five statements, one when refused.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn set_standing(
        &self,
        admin: UserId,
        user: UserId,
        standing: Standing,
        reason: String,
        now: Timestamp,
    ) -> Result<()> {
        self.database
            .write(move |session| {
                let reason = reason.clone();
                Box::pin(async move {
                    let sql =
                        "SELECT 1 FROM user WHERE id = ? AND standing NOT IN ('leaving', 'gone') LIMIT 1";
                    session.row(sql, [user.get().into()]).await?.ok_or(Error::UserNotFound(user))?;
                    let sql = "UPDATE user SET standing = ? WHERE id = ?";
                    session.change(sql, [standing.as_str().into(), user.get().into()]).await?;
                    revoke(session, user, now).await?;
                    let subject = format!("user {user}");
                    audit(session, admin, standing.as_str(), &subject, &reason, now).await
                })
            })
            .await
    }

    /// Accounts of a standing, the latest first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn accounts(&self, standing: Standing, slice: Slice) -> Result<Listed<UserCard>> {
        let sql = concat!(
            "SELECT u.id AS place, ",
            user_columns!(),
            " FROM user u LEFT JOIN user_stat us ON us.user_id = u.id \
             WHERE u.standing = ? AND u.id < ? ORDER BY u.id DESC LIMIT ?"
        );
        let values = [number(None), standing.as_str().into()];
        self.database.list_part(sql, values, slice, UserCard::read).await
    }

    /// Invites as many as this to register until a moment. Two statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn invite(
        &self,
        admin: UserId,
        code: String,
        uses: i64,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Invitation> {
        self.database
            .write(move |session| {
                let code = code.clone();
                Box::pin(async move {
                    let sql = "INSERT INTO invitation (code, uses_left, expires_at, created_at) VALUES (?, ?, ?, ?)";
                    let values: [Value; 4] = [
                        code.as_str().into(),
                        uses.into(),
                        expires_at.millis().into(),
                        now.millis().into(),
                    ];
                    let id = session.insert(sql, values).await?;
                    let detail = format!("for {uses}");
                    audit(session, admin, "invited", &format!("invitation {id}"), &detail, now).await?;
                    let (expires_at, created_at) = (expires_at.millis(), now.millis());
                    Ok(Invitation { id, code, uses_left: uses, expires_at, created_at })
                })
            })
            .await
    }

    /// Invitations that still hold, the latest first, at most 500. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn invitations(&self, now: Timestamp) -> Result<Vec<Invitation>> {
        let sql = "SELECT * FROM invitation WHERE expires_at > ? AND uses_left > 0 ORDER BY expires_at DESC LIMIT 500";
        let read = |row: &Row| {
            Ok(Invitation {
                id: column(row, "id")?,
                code: column(row, "code")?,
                uses_left: column(row, "uses_left")?,
                expires_at: column(row, "expires_at")?,
                created_at: column(row, "created_at")?,
            })
        };
        self.database.list(sql, [now.millis().into()], read).await
    }

    /// Takes an invitation back. Two statements, one when refused.
    ///
    /// # Errors
    /// [`Error::InvitationInvalid`] when there is none of that number that still holds.
    pub async fn end_invitation(&self, admin: UserId, id: i64, now: Timestamp) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql =
                        "UPDATE invitation SET uses_left = 0 WHERE id = ? AND uses_left > 0 AND expires_at > ?";
                    if session.change(sql, [id.into(), now.millis().into()]).await? == 0 {
                        return Err(Error::InvitationInvalid);
                    }
                    audit(session, admin, "uninvited", &format!("invitation {id}"), "", now).await
                })
            })
            .await
    }

    /// What administrators did, the latest first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn audit_log(&self, slice: Slice) -> Result<Listed<AuditRow>> {
        let sql = "SELECT a.id AS place, a.*, u.name AS admin_name FROM audit a LEFT JOIN user u ON u.id = a.user_id \
                   WHERE a.id < ? ORDER BY a.id DESC LIMIT ?";
        let read = |row: &Row| {
            Ok(AuditRow {
                id: column(row, "place")?,
                by: column(row, "admin_name")?,
                action: column(row, "action")?,
                subject: column(row, "subject")?,
                detail: column(row, "detail")?,
                created_at: column(row, "created_at")?,
            })
        };
        self.database.list_part(sql, [], slice, read).await
    }
}

/// Writes down what an administrator did. One statement.
pub(crate) async fn audit(
    session: &Session,
    admin: UserId,
    action: &str,
    subject: &str,
    detail: &str,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO audit (user_id, action, subject, detail, created_at) VALUES (?, ?, ?, ?, ?)";
    let detail = Some(detail.to_owned()).filter(|detail| !detail.is_empty());
    let values: [Value; 5] =
        [admin.get().into(), action.into(), subject.into(), detail.into(), now.millis().into()];
    session.insert(sql, values).await?;
    Ok(())
}
