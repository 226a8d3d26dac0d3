//! MySQL and MariaDB: connections that are opened when wanted, kept while they are whole, and closed the
//! moment something on them was left half done. The driver's own pool would hand such a one out again.

mod lane;
mod migrate;
pub(crate) mod server;
mod transaction;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::{Error, Result};
use futures_util::future::BoxFuture;
use sea_orm::sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sea_orm::sqlx::{self, ConnectOptions as _, Connection as _, Executor as _};
use sea_orm::{ConnAcquireErr, DbErr, ExecResult, QueryResult, Statement};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::failure::Fault;

pub(crate) use lane::Lane;
pub(crate) use migrate::{migrations, up};
pub(crate) use server::connect;
pub(crate) use transaction::{met_another, run, snapshot};

/// What a statement of a request may take, and a transaction as a whole. A lock is given up after two
/// seconds, by the server.
pub(crate) const READ_WITHIN: Duration = Duration::from_millis(1500);
pub(crate) const WRITE_WITHIN: Duration = Duration::from_millis(2400);
/// What an answer to "are you there" may take.
pub(crate) const PING_WITHIN: Duration = Duration::from_secs(1);
/// What a statement over whole tables may take.
pub(crate) const SLOW_WITHIN: Duration = Duration::from_secs(600);

const CONNECT_WITHIN: Duration = Duration::from_secs(1);
/// A connection nobody wanted for so long is closed when the next one comes back.
const IDLE: Duration = Duration::from_secs(60);
/// Statements that read at once, and transactions that write at once; so twice as many connections.
const TURNS: usize = 8;

/// What is said on connections, which differs between the makes of server.
pub(crate) struct Settings {
    /// On each new one.
    always: String,
    /// On one for work on whole tables: that the server must not cut it short.
    patient: &'static str,
}

/// One way of sending a statement.
type Sending<T> = for<'c> fn(&'c mut MySqlConnection, &'c Statement) -> BoxFuture<'c, Result<T, sqlx::Error>>;

/// The connections of this process to one server.
pub(crate) struct Lanes {
    options: MySqlConnectOptions,
    settings: Settings,
    idle: Mutex<Vec<(Instant, MySqlConnection)>>,
    reads: Semaphore,
    writes: Arc<Semaphore>,
    read_wait: Duration,
    write_wait: Duration,
}

impl Lanes {
    pub(crate) fn new(
        options: MySqlConnectOptions,
        settings: Settings,
        read_wait: Duration,
        write_wait: Duration,
    ) -> Self {
        let (reads, writes) = (Semaphore::new(TURNS), Arc::new(Semaphore::new(TURNS)));
        Self { options, settings, idle: Mutex::default(), reads, writes, read_wait, write_wait }
    }

    pub(crate) async fn execute(&self, statement: Statement, within: Duration) -> Result<ExecResult, DbErr> {
        self.ask(&statement, within, lane::execute).await
    }

    pub(crate) async fn query(
        &self,
        statement: Statement,
        within: Duration,
    ) -> Result<Vec<QueryResult>, DbErr> {
        self.ask(&statement, within, lane::query).await
    }

    /// One statement on any connection; again on a new one when an old one turns out to be dead.
    async fn ask<T>(&self, statement: &Statement, within: Duration, how: Sending<T>) -> Result<T, DbErr> {
        let late = || DbErr::ConnectionAcquire(ConnAcquireErr::Timeout);
        let turn = timeout(self.read_wait, self.reads.acquire()).await.map_err(|_late| late())?;
        let _turn = turn.map_err(|_closed| late())?;
        let asking = async {
            loop {
                let (mut connection, used) = self.take(within).await?;
                match how(&mut connection, statement).await {
                    Ok(answer) => {
                        self.keep(connection, within);
                        return Ok(answer);
                    }
                    Err(error) if Fault::of(&error) != Fault::Lost => {
                        self.keep(connection, within);
                        return Err(error);
                    }
                    // The server went away since it was last used: so did the others that wait here.
                    Err(_) if used => self.idle().clear(),
                    Err(error) => return Err(error),
                }
            }
        };
        // A connection that is dropped in the midst of a statement is closed with it.
        timeout(within, asking).await.unwrap_or_else(|_| Err(no_answer())).map_err(lane::query_error)
    }

    /// A place among the transactions.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when there is none in time.
    async fn turn_to_write(&self) -> Result<OwnedSemaphorePermit> {
        let turn = timeout(self.write_wait, Arc::clone(&self.writes).acquire_owned()).await;
        turn.map_err(|_late| Error::Overloaded)?.map_err(|_closed| Error::Overloaded)
    }

    /// A connection, and whether it was used before.
    async fn take(&self, within: Duration) -> Result<(MySqlConnection, bool), sqlx::Error> {
        if within >= SLOW_WITHIN {
            let mut connection = self.open().await?;
            connection.execute(self.settings.patient).await?;
            return Ok((connection, false));
        }
        let idle = self.idle().pop();
        match idle {
            Some((_, connection)) => Ok((connection, true)),
            None => Ok((self.open().await?, false)),
        }
    }

    async fn open(&self) -> Result<MySqlConnection, sqlx::Error> {
        let opening = async {
            let mut connection = self.options.connect().await?;
            connection.execute(sqlx::AssertSqlSafe(self.settings.always.as_str())).await?;
            Ok(connection)
        };
        timeout(CONNECT_WITHIN, opening).await.unwrap_or_else(|_| Err(no_answer()))
    }

    /// Keeps a connection for the next one who wants it, unless it was made patient.
    fn keep(&self, connection: MySqlConnection, within: Duration) {
        if within >= SLOW_WITHIN || self.reads.is_closed() {
            return;
        }
        let mut idle = self.idle();
        // The first in the row has waited longest.
        let old = idle.iter().take_while(|(since, _)| since.elapsed() > IDLE).count();
        idle.drain(..old);
        idle.push((Instant::now(), connection));
    }

    /// Waits for the transactions that run, takes no new ones, and closes the connections.
    pub(crate) async fn close(&self) {
        self.reads.close();
        let all = u32::try_from(TURNS).unwrap_or(u32::MAX);
        let _done = timeout(WRITE_WITHIN + CONNECT_WITHIN, self.writes.acquire_many(all)).await;
        self.writes.close();
        let idle = std::mem::take(&mut *self.idle());
        for (_, connection) in idle {
            // The server finds out in any case.
            let _closed = timeout(CONNECT_WITHIN, connection.close()).await;
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Instant, MySqlConnection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_answer() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the database server does not answer"))
}
