//! The second factor of a login. What a code must be is the user service's.

use domain::{Error, Result, UserId};
use sea_orm::Value;

use crate::Store;
use crate::card::column;
use crate::coalesce::many;
use crate::row::Row;
use crate::session::Session;

/// Somebody's second factor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TwoFactor {
    /// What their device shares; nothing before one was begun.
    pub secret: Option<Vec<u8>>,
    /// Whether it is asked for at login.
    pub is_on: bool,
    /// How many recovery codes are left.
    pub codes_left: i64,
}

impl Store {
    /// Somebody's second factor. One statement.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn two_factor(&self, user: UserId) -> Result<TwoFactor> {
        let sql = "SELECT totp_secret, has_totp, (SELECT COUNT(*) FROM recovery_code WHERE user_id = u.id) AS codes_left \
                   FROM user u WHERE u.id = ? LIMIT 1";
        let read = |row: &Row| {
            Ok(TwoFactor {
                secret: column(row, "totp_secret")?,
                is_on: column::<i64>(row, "has_totp")? != 0,
                codes_left: column(row, "codes_left")?,
            })
        };
        let found = self.database.list(sql, [user.get().into()], read).await?;
        found.into_iter().next().ok_or(Error::UserNotFound(user))
    }

    /// Gives somebody a secret for their device, which is not asked for yet; in place of one that never was. One
    /// statement.
    ///
    /// # Errors
    /// [`Error::TwoFactorOn`] when there is one that is asked for.
    pub async fn begin_two_factor(&self, user: UserId, secret: Vec<u8>) -> Result<()> {
        self.database
            .write(move |session| {
                let secret = secret.clone();
                Box::pin(async move {
                    let sql = "UPDATE user SET totp_secret = ?, totp_step = 0 WHERE id = ? AND has_totp = 0";
                    match session.change(sql, [secret.into(), user.get().into()]).await? {
                        0 => Err(Error::TwoFactorOn),
                        _ => Ok(()),
                    }
                })
            })
            .await
    }

    /// Asks for the second factor from now on; its first code was of this step. Three statements, one when refused.
    ///
    /// # Errors
    /// [`Error::TwoFactorOn`] when it is asked for already.
    pub async fn confirm_two_factor(&self, user: UserId, step: i64, codes: Vec<[u8; 32]>) -> Result<()> {
        self.database
            .write(move |session| {
                let codes = codes.clone();
                Box::pin(async move {
                    let sql = "UPDATE user SET has_totp = 1, totp_step = ? \
                               WHERE id = ? AND has_totp = 0 AND totp_secret IS NOT NULL";
                    if session.change(sql, [step.into(), user.get().into()]).await? == 0 {
                        return Err(Error::TwoFactorOn);
                    }
                    forget_codes(session, user).await?;
                    let row = |code: [u8; 32]| [Value::from(user.get()), code.to_vec().into()];
                    let rows = codes.into_iter().map(row).collect();
                    many::insert(session, "recovery_code (user_id, sha256)", rows, 1).await.map(|_| ())
                })
            })
            .await
    }

    /// Uses the code of a step up; false when it, or a later one, was used before. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn use_step(&self, user: UserId, step: i64) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "UPDATE user SET totp_step = ? WHERE id = ? AND totp_step < ?";
                    let values = [step, user.get(), step].map(Value::from);
                    Ok(session.change(sql, values).await? > 0)
                })
            })
            .await
    }

    /// Uses a recovery code up; false when there is no such one. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn use_recovery_code(&self, user: UserId, code: [u8; 32]) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "DELETE FROM recovery_code WHERE user_id = ? AND sha256 = ?";
                    Ok(session.change(sql, [user.get().into(), code.to_vec().into()]).await? > 0)
                })
            })
            .await
    }

    /// Asks for no second factor any more. Two statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn end_two_factor(&self, user: UserId) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "UPDATE user SET totp_secret = NULL, has_totp = 0, totp_step = 0 WHERE id = ?";
                    session.change(sql, [user.get().into()]).await?;
                    forget_codes(session, user).await
                })
            })
            .await
    }
}

/// One statement.
async fn forget_codes(session: &Session, user: UserId) -> Result<()> {
    session.change("DELETE FROM recovery_code WHERE user_id = ?", [user.get().into()]).await.map(|_| ())
}
