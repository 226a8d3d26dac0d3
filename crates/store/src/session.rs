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

use crate::failed;

/// Counts statements, and in tests keeps their texts and makes the chosen one fail.
#[derive(Default)]
pub(crate) struct Probe {
    sent: AtomicU64,
    #[cfg(test)]
    pub(crate) fail_at: AtomicU64,
    #[cfg(test)]
    pub(crate) texts: std::sync::Mutex<Vec<String>>,
}

impl Probe {
    pub(crate) fn statements(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
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

/// The reading connections and how long a statement may wait for one.
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
    Pool(Readers),
    Transaction(DatabaseTransaction),
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

    /// Keeps the transaction's work; nothing to do for a reader.
    pub(crate) async fn commit(self) -> Result<()> {
        match self.connection {
            Connection::Pool(_) => Ok(()),
            Connection::Transaction(transaction) => transaction.commit().await.map_err(failed),
        }
    }

    /// Undoes the transaction's work; nothing to do for a reader.
    pub(crate) async fn rollback(self) -> Result<()> {
        match self.connection {
            Connection::Pool(_) => Ok(()),
            Connection::Transaction(transaction) => transaction.rollback().await.map_err(failed),
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

    /// Inserts a row unless its unique key exists; says whether it is new. The violation itself is the
    /// answer, because what "do nothing" reports differs between databases.
    pub(crate) async fn insert_new(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<bool> {
        match self.execute_raw(self.statement(sql, values)).await {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        Statement::from_sql_and_values(self.get_database_backend(), sql, values)
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Session {
    fn get_database_backend(&self) -> DbBackend {
        match &self.connection {
            Connection::Pool(readers) => readers.pool.get_database_backend(),
            Connection::Transaction(transaction) => transaction.get_database_backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.probe.count(&statement.sql)?;
        match &self.connection {
            Connection::Pool(readers) => {
                let (pool, _turn) = readers.turn().await?;
                pool.execute_raw(statement).await
            }
            Connection::Transaction(transaction) => transaction.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.probe.count(sql)?;
        match &self.connection {
            Connection::Pool(readers) => {
                let (pool, _turn) = readers.turn().await?;
                pool.execute_unprepared(sql).await
            }
            Connection::Transaction(transaction) => transaction.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.probe.count(&statement.sql)?;
        match &self.connection {
            Connection::Pool(readers) => {
                let (pool, _turn) = readers.turn().await?;
                pool.query_one_raw(statement).await
            }
            Connection::Transaction(transaction) => transaction.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.probe.count(&statement.sql)?;
        match &self.connection {
            Connection::Pool(readers) => {
                let (pool, _turn) = readers.turn().await?;
                pool.query_all_raw(statement).await
            }
            Connection::Transaction(transaction) => transaction.query_all_raw(statement).await,
        }
    }
}
