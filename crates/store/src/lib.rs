//! The platform's memory: the only crate with SQL. A method is one transaction (or one read) and states
//! its number of statements; rules about who may do what are the services'.

mod card;
mod changes;
mod check;
mod coalesce;
mod comment;
mod config;
mod entity;
mod failure;
mod feed;
mod follow;
mod job;
mod like;
mod message;
mod migrations;
mod mysql;
mod object;
mod open;
mod row;
mod session;
mod sqlite;
mod stat;
mod trace;
mod user;
mod video;
mod writer;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use domain::Result;
use futures_util::future::BoxFuture;
use sea_orm::Value;

pub use card::{Friend, UserCard, VideoCard};
pub use check::Finding;
pub use comment::CommentRow;
pub use config::Config;
pub use feed::{FeedPage, Page};
pub use job::{Attempt, Job};
pub use message::MessageRow;
pub use object::{NewObject, ObjectRow};
pub use open::OpenError;
pub use user::{Account, LoginRow};
pub use video::NewVideo;

use changes::Changes;
use coalesce::{Coalesced, Operation};
use feed::Pages;
use mysql::{Lanes, PING_WITHIN, READ_WITHIN, SLOW_WITHIN, WRITE_WITHIN};
use row::{Row, read_all};
use session::{Probe, Session};
use sqlite::Readers;
use writer::Writer;

/// A handle on the database; clones share it.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    probe: Arc<Probe>,
    changes: Arc<Changes>,
    pages: Arc<Pages>,
    coalesced: Arc<Coalesced>,
}

enum Database {
    Sqlite(Box<Readers>, Box<Writer>),
    MySql(Arc<Lanes>),
}

impl Store {
    /// Answers when the database does: what readiness means. A server has a second for it. One statement.
    ///
    /// # Errors
    /// [`domain::Error::Unavailable`] or [`domain::Error::Overloaded`].
    pub async fn ping(&self) -> Result<()> {
        fn ping(session: &Session) -> BoxFuture<'_, Result<()>> {
            Box::pin(async move { session.row("SELECT 1", []).await.map(|_| ()) })
        }
        match &*self.database {
            Database::Sqlite(readers, _) => readers.run(&self.probe, ping).await,
            Database::MySql(lanes) => ping(&self.lanes(lanes, PING_WITHIN)).await,
        }
    }

    /// Statements sent since the store was opened; tests hold methods to their stated number.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.probe.statements()
    }

    /// Transactions that were begun again since the store was opened, because they met another and lost.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.probe.retries()
    }

    /// Finishes what is queued and closes the connections.
    pub async fn close(&self) {
        self.coalesced.close().await;
        match &*self.database {
            Database::Sqlite(readers, writer) => {
                writer.stop().await;
                readers.stop().await;
            }
            Database::MySql(lanes) => lanes.close().await,
        }
    }

    /// Runs `work`, which only reads: on SQLite in one read transaction, on MySQL statement by statement.
    async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Send + 'static,
    {
        match &*self.database {
            Database::Sqlite(readers, _) => readers.run(&self.probe, work).await,
            Database::MySql(lanes) => work(&self.lanes(lanes, READ_WITHIN)).await,
        }
    }

    /// Reads a list by one statement.
    async fn list<T: Send + 'static>(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = Value>,
        read: fn(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let values = Vec::from_iter(values);
        self.read(move |session| Box::pin(async move { read_all(&session.rows(sql, values).await?, read) }))
            .await
    }

    /// As `read`, for work on whole tables.
    async fn read_slowly<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Send + 'static,
    {
        match &*self.database {
            Database::Sqlite(readers, _) => readers.run_slowly(&self.probe, work).await,
            Database::MySql(lanes) => work(&self.lanes(lanes, SLOW_WITHIN)).await,
        }
    }

    fn lanes(&self, lanes: &Arc<Lanes>, within: Duration) -> Session {
        Session::lanes(Arc::clone(lanes), within, Arc::clone(&self.probe))
    }

    /// Runs `work` as a transaction, or in its savepoint of a shared one; the answer comes after the commit.
    /// It may run more than once, each time from the beginning; only the last run stays.
    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Clone + Send + 'static,
    {
        self.writing(WRITE_WITHIN, work).await
    }

    /// As `write`, for work on whole tables.
    async fn write_slowly<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Clone + Send + 'static,
    {
        self.writing(SLOW_WITHIN, work).await
    }

    async fn writing<T, F>(&self, within: Duration, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Clone + Send + 'static,
    {
        self.database.write(&self.probe, &self.changes, within, work).await
    }

    /// Has an operation carried out in one transaction with those of other callers; the answer comes after the
    /// commit.
    async fn write_together<O: Operation>(&self, operation: O) -> Result<O::Answer> {
        O::queues(&self.coalesced).run(operation).await
    }
}

impl Database {
    async fn write<T, F>(
        &self,
        probe: &Arc<Probe>,
        changes: &Arc<Changes>,
        within: Duration,
        work: F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Clone + Send + 'static,
    {
        match self {
            Self::Sqlite(_, writer) => writer.run(work).await,
            Self::MySql(lanes) => mysql::run(lanes, probe, changes, within, work).await,
        }
    }
}
