//! Statements about many rows. Their texts are of few sizes, so that a connection prepares each of them once.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use domain::{Result, Timestamp};
use sea_orm::Value;

use crate::row::{Row, column};
use crate::session::Session;

/// Lengths of lists. A list is filled up with its last entry, which then stands there more than once.
const LENGTHS: [usize; 6] = [1, 4, 16, 64, 256, 512];
/// Rows of one INSERT. Nothing fills these up, so each number of rows is a text of its own.
const ROWS: usize = 64;

/// A list of one of the few lengths.
pub(crate) fn filled<T: Copy>(entries: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut list = Vec::from_iter(entries);
    if let Some(last) = list.last().copied() {
        let length = LENGTHS.into_iter().find(|length| *length >= list.len()).unwrap_or(list.len());
        list.resize(length, last);
    }
    list
}

/// `(?, ?, …)`, what a column is IN.
pub(crate) fn list(length: usize) -> String {
    format!("({})", ["?"].repeat(length).join(", "))
}

/// A table of pairs: `one` and `other`.
pub(crate) fn pairs(length: usize) -> String {
    // MySQL wants to be told what a parameter is that stands in no comparison.
    let mut table = "(SELECT CAST(? AS SIGNED) AS one, CAST(? AS SIGNED) AS other".to_owned();
    (1..length).for_each(|_| table.push_str(" UNION ALL SELECT ?, ?"));
    table.push(')');
    table
}

/// Inserts rows and gives their numbers, in their order. `step` is by how much these grow. One statement for
/// each 64 rows.
pub(crate) async fn insert<const COLUMNS: usize>(
    session: &Session,
    into: &str,
    rows: Vec<[Value; COLUMNS]>,
    step: i64,
) -> Result<Vec<i64>> {
    let (mut numbers, mut rows) = (Vec::with_capacity(rows.len()), rows.into_iter().peekable());
    while rows.peek().is_some() {
        let some: Vec<_> = rows.by_ref().take(ROWS).collect();
        let count = some.len();
        let sql = format!("INSERT INTO {into} VALUES {}", vec![list(COLUMNS); count].join(", "));
        let number = session.insert(&sql, some.into_iter().flatten()).await?;
        // MySQL tells the number of the first row, SQLite that of the last.
        let first = if session.is_mysql() { number } else { number + 1 - count as i64 };
        numbers.extend((0..count as i64).map(|place| first + place * step));
    }
    Ok(numbers)
}

/// Reads what is shown of rows whose numbers are known, in the order of these. `cards` selects them up to their numbers,
/// which are in the column `key`; before those stand its own values. One statement, none for none.
pub(crate) async fn in_order<T>(
    session: &Session,
    cards: &str,
    values: impl IntoIterator<Item = Value>,
    (key, ids): (&str, &[i64]),
    read: fn(&Row) -> Result<T>,
) -> Result<Vec<T>> {
    let filled = filled(ids.iter().copied());
    if filled.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("{cards}{} LIMIT {}", list(filled.len()), filled.len());
    let mut found = BTreeMap::new();
    for row in session.rows(&sql, values.into_iter().chain(filled.into_iter().map(Value::from))).await? {
        found.insert(column::<i64>(&row, key)?, read(&row)?);
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// Inserts rows, or does to those that are there what `again` says. One statement for each 64 rows.
pub(crate) async fn put<const COLUMNS: usize>(
    session: &Session,
    into: &str,
    rows: Vec<[Value; COLUMNS]>,
    again: &str,
) -> Result<()> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let some: Vec<_> = rows.by_ref().take(ROWS).collect();
        let holes = vec![list(COLUMNS); some.len()].join(", ");
        session
            .change(&format!("INSERT INTO {into} VALUES {holes} {again}"), some.into_iter().flatten())
            .await?;
    }
    Ok(())
}

/// Forgets rows from before a moment, at most 1,000 at once; false when nothing is left of them. One statement.
pub(crate) async fn forget(session: &Session, table: &str, column: &str, before: Timestamp) -> Result<bool> {
    // MySQL deletes from no table that a subquery of the same statement reads, but for a derived one.
    let sql = format!(
        "DELETE FROM {table} WHERE id IN (SELECT id FROM (SELECT id FROM {table} WHERE {column} < ? LIMIT 1000) old)"
    );
    Ok(session.change(&sql, [before.millis().into()]).await? > 0)
}

/// What `insert` wants to know of the database, as something to select: a cluster of MySQL servers may take
/// numbers in turn.
pub(crate) fn step(session: &Session) -> &'static str {
    if session.is_mysql() { "CAST(@@auto_increment_increment AS SIGNED)" } else { "1" }
}

/// Adds to the counters of many rows. One statement, none when nothing changes. Rows that are not held yet are
/// taken in the order of their keys, as the table is.
pub(crate) async fn add<const COLUMNS: usize>(
    session: &Session,
    (table, key): (&str, &str),
    columns: [&str; COLUMNS],
    by: &BTreeMap<i64, [i64; COLUMNS]>,
) -> Result<()> {
    let rows = filled(by.iter().filter(|(_, by)| **by != [0; COLUMNS]));
    if rows.is_empty() {
        return Ok(());
    }
    let mut sql = format!("UPDATE {table} SET ");
    let mut values: Vec<Value> = Vec::new();
    for (place, column) in columns.into_iter().enumerate() {
        let comma = if place > 0 { ", " } else { "" };
        let _written = write!(sql, "{comma}{column} = {column} + CASE {key}");
        for (id, by) in &rows {
            sql.push_str(" WHEN ? THEN ?");
            values.extend([(**id).into(), by[place].into()]);
        }
        sql.push_str(" ELSE 0 END");
    }
    let _written = write!(sql, " WHERE {key} IN {}", list(rows.len()));
    values.extend(rows.iter().map(|(id, _)| Value::from(**id)));
    session.change(&sql, values).await?;
    Ok(())
}
