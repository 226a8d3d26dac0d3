//! What a store method talks to: a transaction or a pooled reader that counts each statement.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use domain::Result;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, SqlErr, Statement, Value,
};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tracing::Instrument;

use crate::failure::failed;
use crate::mysql::{Lane, Lanes};
use crate::trace;

/// Counts statements, and in tests keeps their texts and makes the chosen one fail.
#[derive(Default)]
pub(crate) struct Probe {
    sent: AtomicU64,
    retried: AtomicU64,
    #[cfg(test)]
    pub(crate) fail_at: AtomicU64,
    #[cfg(test)]
    pub(crate) texts: std::sync::Mutex<Vec<String>>,
}

impl Probe {
    pub(crate) fn statements(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn retries(&self) -> u64 {
        self.retried.load(Ordering::Relaxed)
    }

    pub(crate) fn retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("dytt_store_retries_total").increment(1);
    }

    fn count(&self, _sql: &str) -> Result<(), DbErr> {
        let _number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        metrics::counter!("dytt_store_statements_total").increment(1);
        #[cfg(test)]
        self.texts.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(_sql.to_owned());
        #[cfg(test)]
        if _number == self.fail_at.load(Ordering::Relaxed) {
            return Err(DbErr::Custom("made to fail".into()));
        }
        Ok(())
    }
}

/// SQLite's reading connections and how long a statement may wait for one.
#[derive(Clone)]
pub(crate) struct Readers {
    pub(crate) pool: DatabaseConnection,
    pub(crate) turns: Arc<Semaphore>,
    wait: Duration,
}

impl Readers {
    pub(crate) fn new(pool: DatabaseConnection, connections: u32, wait: Duration) -> Self {
        Self { pool, turns: Arc::new(Semaphore::new(connections as usize)), wait }
    }

    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        self.pool.close_by_ref().await
    }

    /// The pool, to one of as many as it has connections: its own wait is also that of a first connect and
    /// has to be longer.
    async fn turn(&self) -> Result<(&DatabaseConnection, SemaphorePermit<'_>), DbErr> {
        let late = || DbErr::ConnectionAcquire(ConnAcquireErr::Timeout);
        let permit = timeout(self.wait, self.turns.acquire()).await.map_err(|_late| late())?;
        Ok((&self.pool, permit.map_err(|_closed| late())?))
    }
}

enum Connection {
    /// SQLite, any reader for each statement.
    Pool(Readers),
    /// SQLite, inside the writer's transaction.
    Transaction(DatabaseTransaction),
    /// MySQL, any lane for each statement, each within this time.
    Lanes(Arc<Lanes>, Duration),
    /// MySQL, inside a transaction.
    Lane(Lane),
}

/// A counted connection.
pub(crate) struct Session {
    connection: Connection,
    probe: Arc<Probe>,
}

impl Session {
    pub(crate) fn pool(readers: Readers, probe: Arc<Probe>) -> Self {
        Self { connection: Connection::Pool(readers), probe }
    }

    pub(crate) fn transaction(transaction: DatabaseTransaction, probe: Arc<Probe>) -> Self {
        Self { connection: Connection::Transaction(transaction), probe }
    }

    pub(crate) fn lanes(lanes: Arc<Lanes>, within: Duration, probe: Arc<Probe>) -> Self {
        Self { connection: Connection::Lanes(lanes, within), probe }
    }

    pub(crate) fn lane(lane: Lane, probe: Arc<Probe>) -> Self {
        Self { connection: Connection::Lane(lane), probe }
    }

    /// The lane of a transaction on MySQL.
    pub(crate) fn into_lane(self) -> Option<Lane> {
        match self.connection {
            Connection::Lane(lane) => Some(lane),
            Connection::Pool(_) | Connection::Transaction(_) | Connection::Lanes(..) => None,
        }
    }

    /// Whether others write at the same time, which SQLite's one writer rules out.
    pub(crate) fn is_mysql(&self) -> bool {
        match self.connection {
            Connection::Pool(_) | Connection::Transaction(_) => false,
            Connection::Lanes(..) | Connection::Lane(_) => true,
        }
    }

    /// Keeps the work of SQLite's transaction; nothing to do for a reader.
    pub(crate) async fn commit(self) -> Result<()> {
        match self.connection {
            Connection::Transaction(transaction) => transaction.commit().await.map_err(failed),
            Connection::Pool(_) | Connection::Lanes(..) | Connection::Lane(_) => Ok(()),
        }
    }

    /// Undoes the work of SQLite's transaction; nothing to do for a reader.
    pub(crate) async fn rollback(self) -> Result<()> {
        match self.connection {
            Connection::Transaction(transaction) => transaction.rollback().await.map_err(failed),
            Connection::Pool(_) | Connection::Lanes(..) | Connection::Lane(_) => Ok(()),
        }
    }

    /// The first row, if any.
    pub(crate) async fn row(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<QueryResult>> {
        self.query_one_raw(self.statement(sql, values)).await.map_err(failed)
    }

    /// All rows; the statement itself bounds their number.
    pub(crate) async fn rows(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<QueryResult>> {
        self.query_all_raw(self.statement(sql, values)).await.map_err(failed)
    }

    /// Changes rows and says how many.
    pub(crate) async fn change(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<u64> {
        let result = self.execute_raw(self.statement(sql, values)).await.map_err(failed)?;
        Ok(result.rows_affected())
    }

    /// Inserts a row and gives its number.
    pub(crate) async fn insert(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<i64> {
        let result = self.execute_raw(self.statement(sql, values)).await.map_err(failed)?;
        Ok(result.last_insert_id().cast_signed())
    }

    /// Inserts a row unless its unique key exists and gives its number. The violation itself is the answer,
    /// because what "do nothing" reports differs between databases.
    pub(crate) async fn insert_new(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<i64>> {
        let result = self.unless_taken(sql, values).await?;
        Ok(result.map(|result| result.last_insert_id().cast_signed()))
    }

    /// Changes rows unless that would repeat a unique key; says whether it did not.
    pub(crate) async fn change_unless_taken(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<bool> {
        Ok(self.unless_taken(sql, values).await?.is_some())
    }

    async fn unless_taken(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<ExecResult>> {
        match self.execute_raw(self.statement(sql, values)).await {
            Ok(result) => Ok(Some(result)),
            Err(error) if is_taken(&error) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        Statement::from_sql_and_values(self.get_database_backend(), sql, values)
    }

    /// Sends a statement inside its span, counted.
    async fn send<T>(
        &self,
        sql: &str,
        sending: impl Future<Output = Result<T, DbErr>> + Send,
    ) -> Result<T, DbErr> {
        let span = trace::span(sql, if self.is_mysql() { "mysql" } else { "sqlite" });
        self.probe.count(sql)?;
        let result = sending.instrument(span.clone()).await;
        if result.as_ref().is_err_and(|error| !is_taken(error)) {
            span.record("otel.status_code", "ERROR");
        }
        result
    }
}

fn is_taken(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

#[async_trait::async_trait]
impl ConnectionTrait for Session {
    fn get_database_backend(&self) -> DbBackend {
        if self.is_mysql() { DbBackend::MySql } else { DbBackend::Sqlite }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let sql = statement.sql.clone();
        let sending = async {
            match &self.connection {
                Connection::Pool(readers) => {
                    let (pool, _turn) = readers.turn().await?;
                    pool.execute_raw(statement).await
                }
                Connection::Transaction(transaction) => transaction.execute_raw(statement).await,
                Connection::Lanes(lanes, within) => lanes.execute(statement, *within).await,
                Connection::Lane(lane) => lane.execute(statement).await,
            }
        };
        self.send(&sql, sending).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.execute_raw(Statement::from_string(self.get_database_backend(), sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        Ok(self.query_all_raw(statement).await?.into_iter().next())
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let sql = statement.sql.clone();
        let sending = async {
            match &self.connection {
                Connection::Pool(readers) => {
                    let (pool, _turn) = readers.turn().await?;
                    pool.query_all_raw(statement).await
                }
                Connection::Transaction(transaction) => transaction.query_all_raw(statement).await,
                Connection::Lanes(lanes, within) => lanes.query(statement, *within).await,
                Connection::Lane(lane) => lane.query(statement).await,
            }
        };
        self.send(&sql, sending).await
    }
}
