//! SQLite: one connection that writes and, on the same file, as many as there are cores that only read.

use std::path::Path;
use std::time::Duration;

use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};

use crate::session::Readers;

/// The writing connection and the readers.
pub(crate) async fn connect(
    path: &Path,
    read_wait: Duration,
) -> Result<(DatabaseConnection, Readers), DbErr> {
    let writer = open(path, 1, false).await?;
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let connections = u32::try_from(cores.clamp(2, 16)).unwrap_or(2);
    let pool = open(path, connections, true).await?;
    Ok((writer, Readers::new(pool, connections, read_wait)))
}

pub(crate) async fn open(
    path: &Path,
    connections: u32,
    read_only: bool,
) -> Result<DatabaseConnection, DbErr> {
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
