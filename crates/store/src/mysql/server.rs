//! The server behind an address: whether it answers, whether it keeps what it acknowledges, and what is
//! said on every connection to it.

use std::io;
use std::time::{Duration, Instant};

use sea_orm::sqlx::mysql::{MySqlConnection, MySqlRow};
use sea_orm::sqlx::{self, ConnectOptions as _, Executor as _, Row as _};
use tokio::time::{sleep, timeout};

use super::{Lanes, Settings, no_answer};
use crate::config::{Config, MySql};
use crate::failure::{Fault, number};
use crate::{OpenError, migrations};

/// How long a start waits for a server that is itself starting.
const START_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Oldest versions with all that is used here: checks on columns, and statements that are given up in time.
const MARIADB: (u32, u32, u32) = (10, 6, 0);
const MYSQL: (u32, u32, u32) = (8, 0, 16);

const NO_SUCH_DATABASE: u16 = 1049;
const FORBIDDEN: [u16; 6] = [1044, 1045, 1142, 1143, 1227, 1698];

/// Opens lanes to a server that keeps its promises and on which this user may do what is needed.
pub(crate) async fn connect(place: &MySql, config: &Config) -> Result<Lanes, OpenError> {
    let mut connection = reach(place).await?;
    let explain = |error| describe(place, error);
    let settings = settings(&version(&mut connection).await.map_err(explain)?);
    connection.execute(sqlx::AssertSqlSafe(settings.always.as_str())).await.map_err(explain)?;
    judge(place, &variables(&mut connection).await.map_err(explain)?)?;
    rights(&mut connection).await.map_err(explain)?;
    let wait = |millis| Duration::from_millis(millis);
    Ok(Lanes::new(place.options.clone(), settings, wait(config.read_wait_ms), wait(config.write_wait_ms)))
}

/// A first connection, as soon as the server takes one.
pub(super) async fn reach(place: &MySql) -> Result<MySqlConnection, OpenError> {
    let began = Instant::now();
    loop {
        let left = START_WITHIN.saturating_sub(began.elapsed());
        let opened = timeout(left, place.options.connect()).await.unwrap_or_else(|_| Err(no_answer()));
        match opened {
            Err(sqlx::Error::Io(error))
                if may_come(&error) && began.elapsed() + LOOK_EVERY < START_WITHIN =>
            {
                sleep(LOOK_EVERY).await;
            }
            opened => return opened.map_err(|error| describe(place, error)),
        }
    }
}

/// What a server that is starting looks like, with a port and with a socket.
fn may_come(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, NotFound, UnexpectedEof};
    [ConnectionRefused, ConnectionReset, NotFound, UnexpectedEof].contains(&error.kind())
}

/// Makes the database, where it is missing and the user may.
pub(super) async fn create(place: &MySql) -> Result<(), OpenError> {
    let name = &place.name;
    let mut anywhere = place.clone();
    anywhere.options = anywhere.options.database("information_schema");
    let mut connection = reach(&anywhere).await?;
    let sql = format!("CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    let created = connection.execute(sqlx::AssertSqlSafe(sql)).await;
    created.map(|_| ()).map_err(|error| describe(place, error))
}

/// An error of the server in words for the operator.
pub(crate) fn describe(place: &MySql, error: sqlx::Error) -> OpenError {
    let at = place.place.clone();
    match number(&error) {
        Some(NO_SUCH_DATABASE) => OpenError::Missing,
        Some(number) if FORBIDDEN.contains(&number) => {
            let message = error.as_database_error().map(|error| error.message().to_owned());
            OpenError::Forbidden { place: at, message: message.unwrap_or_default() }
        }
        Some(_) if Fault::of(&error) != Fault::Lost => OpenError::Database(super::lane::query_error(error)),
        Some(_) | None => OpenError::Unreachable { place: at, source: error.into() },
    }
}

async fn version(connection: &mut MySqlConnection) -> Result<String, sqlx::Error> {
    connection.fetch_one("SELECT VERSION()").await?.try_get(0)
}

/// What is said on every connection. Whoever begins a transaction and then falls silent, as a frozen process
/// does, must not hold its locks for long; only an operator's work on whole tables may. The planner does not look
/// up each value of a long list to guess what looking it up will find: a viewer's marks cost the server half.
fn settings(version: &str) -> Settings {
    let (isolation, limits, patient) = if version.contains("MariaDB") {
        let limits = "max_statement_time = 3, idle_transaction_timeout = 5";
        ("tx_isolation", limits, "SET SESSION max_statement_time = 0, idle_transaction_timeout = 0")
    } else {
        ("transaction_isolation", "max_execution_time = 3000", "SET SESSION max_execution_time = 0")
    };
    let always = format!(
        "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,\
         PIPES_AS_CONCAT', {isolation} = 'READ-COMMITTED', innodb_lock_wait_timeout = 2, \
         eq_range_index_dive_limit = 10, {limits}"
    );
    Settings { always, patient }
}

/// The server's variables that decide what its promises are worth.
#[derive(Clone, Debug)]
pub(crate) struct Variables {
    pub(crate) version: String,
    pub(crate) flush_at_commit: String,
    pub(crate) log_bin: String,
    pub(crate) sync_binlog: String,
    pub(crate) sql_mode: String,
    pub(crate) charset: String,
    pub(crate) collation: String,
    pub(crate) read_only: String,
}

async fn variables(connection: &mut MySqlConnection) -> Result<Variables, sqlx::Error> {
    let sql = "SELECT VERSION(), CAST(@@innodb_flush_log_at_trx_commit AS CHAR), CAST(@@log_bin AS CHAR), \
               CAST(@@sync_binlog AS CHAR), @@SESSION.sql_mode, @@character_set_connection, \
               @@collation_connection, CAST(@@read_only AS CHAR)";
    let row: MySqlRow = connection.fetch_one(sql).await?;
    Ok(Variables {
        version: row.try_get(0)?,
        flush_at_commit: row.try_get(1)?,
        log_bin: row.try_get(2)?,
        sync_binlog: row.try_get(3)?,
        sql_mode: row.try_get(4)?,
        charset: row.try_get(5)?,
        collation: row.try_get(6)?,
        read_only: row.try_get(7)?,
    })
}

/// Refuses a server that would lose what it acknowledged, or store something else than it was given.
pub(crate) fn judge(place: &MySql, variables: &Variables) -> Result<(), OpenError> {
    let strict = variables.sql_mode.split(',').any(|mode| mode.starts_with("STRICT_"));
    let is_off = |value: &str| ["0", "OFF"].contains(&value);
    for (fine, name, value, right) in [
        (
            is_recent(&variables.version),
            "version",
            &variables.version,
            "MariaDB 10.6 or MySQL 8.0.16, or later",
        ),
        (variables.flush_at_commit == "1", "innodb_flush_log_at_trx_commit", &variables.flush_at_commit, "1"),
        (
            is_off(&variables.log_bin) || variables.sync_binlog == "1",
            "sync_binlog",
            &variables.sync_binlog,
            "1, as log_bin is on",
        ),
        (strict, "sql_mode", &variables.sql_mode, "STRICT_TRANS_TABLES in it"),
        (variables.charset == "utf8mb4", "character_set_connection", &variables.charset, "utf8mb4"),
        (variables.collation == "utf8mb4_bin", "collation_connection", &variables.collation, "utf8mb4_bin"),
        (is_off(&variables.read_only), "read_only", &variables.read_only, "OFF"),
    ] {
        if !fine {
            let (place, value) = (place.place.clone(), value.clone());
            return Err(OpenError::Setting { place, name, value, right });
        }
    }
    Ok(())
}

fn is_recent(version: &str) -> bool {
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    let number = (next(), next(), next());
    if version.contains("MariaDB") { number >= MARIADB } else { number >= MYSQL }
}

/// Tries every verb on every table in a way that changes nothing.
async fn rights(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    for (table, key) in migrations::TABLES {
        for sql in [
            format!("SELECT {key} FROM {table} LIMIT 0"),
            format!("INSERT INTO {table} SELECT * FROM {table} LIMIT 0"),
            format!("UPDATE {table} SET {key} = {key} WHERE {key} IS NULL"),
            format!("DELETE FROM {table} WHERE {key} IS NULL"),
        ] {
            connection.execute(sqlx::AssertSqlSafe(sql)).await?;
        }
    }
    Ok(())
}
