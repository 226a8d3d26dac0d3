//! Everything out of one database and into another, in a form that neither of them knows of. What a backup is on a
//! disk is the program's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Error, Result, hex};
use futures_util::future;
use futures_util::stream::{self, BoxStream, StreamExt};
use sea_orm::Value;
use sea_orm_migration::MigratorTrait;
use serde_json::{Map, Value as Json};
use tokio::sync::mpsc;

use crate::Store;
use crate::card::column;
use crate::coalesce::many;
use crate::migrations::{Migrator, TABLES};
use crate::object::NEEDED;
use crate::row::Row;
use crate::session::Session;

/// Rows read or written at once, 64 KiB the largest: an `INSERT` of them is less than a server takes.
pub const ROWS_AT_ONCE: usize = 100;

/// What filling a database may take on MySQL.
const IMPORT_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// What stays behind: a number that is about pages in memory.
const LEFT_OUT: &str = "feed_state";

/// Parts that wait for who asked for them.
const WAITING: usize = 2;

/// A row by the names of its columns: numbers and texts are JSON's, bytes are hexadecimal digits.
pub type ExportedRow = Map<String, Json>;

/// What a column holds, where it is not null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// A whole number of 64 bits.
    Integer,
    /// A text.
    Text,
    /// Bytes, as hexadecimal digits.
    Hex,
}

impl ColumnKind {
    /// What such a column holds; nothing for null.
    pub(crate) fn json(self, row: &Row, name: &str) -> Result<Option<Json>> {
        Ok(match self {
            Self::Integer => column::<Option<i64>>(row, name)?.map(Json::from),
            Self::Text => column::<Option<String>>(row, name)?.map(Json::from),
            Self::Hex => column::<Option<Vec<u8>>>(row, name)?.map(|bytes| Json::from(hex(&bytes))),
        })
    }
}

/// A table's columns.
pub type Columns = BTreeMap<String, ColumnKind>;

/// A part of everything.
#[derive(Clone, Debug)]
pub enum Exported {
    /// A table begins.
    Table(&'static str, Columns),
    /// Some of that table's rows.
    Rows(Vec<ExportedRow>),
    /// Some of the objects that have to be there beside the rows.
    Objects(Vec<ExportedObject>),
}

/// An object some video or upload needs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ExportedObject {
    /// Where it lies.
    pub key: String,
    /// Its length.
    pub bytes: u64,
    /// The SHA-256 of its content, as hexadecimal digits.
    pub sha256: String,
}

impl Store {
    /// The schema's version: the name of its last migration.
    #[must_use]
    pub fn schema() -> String {
        Migrator::migrations().last().map(|last| last.name().to_owned()).unwrap_or_default()
    }

    /// Every row as it stood at one moment, tables before those that refer to them, then the objects that had to be
    /// there at that moment. For each table two statements, and one more for every hundred rows.
    pub fn export(&self) -> BoxStream<'static, Result<Exported>> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let database = Arc::clone(&self.database);
        let reading = tokio::spawn(async move {
            database.snapshot(move |session| Box::pin(export(session, Taker(sender)))).await
        });
        let next = |mut receiver: mpsc::Receiver<_>| async {
            receiver.recv().await.map(|part| (Ok(part), receiver))
        };
        // Also one that panicked is told from one that came to the end.
        let end = async { reading.await.unwrap_or_else(|panic| Err(Error::internal(panic))).err().map(Err) };
        stream::unfold(receiver, next).chain(stream::once(end).filter_map(future::ready)).boxed()
    }

    /// Whether anybody has registered: there is nothing without. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn is_used(&self) -> Result<bool> {
        let sql = "SELECT id FROM user LIMIT 1";
        Ok(!self.database.list(sql, [], |row| column::<i64>(row, "id")).await?.is_empty())
    }

    /// Fills a database in which nobody has registered, or leaves it as it was. Each item is a table with some rows,
    /// at most [`ROWS_AT_ONCE`], tables in the order they are exported in. A statement for each item and each
    /// table.
    ///
    /// # Errors
    /// An item's; [`Error::Invalid`] for rows of another schema; the database's.
    pub async fn import(
        &self,
        items: impl Iterator<Item = Result<(String, Vec<ExportedRow>)>> + Send + 'static,
    ) -> Result<()> {
        let items = Arc::new(Mutex::new(Some(items)));
        self.database
            .write_within(IMPORT_WITHIN, move |session| {
                let items = items.lock().unwrap_or_else(PoisonError::into_inner).take();
                Box::pin(async move {
                    // A transaction that met another one is begun again, but what was read of these is gone.
                    let items =
                        items.ok_or_else(|| Error::internal("somebody else writes to this database"))?;
                    import(session, items).await
                })
            })
            .await
    }
}

/// Who gets the parts.
struct Taker(mpsc::Sender<Exported>);

impl Taker {
    /// Waits until there is room for one more.
    async fn give(&self, session: &Session, part: Exported) -> Result<()> {
        let sent = if session.is_mysql() {
            self.0.send(part).await
        } else {
            // SQLite is read on a thread of its own, where nothing is awaited.
            self.0.blocking_send(part)
        };
        sent.map_err(|_gone| Error::internal("nobody takes what is read"))
    }
}

async fn export(session: &Session, taker: Taker) -> Result<()> {
    for (table, key) in TABLES.into_iter().filter(|(table, _)| *table != LEFT_OUT) {
        let columns = columns(session, table).await?;
        taker.give(session, Exported::Table(table, columns.clone())).await?;
        let names: Vec<&str> = columns.keys().map(String::as_str).collect();
        let sql = format!(
            "SELECT {} FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT {ROWS_AT_ONCE}",
            names.join(", ")
        );
        let kind = columns.get(key).copied().unwrap_or(ColumnKind::Integer);
        let mut after = match kind {
            ColumnKind::Integer => Json::from(i64::MIN),
            ColumnKind::Text | ColumnKind::Hex => Json::from(""),
        };
        while let Some(place) = value(kind, &after) {
            let rows = session.rows(&sql, [place]).await?;
            let rows = rows.iter().map(|row| read_row(row, &columns)).collect::<Result<Vec<_>>>()?;
            let Some(last) = rows.last().and_then(|last| last.get(key)) else { break };
            after = last.clone();
            taker.give(session, Exported::Rows(rows)).await?;
        }
    }
    let parts = "SELECT object_key, bytes, sha256 FROM upload_part WHERE object_key > ? \
                 ORDER BY object_key LIMIT 1000";
    for (sql, holes) in [(NEEDED, 2), (parts, 1)] {
        let mut after = String::new();
        loop {
            let rows = session.rows(sql, vec![Value::from(after); holes]).await?;
            let objects = rows.iter().map(read_object).collect::<Result<Vec<_>>>()?;
            let Some(last) = objects.last() else { break };
            after = last.key.clone();
            taker.give(session, Exported::Objects(objects)).await?;
        }
    }
    Ok(())
}

async fn import(
    session: &Session,
    items: impl Iterator<Item = Result<(String, Vec<ExportedRow>)>>,
) -> Result<()> {
    let mut known: Option<(String, Columns)> = None;
    for item in items {
        let (table, rows) = item?;
        if known.as_ref().is_none_or(|(name, _)| *name != table) {
            let exported = TABLES.iter().any(|(name, _)| *name == table) && table != LEFT_OUT;
            if !exported {
                return Err(foreign(&table, "is no table of this schema".into()));
            }
            known = Some((table.clone(), columns(session, &table).await?));
        }
        if let (Some((_, columns)), false) = (&known, rows.is_empty()) {
            insert(session, &table, columns, &rows).await?;
        }
    }
    Ok(())
}

async fn insert(session: &Session, table: &str, columns: &Columns, rows: &[ExportedRow]) -> Result<()> {
    let names: Vec<&str> = columns.keys().map(String::as_str).collect();
    let sql = format!(
        "INSERT INTO {table} ({}) VALUES {}",
        names.join(", "),
        vec![many::list(names.len()); rows.len()].join(", ")
    );
    let mut values = Vec::with_capacity(names.len() * rows.len());
    for row in rows {
        if let Some(other) = row.keys().find(|name| !columns.contains_key(*name)) {
            return Err(foreign(table, format!("has no column `{other}`")));
        }
        for (name, kind) in columns {
            let told = row.get(name).and_then(|json| value(*kind, json));
            values.push(told.ok_or_else(|| foreign(table, format!("needs a value in each row's `{name}`")))?);
        }
    }
    session.change(&sql, values).await.map(|_| ())
}

fn foreign(table: &str, problem: String) -> Error {
    Error::Invalid { name: format!("`{table}`").into(), problem }
}

/// What the database says of a table's columns. One statement.
async fn columns(session: &Session, table: &str) -> Result<Columns> {
    let sql = if session.is_mysql() {
        "SELECT column_name AS name, CAST(data_type AS CHAR) AS kind FROM information_schema.columns \
         WHERE table_schema = DATABASE() AND table_name = ? LIMIT 100"
    } else {
        "SELECT name, type AS kind FROM pragma_table_info(?) LIMIT 100"
    };
    let mut columns = Columns::new();
    for row in session.rows(sql, [table.into()]).await? {
        let (name, declared): (String, String) = (column(&row, "name")?, column(&row, "kind")?);
        let declared = declared.to_ascii_lowercase();
        let kind = match declared.as_str() {
            bytes if bytes.contains("blob") || bytes.contains("binary") => ColumnKind::Hex,
            text if text.contains("char") || text.contains("text") => ColumnKind::Text,
            number if number.contains("int") => ColumnKind::Integer,
            _ => {
                return Err(Error::internal(format!(
                    "`{table}.{name}` holds {declared}, which is never exported"
                )));
            }
        };
        columns.insert(name, kind);
    }
    Ok(columns)
}

fn read_row(row: &Row, columns: &Columns) -> Result<ExportedRow> {
    let read = |(name, kind): (&String, &ColumnKind)| {
        Ok((name.clone(), kind.json(row, name)?.unwrap_or(Json::Null)))
    };
    columns.iter().map(read).collect()
}

fn read_object(row: &Row) -> Result<ExportedObject> {
    let bytes: i64 = column(row, "bytes")?;
    Ok(ExportedObject {
        key: column(row, "object_key")?,
        bytes: u64::try_from(bytes).map_err(Error::internal)?,
        sha256: hex(&column::<Vec<u8>>(row, "sha256")?),
    })
}

/// A value on its way back; nothing for one of another kind.
fn value(kind: ColumnKind, json: &Json) -> Option<Value> {
    Some(match (kind, json) {
        (ColumnKind::Integer, Json::Null) => Value::BigInt(None),
        (ColumnKind::Integer, json) => json.as_i64()?.into(),
        (ColumnKind::Text, Json::Null) => Value::String(None),
        (ColumnKind::Text, json) => json.as_str()?.into(),
        (ColumnKind::Hex, Json::Null) => Value::Bytes(None),
        (ColumnKind::Hex, json) => unhex(json.as_str()?)?.into(),
    })
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = digits.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let byte = |pair: &[u32]| u8::try_from(pair.first()? * 16 + pair.get(1)?).ok();
    digits.chunks(2).map(byte).collect()
}
