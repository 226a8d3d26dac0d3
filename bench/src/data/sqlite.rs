//! The rows into SQLite: as fast as it goes, for a power cut in the midst only means to begin again.

use std::path::Path;
use std::ptr;

use anyhow::{Context, Result, ensure};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql, params_from_iter};

use super::Dataset;
use super::rows::{Cell, TABLES, Table};

/// Nothing is kept safe while the file is filled, and indices are made when the rows are there: sorting all
/// keys once is faster than finding a place for each.
const HASTE: &str = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; \
                     PRAGMA foreign_keys = OFF; PRAGMA cache_size = -262144; PRAGMA temp_store = MEMORY; \
                     PRAGMA threads = 2";

impl Dataset {
    /// Fills the migrated, empty database `dytt.sqlite` of a data folder, and its `objects/`. Nothing else
    /// may have it open.
    pub fn fill_sqlite(&self, data_dir: &Path) -> Result<()> {
        let path = data_dir.join("dytt.sqlite");
        let mut connection = Connection::open(&path).with_context(|| format!("open {}", path.display()))?;
        connection.execute_batch(HASTE).context("prepare the database")?;
        let users: i64 = connection.query_row("SELECT COUNT(*) FROM user", [], |row| row.get(0))?;
        ensure!(users == 0, "{} is not empty", path.display());
        let transaction = connection.transaction()?;
        let indices = take_indices(&transaction)?;
        fill(&transaction, self).context("fill the tables")?;
        for index in indices {
            transaction.execute_batch(&index).with_context(|| index.clone())?;
        }
        transaction.commit()?;
        connection.execute_batch("PRAGMA journal_mode = WAL").context("return to the platform's journal")?;
        connection.close().map_err(|(_, error)| error)?;
        self.write_objects(&data_dir.join("objects"))
    }
}

/// Drops the indices of the tables that are filled; what makes each of them again.
fn take_indices(connection: &Connection) -> Result<Vec<String>> {
    let names = TABLES.map(|table| format!("'{}'", table.name)).join(", ");
    let sql = format!(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({names})"
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(String, String)> = rows.collect::<Result<_, _>>()?;
    for (name, _) in &found {
        connection.execute_batch(&format!("DROP INDEX \"{name}\""))?;
    }
    Ok(found.into_iter().map(|(_, sql)| sql).collect())
}

fn fill(connection: &Connection, dataset: &Dataset) -> Result<()> {
    let mut open: Option<(&'static Table, CachedStatement<'_>)> = None;
    dataset.each_row(&mut |table, row| {
        let statement = match &mut open {
            Some((of, statement)) if ptr::eq(*of, table) => statement,
            Some(_) | None => &mut open.insert((table, connection.prepare_cached(&insert(table))?)).1,
        };
        statement.execute(params_from_iter(row))?;
        Ok(())
    })
}

fn insert(table: &Table) -> String {
    let holes = vec!["?"; table.columns.len()].join(", ");
    format!("INSERT INTO {} ({}) VALUES ({holes})", table.name, table.columns.join(", "))
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Cell::Number(number) => ValueRef::Integer(*number),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
