//! Answers kept for requests that may be sent again (Idempotency-Key, draft-ietf-httpapi-idempotency-key-header-07).
//! A name is taken before the work and its answer is kept after it: what happened in between and was never told is
//! unknown, and stays so.

use std::time::Duration;

use domain::{Result, Timestamp, UserId};
use sea_orm::Value;

use crate::Store;
use crate::card::column;
use crate::row::Row;

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Its HTTP status.
    pub status: i64,
    /// What kind of body it has; nothing when it has none.
    pub kind: Option<String>,
    /// Where what was made is.
    pub location: Option<String>,
    /// At most 64 KiB.
    pub body: Vec<u8>,
}

/// What is known of a request under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is the first.
    First,
    /// Another request has this name.
    Other,
    /// It was asked then, and nobody knows its answer yet.
    Before(Timestamp),
    /// It was answered.
    Answered(KeptAnswer),
}

impl Store {
    /// Takes a name for a request, unless it is taken; and forgets what an account was answered a day ago. Two
    /// statements, one more when it is taken.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn ask_once(
        &self,
        user: UserId,
        name: String,
        fingerprint: Vec<u8>,
        now: Timestamp,
    ) -> Result<Asked> {
        self.database
            .write(move |session| {
                let (name, fingerprint) = (name.clone(), fingerprint.clone());
                Box::pin(async move {
                    let sql = "DELETE FROM answer WHERE user_id = ? AND created_at < ?";
                    session.change(sql, [user.get().into(), now.before(KEPT).millis().into()]).await?;
                    let sql =
                        "INSERT INTO answer (user_id, name, fingerprint, created_at) VALUES (?, ?, ?, ?)";
                    let values: [Value; 4] = [
                        user.get().into(),
                        name.as_str().into(),
                        fingerprint.clone().into(),
                        now.millis().into(),
                    ];
                    if session.insert_new(sql, values).await?.is_some() {
                        return Ok(Asked::First);
                    }
                    let sql = "SELECT * FROM answer WHERE user_id = ? AND name = ? LIMIT 1";
                    let row = session.row(sql, [user.get().into(), name.into()]).await?;
                    // Whoever took it can only have given it back.
                    row.map_or(Ok(Asked::Before(now)), |row| read(&row, &fingerprint))
                })
            })
            .await
    }

    /// Keeps the answer of a request, or, when nothing was done, gives its name back. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn answered(&self, user: UserId, name: String, answer: Option<KeptAnswer>) -> Result<()> {
        self.database
            .write(move |session| {
                let (name, answer) = (name.clone(), answer.clone());
                Box::pin(async move {
                    match answer {
                        Some(KeptAnswer { status, kind, location, body }) => {
                            let sql = "UPDATE answer SET status = ?, kind = ?, location = ?, body = ? \
                                       WHERE user_id = ? AND name = ?";
                            let values: [Value; 6] = [
                                status.into(),
                                kind.into(),
                                location.into(),
                                body.into(),
                                user.get().into(),
                                name.into(),
                            ];
                            session.change(sql, values).await?;
                        }
                        None => {
                            let sql = "DELETE FROM answer WHERE user_id = ? AND name = ?";
                            session.change(sql, [user.get().into(), name.into()]).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await
    }
}

fn read(row: &Row, fingerprint: &[u8]) -> Result<Asked> {
    let found: Vec<u8> = column(row, "fingerprint")?;
    if found != fingerprint {
        return Ok(Asked::Other);
    }
    let status: i64 = column(row, "status")?;
    if status == 0 {
        return Ok(Asked::Before(Timestamp::from_millis(column(row, "created_at")?)));
    }
    let body: Option<Vec<u8>> = column(row, "body")?;
    Ok(Asked::Answered(KeptAnswer {
        status,
        kind: column(row, "kind")?,
        location: column(row, "location")?,
        body: body.unwrap_or_default(),
    }))
}
