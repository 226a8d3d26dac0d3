//! A mutation on MySQL: one transaction on a connection of its own, tried again as a whole when it met
//! another and lost.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{Error, Result};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sea_orm::sqlx::mysql::MySqlConnection;
use sea_orm::sqlx::{self, Executor as _};
use sea_orm::{DbErr, RuntimeErr};
use tokio::time::{sleep, timeout};
use tracing::Instrument;

use super::{Lanes, SLOW_WITHIN, no_answer};
use crate::changes::Changes;
use crate::failure::{Fault, failed};
use crate::session::{Probe, Session};
use crate::trace;

/// How often a transaction that lost is begun again.
const RETRIES: u32 = 3;

/// Runs one mutation; the answer comes after its commit is durable. It is finished also when nobody waits
/// for it any more, and given up `within` this time from its first statement.
///
/// # Errors
/// The mutation's own; [`Error::Overloaded`] when it was refused before it began; [`Error::Unavailable`]
/// when the server did not answer, in which case the commit may have happened if it was already asked for.
pub(crate) async fn run<T, F>(
    lanes: &Arc<Lanes>,
    probe: &Arc<Probe>,
    changes: &Arc<Changes>,
    within: Duration,
    work: F,
) -> Result<T>
where
    T: Send + 'static,
    F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Clone + Send + 'static,
{
    let turn = lanes.turn_to_write().await?;
    let (lanes, probe, changes) = (Arc::clone(lanes), Arc::clone(probe), Arc::clone(changes));
    let running = async move {
        let _turn = turn;
        let late = |_late| Err(Error::unavailable(no_answer()));
        timeout(within, attempts(&lanes, &probe, &changes, within, work)).await.unwrap_or_else(late)
    };
    tokio::spawn(running.in_current_span()).await.unwrap_or_else(|error| Err(Error::internal(error)))
}

/// Runs work that only reads on one snapshot of everything, which ends with the connection.
///
/// # Errors
/// The work's own; [`Error::Unavailable`] when the server does not answer.
pub(crate) async fn snapshot<T, F>(lanes: &Lanes, probe: &Arc<Probe>, work: F) -> Result<T>
where
    F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Send,
{
    let begin = async {
        let (mut connection, _) = lanes.take(SLOW_WITHIN).await?;
        say(&mut connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
        say(&mut connection, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY").await?;
        Ok(super::Lane::new(connection))
    };
    let lane = begin.await.map_err(|error| refused(error).0)?;
    work(&Session::lane(lane, Arc::clone(probe))).await
}

/// Whether a mutation was given up, and rolled back, because it met another again and again.
pub(crate) fn met_another(error: &Error) -> bool {
    let Error::Unavailable(source) = error else { return false };
    let Some(DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause))) =
        source.downcast_ref()
    else {
        return false;
    };
    Fault::of(cause) == Fault::Again
}

async fn attempts<T, F>(
    lanes: &Lanes,
    probe: &Arc<Probe>,
    changes: &Changes,
    within: Duration,
    work: F,
) -> Result<T>
where
    F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Clone + Send,
{
    let began = Instant::now();
    let mut tries = 0;
    loop {
        match attempt(lanes, probe, changes, within, work.clone()).await {
            // One that waited for a lock until the server gave up has no time for another such wait.
            Err((_, Fault::Again)) if tries < RETRIES && began.elapsed() < within / 2 => {
                probe.retried();
                sleep(jitter(tries)).await;
                tries += 1;
            }
            Err((error, _)) => return Err(error),
            Ok(value) => return Ok(value),
        }
    }
}

/// One transaction. Whatever goes wrong, nothing of it stays, unless only the commit's answer was lost.
async fn attempt<T, F>(
    lanes: &Lanes,
    probe: &Arc<Probe>,
    changes: &Changes,
    within: Duration,
    work: F,
) -> Result<T, (Error, Fault)>
where
    F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Send,
{
    let lane = lanes.begin(within).await.map_err(refused)?;
    let session = Session::lane(lane, Arc::clone(probe));
    let outcome = AssertUnwindSafe(work(&session)).catch_unwind().await;
    let Some((lane, touched)) = session.into_lane() else {
        return Err((Error::internal("the transaction lost its connection"), Fault::Refused));
    };
    let (mut connection, fault) = lane.into_parts();
    let panicked = |_panic| Err(Error::internal("a mutation panicked and was rolled back"));
    match outcome.unwrap_or_else(panicked) {
        Ok(value) => {
            let committed = say(&mut connection, "COMMIT").await.map_err(refused);
            // Also when only the answer was lost.
            changes.note(&touched);
            committed?;
            lanes.keep(connection, within);
            Ok(value)
        }
        Err(error) => {
            // A connection that does not roll back is closed, which does.
            if say(&mut connection, "ROLLBACK").await.is_ok() {
                lanes.keep(connection, within);
            }
            Err((error, fault.unwrap_or(Fault::Refused)))
        }
    }
}

impl Lanes {
    /// A connection with a transaction on it.
    async fn begin(&self, within: Duration) -> Result<super::Lane, sqlx::Error> {
        loop {
            let (mut connection, used) = self.take(within).await?;
            match say(&mut connection, "START TRANSACTION").await {
                Ok(()) => return Ok(super::Lane::new(connection)),
                // Nothing has begun yet: a connection that died while it waited is replaced.
                Err(_) if used => self.idle().clear(),
                Err(error) => return Err(error),
            }
        }
    }
}

async fn say(connection: &mut MySqlConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    let span = trace::span(sql, "mysql");
    connection.execute(sql).instrument(span).await.map(|_| ())
}

fn refused(error: sqlx::Error) -> (Error, Fault) {
    let fault = Fault::of(&error);
    (failed(super::lane::query_error(error)), fault)
}

/// A few milliseconds, longer after each try, so that two that met do not meet again.
fn jitter(tries: u32) -> Duration {
    Duration::from_micros(fastrand::u64(500..5_000) << tries)
}
