//! The rows into MySQL or MariaDB: many a statement into a table without keys, then all at once.

use std::fmt::Write as _;
use std::ptr;
use std::str::FromStr as _;

use anyhow::{Context, Result, bail, ensure};
use sea_orm::sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sea_orm::sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _};
use tokio::sync::mpsc::{Sender, channel};

use super::Dataset;
use super::rows::{Cell, Table};

/// Without these checks MariaDB sorts the keys of all rows that one statement brings into an empty table, and
/// builds each index once: five times faster than row by row.
const HASTE: &str = "SET SESSION foreign_key_checks = 0, unique_checks = 0, sql_mode = 'STRICT_TRANS_TABLES'";
/// Bytes of one statement; the server takes 16 MiB.
const STATEMENT_BYTES: usize = 1024 * 1024;
/// How each statement begins.
const BATCH: &str = "INSERT INTO bench_rows VALUES ";

/// A statement with rows of a table.
type Batch = (&'static Table, String);

impl Dataset {
    /// Fills a migrated, empty database at `mysql://USER@HOST:PORT/NAME`. Its objects are not written:
    /// [`Dataset::objects`] has them.
    pub async fn fill_mysql(&self, url: &str, password: &str) -> Result<()> {
        let options = MySqlConnectOptions::from_str(url).context("read the database's address")?;
        let options = options.password(password).charset("utf8mb4").collation("utf8mb4_bin");
        let mut connection =
            MySqlConnection::connect_with(&options).await.context("connect to the database")?;
        connection.execute(HASTE).await?;
        let users: i64 = connection.fetch_one("SELECT COUNT(*) FROM user").await?.try_get(0)?;
        ensure!(users == 0, "the database is not empty");
        // The rows are made on a thread of their own while the server works on those before.
        let (sender, mut batches) = channel(4);
        let dataset = self.clone();
        let making = tokio::task::spawn_blocking(move || dataset.send_batches(&sender));
        let mut filling: Option<&Table> = None;
        while let Some((table, sql)) = batches.recv().await {
            if !filling.is_some_and(|filling| ptr::eq(filling, table)) {
                finish(&mut connection, filling).await?;
                connection.execute(AssertSqlSafe(begin(table))).await?;
                filling = Some(table);
            }
            connection.execute(AssertSqlSafe(sql)).await.with_context(|| format!("fill {}", table.name))?;
        }
        making.await.context("make the rows")??;
        finish(&mut connection, filling).await?;
        connection.close().await.context("close the connection")
    }

    /// Every row in statements of [`STATEMENT_BYTES`], each with its table.
    fn send_batches(&self, sender: &Sender<Batch>) -> Result<()> {
        let mut batch: Option<Batch> = None;
        let send = |batch: Option<Batch>| {
            let Some(batch) = batch else { return Ok(()) };
            sender.blocking_send(batch).context("nobody takes the rows any more")
        };
        self.each_row(&mut |table, row| {
            let fits = |(of, sql): &Batch| ptr::eq(*of, table) && sql.len() < STATEMENT_BYTES;
            match &mut batch {
                Some(open) if fits(open) => open.1.push(','),
                Some(_) | None => send(batch.replace((table, String::from(BATCH))))?,
            }
            batch.as_mut().map_or(Ok(()), |(_, sql)| write_row(sql, row))
        })?;
        send(batch)
    }
}

/// A table without keys for the rows of another one.
fn begin(table: &Table) -> String {
    let Table { name, columns } = table;
    format!("CREATE TABLE bench_rows ENGINE = MyISAM AS SELECT {} FROM {name} LIMIT 0", columns.join(", "))
}

/// Moves the rows to where they belong.
async fn finish(connection: &mut MySqlConnection, table: Option<&Table>) -> Result<()> {
    let Some(Table { name, columns }) = table else { return Ok(()) };
    let sql = format!("INSERT INTO {name} ({}) SELECT * FROM bench_rows", columns.join(", "));
    connection.execute(AssertSqlSafe(sql)).await.with_context(|| format!("fill {name}"))?;
    // Rows that break a unique key are lost this way without an error, and all others with them.
    let first = connection.fetch_optional(AssertSqlSafe(format!("SELECT 1 FROM {name} LIMIT 1"))).await?;
    ensure!(first.is_some(), "{name} did not take its rows");
    connection.execute("DROP TABLE bench_rows").await?;
    Ok(())
}

fn write_row(sql: &mut String, row: &[Cell<'_>]) -> Result<()> {
    let mut before = '(';
    for cell in row {
        sql.push(before);
        before = ',';
        match cell {
            Cell::Number(number) => write!(sql, "{number}")?,
            Cell::Text(text) if text.contains(['\'', '\\']) => bail!("{text} would need to be escaped"),
            Cell::Text(text) => write!(sql, "'{text}'")?,
            Cell::Bytes(bytes) => {
                sql.push_str("X'");
                bytes.iter().try_for_each(|byte| write!(sql, "{byte:02x}"))?;
                sql.push('\'');
            }
        }
    }
    sql.push(')');
    Ok(())
}
