//! SQLite: one connection that writes and, on the same file, as many as there are cores that only read; each
//! on a thread of its own. The driver is rusqlite: a page of the feed costs it a third of what it costs sqlx.

mod readers;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, Value};

use crate::row::{Row, Values};

pub(crate) use readers::Readers;

/// Statements kept prepared on each connection: all there are.
const PREPARED: usize = 256;
/// How long a connection waits for another process's lock.
const BUSY: Duration = Duration::from_secs(2);
/// Memory for the file's pages on each connection, in KiB: what a list of 500 touches fits.
const CACHE_KIB: i64 = 8 * 1024;

/// A connection; whoever uses it holds it for one statement.
pub(crate) struct Sqlite(Mutex<Connection>);

/// What a statement changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed {
    /// How many rows.
    pub rows: u64,
    /// The number of the last row that was inserted.
    pub id: i64,
}

impl Sqlite {
    /// Opens a database that is there.
    pub(crate) fn open(path: &Path, read_only: bool) -> Result<Self, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        // A commit is acknowledged only when it is on the disk: FULL, not WAL's usual NORMAL.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "query_only", read_only)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// All rows; the statement itself bounds their number.
    pub(crate) fn rows(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, rusqlite::Error> {
        let connection = self.hold();
        let mut statement = connection.prepare_cached(sql)?;
        let names: Arc<[String]> = statement.column_names().into_iter().map(str::to_owned).collect();
        let mut found = statement.query(rusqlite::params_from_iter(values.iter().map(Parameter)))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let values = (0..names.len()).map(|place| row.get::<_, Stored>(place));
            rows.push(Row::Sqlite(Values::new(Arc::clone(&names), values.collect::<Result<_, _>>()?)));
        }
        Ok(rows)
    }

    /// The numbers of one row for each of these keys, or nothing where there is none.
    pub(crate) fn look_up<const KEY: usize, const FOUND: usize>(
        &self,
        sql: &str,
        keys: impl Iterator<Item = [i64; KEY]>,
    ) -> Result<Vec<Option<[i64; FOUND]>>, rusqlite::Error> {
        let connection = self.hold();
        let mut statement = connection.prepare_cached(sql)?;
        let found = keys.map(|key| {
            let mut rows = statement.query(rusqlite::params_from_iter(key))?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let mut numbers = [0; FOUND];
            for (place, number) in numbers.iter_mut().enumerate() {
                *number = row.get(place)?;
            }
            Ok(Some(numbers))
        });
        found.collect()
    }

    pub(crate) fn change(&self, sql: &str, values: &[Value]) -> Result<Changed, rusqlite::Error> {
        let connection = self.hold();
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.execute(rusqlite::params_from_iter(values.iter().map(Parameter)))?;
        Ok(Changed { rows: rows as u64, id: connection.last_insert_rowid() })
    }

    /// A word about transactions.
    pub(crate) fn say(&self, sql: &str) -> Result<(), rusqlite::Error> {
        self.change(sql, &[]).map(|_| ())
    }

    fn hold(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value on its way into a statement.
struct Parameter<'v>(&'v Value);

impl ToSql for Parameter<'_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "SeaORM knows the kinds of every database")]
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let unknown = || rusqlite::Error::ToSqlConversionFailure("a kind of value that is not used".into());
        Ok(match self.0 {
            Value::BigInt(Some(number)) => ToSqlOutput::from(*number),
            Value::BigUnsigned(Some(number)) => {
                ToSqlOutput::from(i64::try_from(*number).map_err(|_too_large| unknown())?)
            }
            Value::Bool(Some(truth)) => ToSqlOutput::from(*truth),
            Value::Int(Some(number)) => ToSqlOutput::from(*number),
            Value::Double(Some(number)) => ToSqlOutput::from(*number),
            Value::String(Some(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Bytes(Some(bytes)) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Value::BigInt(None) | Value::String(None) | Value::Bytes(None) => {
                ToSqlOutput::Owned(Stored::Null)
            }
            _unknown => return Err(unknown()),
        })
    }
}

/// A connection for the schema's migrations, which are SeaORM's.
pub(crate) async fn migrating(path: &Path, read_only: bool) -> Result<DatabaseConnection, DbErr> {
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false).map_sqlx_sqlite_opts(move |sqlite| {
        let sqlite = sqlite
            .in_memory(false)
            .shared_cache(false)
            .filename(&path)
            .create_if_missing(!read_only)
            .busy_timeout(BUSY)
            .foreign_keys(true)
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL");
        if read_only { sqlite.pragma("query_only", "ON") } else { sqlite }
    });
    Database::connect(options).await
}
