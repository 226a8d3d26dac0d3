//! What a failed statement means: a bug of ours, a dependency that failed, or a transaction to try again.

use domain::Error;
use sea_orm::sqlx::{self, mysql::MySqlDatabaseError};
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

/// What became of the transaction in which a statement failed on MySQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It met another one and lost: the same again may succeed.
    Again,
    /// The connection is gone, and what was not committed with it.
    Lost,
    /// The statement itself was refused.
    Refused,
}

/// A deadlock, a lock that did not come in time, a row that changed under a snapshot.
const AGAIN: [u16; 3] = [1213, 1205, 1020];
/// The server says good-bye: it shuts down, was told to drop us, or could not send.
const LOST: [u16; 8] = [1053, 1152, 1158, 1159, 1160, 1161, 1927, 4031];
/// Wrong only today: too many connections, no more room, a right or the password taken away.
const OUTSIDE: [u16; 11] = [1021, 1030, 1040, 1041, 1044, 1045, 1114, 1142, 1143, 1227, 1290];

impl Fault {
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        match number(error) {
            Some(number) if AGAIN.contains(&number) => Self::Again,
            Some(number) if LOST.contains(&number) => Self::Lost,
            Some(_) => Self::Refused,
            None => Self::Lost,
        }
    }
}

/// The server's own number of an error it answered with.
pub(crate) fn number(error: &sqlx::Error) -> Option<u16> {
    let answered = error.as_database_error()?.try_downcast_ref::<MySqlDatabaseError>()?;
    Some(answered.number())
}

/// A failed statement of SQLite's as the platform's error.
pub(crate) fn failed_here(error: rusqlite::Error) -> Error {
    if is_ours_here(&error) { Error::internal(error) } else { Error::unavailable(error) }
}

/// SQLite's primary result codes: 1 is a wrong statement, 19 a broken constraint. What never came to SQLite
/// is ours too.
fn is_ours_here(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_none_or(|error| matches!(error.extended_code & 0xff, 1 | 19))
}

/// A failed statement as the platform's error: what the disk, the network or a lock did is a failed
/// dependency, all else is a bug of ours.
pub(crate) fn failed(error: DbErr) -> Error {
    if let DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) = error {
        return Error::Overloaded;
    }
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = &error
    else {
        return Error::internal(error);
    };
    if is_ours(cause) { Error::internal(error) } else { Error::unavailable(error) }
}

fn is_ours(cause: &sqlx::Error) -> bool {
    let Some(answered) = cause.as_database_error() else { return false };
    let code = answered.code().unwrap_or_default();
    // Of SQL's classes of states: cardinality, data, constraint, and syntax or access.
    let is_wrong = ["21", "22", "23", "42"].iter().any(|class| code.starts_with(class));
    is_wrong && number(cause).is_some_and(|number| !OUTSIDE.contains(&number))
}
