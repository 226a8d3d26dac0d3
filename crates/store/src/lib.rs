//! The platform's memory: the only crate with SQL. A method is one transaction (or one read) and states
//! its number of statements; rules about who may do what are the services'.

mod card;
mod check;
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

pub use card::{Friend, UserCard, VideoCard};
pub use check::Finding;
pub use comment::CommentRow;
pub use config::Config;
pub use job::{Attempt, Job};
pub use message::MessageRow;
pub use object::{NewObject, ObjectRow};
pub use open::OpenError;
pub use user::{Account, LoginRow};
pub use video::NewVideo;

use mysql::{Lanes, PING_WITHIN, READ_WITHIN, SLOW_WITHIN, WRITE_WITHIN};
use session::{Probe, Readers, Session};
use writer::Writer;

/// A handle on the database; clones share it.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    probe: Arc<Probe>,
}

enum Database {
    Sqlite(Readers, Box<Writer>),
    MySql(Arc<Lanes>),
}

impl Store {
    /// Answers when the database does: what readiness means. A server has a second for it. One statement.
    ///
    /// # Errors
    /// [`domain::Error::Unavailable`] or [`domain::Error::Overloaded`].
    pub async fn ping(&self) -> Result<()> {
        self.reading(PING_WITHIN).row("SELECT 1", []).await.map(|_| ())
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
        match &*self.database {
            Database::Sqlite(readers, writer) => {
                writer.stop().await;
                if let Err(error) = readers.close().await {
                    tracing::warn!(%error, "a database connection did not close cleanly");
                }
            }
            Database::MySql(lanes) => lanes.close().await,
        }
    }

    /// A session for reading, statement by statement.
    fn read(&self) -> Session {
        self.reading(READ_WITHIN)
    }

    /// A session for statements that look at whole tables.
    fn read_slowly(&self) -> Session {
        self.reading(SLOW_WITHIN)
    }

    fn reading(&self, within: Duration) -> Session {
        let probe = Arc::clone(&self.probe);
        match &*self.database {
            Database::Sqlite(readers, _) => Session::pool(readers.clone(), probe),
            Database::MySql(lanes) => Session::lanes(Arc::clone(lanes), within, probe),
        }
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
        match &*self.database {
            Database::Sqlite(_, writer) => writer.run(work).await,
            Database::MySql(lanes) => mysql::run(lanes, &self.probe, within, work).await,
        }
    }
}
