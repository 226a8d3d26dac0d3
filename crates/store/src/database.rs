//! One database, whichever it is: reads and transactions on it, and what goes with each of them.

use std::sync::Arc;
use std::time::Duration;

use domain::Result;
use futures_util::future::BoxFuture;
use sea_orm::Value;

use crate::changes::Changes;
use crate::mysql::{self, Lanes, PING_WITHIN, READ_WITHIN, SLOW_WITHIN, WRITE_WITHIN};
use crate::row::{Row, read_all};
use crate::session::{Probe, Session};
use crate::slice::{Listed, Slice};
use crate::sqlite::Readers;
use crate::writer::Writer;

/// Connections, who counts their statements, and what was changed through them.
pub(crate) struct Database {
    pub(crate) engine: Engine,
    pub(crate) probe: Arc<Probe>,
    pub(crate) changes: Arc<Changes>,
}

pub(crate) enum Engine {
    Sqlite(Box<Readers>, Box<Writer>),
    MySql(Arc<Lanes>),
}

impl Database {
    /// Whether others write at the same time, which SQLite's one writer rules out.
    pub(crate) fn is_mysql(&self) -> bool {
        match self.engine {
            Engine::Sqlite(..) => false,
            Engine::MySql(_) => true,
        }
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        fn ping(session: &Session) -> BoxFuture<'_, Result<()>> {
            Box::pin(async move { session.row("SELECT 1", []).await.map(|_| ()) })
        }
        match &self.engine {
            Engine::Sqlite(readers, _) => readers.run(&self.probe, ping).await,
            Engine::MySql(lanes) => ping(&self.lanes(lanes, PING_WITHIN)).await,
        }
    }

    pub(crate) async fn close(&self) {
        match &self.engine {
            Engine::Sqlite(readers, writer) => {
                writer.stop().await;
                readers.stop().await;
            }
            Engine::MySql(lanes) => lanes.close().await,
        }
    }

    /// Runs `work`, which only reads: on SQLite in one read transaction, on MySQL statement by statement.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(readers, _) => readers.run(&self.probe, work).await,
            Engine::MySql(lanes) => work(&self.lanes(lanes, READ_WITHIN)).await,
        }
    }

    /// As `read`, for work on whole tables.
    pub(crate) async fn read_slowly<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(readers, _) => readers.run_slowly(&self.probe, work).await,
            Engine::MySql(lanes) => work(&self.lanes(lanes, SLOW_WITHIN)).await,
        }
    }

    /// Runs `work`, which only reads, on everything as it stands at one moment, for as long as it takes.
    pub(crate) async fn snapshot<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(readers, _) => readers.run_slowly(&self.probe, work).await,
            Engine::MySql(lanes) => mysql::snapshot(lanes, &self.probe, work).await,
        }
    }

    /// Reads a list by one statement.
    pub(crate) async fn list<T: Send + 'static>(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = Value>,
        read: fn(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let values = Vec::from_iter(values);
        self.read(move |session| Box::pin(async move { read_all(&session.rows(sql, values).await?, read) }))
            .await
    }

    /// Reads a part of a list by one statement, whose last two parameters are the part's.
    pub(crate) async fn list_part<T: Send + 'static>(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = Value>,
        slice: Slice,
        read: fn(&Row) -> Result<T>,
    ) -> Result<Listed<T>> {
        let values = Vec::from_iter(values.into_iter().chain(slice.values()));
        self.read(move |session| Box::pin(async move { slice.read(&session.rows(sql, values).await?, read) }))
            .await
    }

    fn lanes(&self, lanes: &Arc<Lanes>, within: Duration) -> Session {
        Session::lanes(Arc::clone(lanes), within, Arc::clone(&self.probe))
    }

    /// Runs `work` as a transaction, or in its savepoint of a shared one; the answer comes after the commit.
    /// It may run more than once, each time from the beginning; only the last run stays.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Clone + Send + 'static,
    {
        self.write_within(WRITE_WITHIN, work).await
    }

    /// As `write`, for work on whole tables.
    pub(crate) async fn write_slowly<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Clone + Send + 'static,
    {
        self.write_within(SLOW_WITHIN, work).await
    }

    /// As `write`, for work that may take so long on MySQL.
    pub(crate) async fn write_within<T, F>(&self, within: Duration, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Clone + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(_, writer) => writer.run(work).await,
            Engine::MySql(lanes) => mysql::run(lanes, &self.probe, &self.changes, within, work).await,
        }
    }
}
