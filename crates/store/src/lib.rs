//! The platform's memory: the only crate with SQL. A method is one transaction (or one read) and states
//! its number of statements; rules about who may do what are the services'.

mod card;
mod check;
mod comment;
mod entity;
mod feed;
mod follow;
mod job;
mod like;
mod message;
mod migrations;
mod object;
mod session;
mod user;
mod video;
mod writer;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::{Error, Result};
use futures_util::future::BoxFuture;
use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use sea_orm_migration::MigratorTrait;

pub use card::{Friend, UserCard, VideoCard};
pub use check::Finding;
pub use comment::CommentRow;
pub use job::{Attempt, Job};
pub use message::MessageRow;
pub use object::{NewObject, ObjectRow};
pub use user::{Account, LoginRow};
pub use video::NewVideo;

use session::{Probe, Readers, Session};
use writer::Writer;

/// Where the database is and how long a request may wait for it.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `sqlite:PATH`, relative to the data folder, or `mysql://USER@HOST:PORT/NAME`.
    pub url: String,
    /// A file with the database user's password, relative to the data folder; empty for none.
    pub password_file: String,
    /// Milliseconds a write may wait for its turn before it is refused.
    pub write_wait_ms: u64,
    /// Milliseconds a read may wait for a connection before it is refused.
    pub read_wait_ms: u64,
}

/// Why the database cannot be used at all; the text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address names no database this build knows.
    #[error("store.url must be `sqlite:PATH`, not `{0}`")]
    Url(String),
    /// There is nothing to look at.
    #[error("there is no database yet")]
    Missing,
    /// The schema is not this version's.
    #[error("the database was written by another version of dytt; `dytt migrate up` brings it to this one")]
    Pending,
    /// The database did not open or could not be brought to this version's schema.
    #[error("open the database")]
    Database(#[from] sea_orm::DbErr),
}

/// A handle on the database; clones share it.
#[derive(Clone)]
pub struct Store {
    readers: Readers,
    writer: Arc<Writer>,
    probe: Arc<Probe>,
}

impl Store {
    /// Opens the database, creating it and applying pending migrations.
    ///
    /// # Errors
    /// [`OpenError`], before anything was changed or with each finished migration whole.
    pub async fn open(config: &Config, data_dir: &Path) -> Result<Self, OpenError> {
        let (writer, readers) = connect(config, data_dir).await?;
        migrations::Migrator::up(&writer, None).await?;
        let probe = Arc::new(Probe::default());
        let writer = Writer::start(writer, Arc::clone(&probe), Duration::from_millis(config.write_wait_ms));
        Ok(Self { readers, writer: Arc::new(writer), probe })
    }

    /// Opens a database that is there and current, and changes nothing: for looking at a platform.
    ///
    /// # Errors
    /// [`OpenError::Missing`] when there is none, [`OpenError::Pending`] when another version wrote it.
    pub async fn attach(config: &Config, data_dir: &Path) -> Result<Self, OpenError> {
        if Self::migrations(config, data_dir).await?.iter().any(|(_, applied)| !applied) {
            return Err(OpenError::Pending);
        }
        Self::open(config, data_dir).await
    }

    /// The name of each migration and whether this database has it.
    ///
    /// # Errors
    /// [`OpenError::Missing`] when there is none, or why it does not open.
    pub async fn migrations(config: &Config, data_dir: &Path) -> Result<Vec<(String, bool)>, OpenError> {
        let path = path(config, data_dir)?;
        if !path.exists() {
            return Err(OpenError::Missing);
        }
        let reader = sqlite(&path, 1, true).await?;
        let all = migrations::Migrator::get_migration_with_status_read_only(&reader).await?;
        reader.close_by_ref().await?;
        let applied = sea_orm_migration::MigrationStatus::Applied;
        Ok(all.iter().map(|one| (one.name().to_owned(), one.status() == applied)).collect())
    }

    /// Answers when the database does: what readiness means. One statement.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Overloaded`].
    pub async fn ping(&self) -> Result<()> {
        self.read().row("SELECT 1", []).await.map(|_| ())
    }

    /// Statements sent since the store was opened; tests hold methods to their stated number.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.probe.statements()
    }

    /// Finishes what is queued and closes the connections.
    pub async fn close(&self) {
        self.writer.stop().await;
        if let Err(error) = self.readers.close().await {
            tracing::warn!(%error, "a database connection did not close cleanly");
        }
    }

    /// A session for reading, statement by statement.
    fn read(&self) -> Session {
        Session::pool(self.readers.clone(), Arc::clone(&self.probe))
    }

    /// Runs `work` alone in its savepoint of a shared transaction; the answer comes after the commit.
    async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s Session) -> BoxFuture<'s, Result<T>> + Send + 'static,
    {
        self.writer.run(work).await
    }
}

/// One connection that writes and, on the same file, as many as there are cores that only read.
async fn connect(config: &Config, data_dir: &Path) -> Result<(DatabaseConnection, Readers), OpenError> {
    let path = path(config, data_dir)?;
    let writer = sqlite(&path, 1, false).await?;
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let connections = u32::try_from(cores.clamp(2, 16)).unwrap_or(2);
    let pool = sqlite(&path, connections, true).await?;
    Ok((writer, Readers::new(pool, connections, Duration::from_millis(config.read_wait_ms))))
}

fn path(config: &Config, data_dir: &Path) -> Result<PathBuf, OpenError> {
    let path = config.url.strip_prefix("sqlite:").filter(|path| !path.is_empty());
    path.map(|path| data_dir.join(path)).ok_or_else(|| OpenError::Url(config.url.clone()))
}

async fn sqlite(
    path: &Path,
    connections: u32,
    read_only: bool,
) -> Result<DatabaseConnection, sea_orm::DbErr> {
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite::memory:");
    options
        .max_connections(connections)
        .min_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            // A commit is acknowledged only when it is on the disk: FULL, not WAL's usual NORMAL.
            let sqlite = sqlite
                .in_memory(false)
                .shared_cache(false)
                .filename(&path)
                .create_if_missing(!read_only)
                .busy_timeout(Duration::from_secs(2))
                .statement_cache_capacity(256)
                .foreign_keys(true)
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL");
            if read_only { sqlite.pragma("query_only", "ON") } else { sqlite }
        });
    Database::connect(options).await
}

/// A failed statement as the platform's error: what the disk or a lock did is a failed dependency, all
/// else is a bug of ours.
fn failed(error: sea_orm::DbErr) -> Error {
    use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};
    if let DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) = error {
        return Error::Overloaded;
    }
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = &error
    else {
        return Error::internal(error);
    };
    let code = cause.as_database_error().and_then(|cause| cause.code()?.parse::<u32>().ok());
    // SQLite's primary result codes: 1 is a wrong statement, 19 a broken constraint.
    match code.map(|code| code & 0xff) {
        Some(1 | 19) => Error::internal(error),
        _ => Error::unavailable(error),
    }
}
