//! What a store method talks to: a transaction or a pooled reader that counts each statement.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Error, Result};
use metrics::Counter;
use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
use sea_orm::{DbBackend, DbErr, QueryTrait, SqlErr, Statement, Value};
use tracing::Instrument;

use crate::changes::Touched;
use crate::failure::{failed, failed_here};
use crate::mysql::{Lane, Lanes};
use crate::row::Row;
use crate::sqlite::{Changed, Sqlite};
use crate::trace;

/// Counts statements, and in tests keeps their texts and makes the chosen one fail.
pub(crate) struct Probe {
    sent: AtomicU64,
    statements: Counter,
    retried: AtomicU64,
    #[cfg(test)]
    pub(crate) fail_at: AtomicU64,
    #[cfg(test)]
    pub(crate) texts: std::sync::Mutex<Vec<String>>,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            sent: AtomicU64::new(0),
            statements: metrics::counter!("dytt_store_statements_total"),
            retried: AtomicU64::new(0),
            #[cfg(test)]
            fail_at: AtomicU64::new(0),
            #[cfg(test)]
            texts: std::sync::Mutex::default(),
        }
    }
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
        self.statements.increment(1);
        #[cfg(test)]
        self.texts.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(_sql.to_owned());
        #[cfg(test)]
        if _number == self.fail_at.load(Ordering::Relaxed) {
            return Err(DbErr::Custom("made to fail".into()));
        }
        Ok(())
    }
}

enum Connection {
    /// SQLite, inside a transaction.
    Sqlite(Arc<Sqlite>),
    /// MySQL, any lane for each statement, each within this time.
    Lanes(Arc<Lanes>, Duration),
    /// MySQL, inside a transaction.
    Lane(Lane),
}

/// A counted connection.
pub(crate) struct Session {
    connection: Connection,
    probe: Arc<Probe>,
    touched: Mutex<Vec<Touched>>,
}

impl Session {
    pub(crate) fn sqlite(connection: Arc<Sqlite>, probe: Arc<Probe>) -> Self {
        Self { connection: Connection::Sqlite(connection), probe, touched: Mutex::default() }
    }

    pub(crate) fn lanes(lanes: Arc<Lanes>, within: Duration, probe: Arc<Probe>) -> Self {
        Self { connection: Connection::Lanes(lanes, within), probe, touched: Mutex::default() }
    }

    pub(crate) fn lane(lane: Lane, probe: Arc<Probe>) -> Self {
        Self { connection: Connection::Lane(lane), probe, touched: Mutex::default() }
    }

    /// The lane of a transaction on MySQL, and what it touched.
    pub(crate) fn into_lane(self) -> Option<(Lane, Vec<Touched>)> {
        let touched = self.touched.into_inner().unwrap_or_else(PoisonError::into_inner);
        match self.connection {
            Connection::Lane(lane) => Some((lane, touched)),
            Connection::Sqlite(_) | Connection::Lanes(..) => None,
        }
    }

    /// What the transaction changes that others keep in memory.
    pub(crate) fn into_touched(self) -> Vec<Touched> {
        self.touched.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what this transaction changes that others keep in memory.
    pub(crate) fn touched(&self, what: Touched) {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// Whether others write at the same time, which SQLite's one writer rules out.
    pub(crate) fn is_mysql(&self) -> bool {
        match self.connection {
            Connection::Sqlite(_) => false,
            Connection::Lanes(..) | Connection::Lane(_) => true,
        }
    }

    /// The first row, if any.
    pub(crate) async fn row(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<Row>> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// All rows; the statement itself bounds their number.
    pub(crate) async fn rows(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Vec<Row>> {
        let values = Vec::from_iter(values);
        let rows = match &self.connection {
            Connection::Sqlite(sqlite) => {
                return self.here(sql, || sqlite.rows(sql, &values)).map_err(failed_here);
            }
            Connection::Lanes(lanes, within) => {
                self.send(sql, lanes.query(statement(sql, values), *within)).await
            }
            Connection::Lane(lane) => self.send(sql, lane.query(statement(sql, values))).await,
        };
        Ok(rows.map_err(failed)?.into_iter().map(Row::MySql).collect())
    }

    /// All rows of what SeaORM made for an entity: what is not on a hot path need not be written by hand.
    pub(crate) async fn found(&self, wanted: &impl QueryTrait) -> Result<Vec<Row>> {
        let backend = if self.is_mysql() { DbBackend::MySql } else { DbBackend::Sqlite };
        let Statement { sql, values, .. } = wanted.build(backend);
        self.rows(&sql, values.map_or_else(Vec::new, |values| values.0)).await
    }

    /// The numbers of one row for each of these keys; SQLite's alone, where they count as one statement.
    pub(crate) fn look_up<const KEY: usize, const FOUND: usize>(
        &self,
        sql: &str,
        keys: impl Iterator<Item = [i64; KEY]>,
    ) -> Result<Vec<Option<[i64; FOUND]>>> {
        match &self.connection {
            Connection::Sqlite(sqlite) => self.here(sql, || sqlite.look_up(sql, keys)).map_err(failed_here),
            Connection::Lanes(..) | Connection::Lane(_) => Err(Error::internal("one statement for each key")),
        }
    }

    /// Changes rows and says how many.
    pub(crate) async fn change(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<u64> {
        Ok(self.changed(sql, values, false).await?.map_or(0, |changed| changed.rows))
    }

    /// Inserts a row and gives its number.
    pub(crate) async fn insert(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<i64> {
        Ok(self.changed(sql, values, false).await?.map_or(0, |changed| changed.id))
    }

    /// Inserts a row unless its unique key exists and gives its number. The violation itself is the answer,
    /// because what "do nothing" reports differs between databases.
    pub(crate) async fn insert_new(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<i64>> {
        Ok(self.changed(sql, values, true).await?.map(|changed| changed.id))
    }

    /// Changes rows unless that would repeat a unique key; says whether it did not.
    pub(crate) async fn change_unless_taken(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<bool> {
        Ok(self.changed(sql, values, true).await?.is_some())
    }

    /// What a statement changed; nothing when it would have repeated a unique key and that is an answer.
    async fn changed(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
        may_be_taken: bool,
    ) -> Result<Option<Changed>> {
        let values = Vec::from_iter(values);
        let result = match &self.connection {
            Connection::Sqlite(sqlite) => {
                return match self.here(sql, || sqlite.change(sql, &values)) {
                    Ok(changed) => Ok(Some(changed)),
                    Err(error) if may_be_taken && is_taken_here(&error) => Ok(None),
                    Err(error) => Err(failed_here(error)),
                };
            }
            Connection::Lanes(lanes, within) => {
                self.send(sql, lanes.execute(statement(sql, values), *within)).await
            }
            Connection::Lane(lane) => self.send(sql, lane.execute(statement(sql, values))).await,
        };
        match result {
            Ok(result) => {
                let id = result.last_insert_id().cast_signed();
                Ok(Some(Changed { rows: result.rows_affected(), id }))
            }
            Err(error) if may_be_taken && is_taken(&error) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Runs a statement on SQLite inside its span, counted.
    fn here<T>(
        &self,
        sql: &str,
        run: impl FnOnce() -> Result<T, rusqlite::Error>,
    ) -> Result<T, rusqlite::Error> {
        let span = trace::span(sql, "sqlite");
        self.probe.count(sql).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let result = span.in_scope(run);
        if result.as_ref().is_err_and(|error| !is_taken_here(error)) {
            span.record("otel.status_code", "ERROR");
        }
        result
    }

    /// Sends a statement to MySQL inside its span, counted.
    async fn send<T>(
        &self,
        sql: &str,
        sending: impl Future<Output = Result<T, DbErr>> + Send,
    ) -> Result<T, DbErr> {
        let span = trace::span(sql, "mysql");
        self.probe.count(sql)?;
        let result = sending.instrument(span.clone()).await;
        if result.as_ref().is_err_and(|error| !is_taken(error)) {
            span.record("otel.status_code", "ERROR");
        }
        result
    }
}

fn statement(sql: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::MySql, sql, values)
}

fn is_taken(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}

fn is_taken_here(error: &rusqlite::Error) -> bool {
    let taken = [SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY];
    error.sqlite_error().is_some_and(|error| taken.contains(&error.extended_code))
}
