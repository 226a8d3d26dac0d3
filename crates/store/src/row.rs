//! One row of an answer, whichever database gave it.

use std::cell::Cell;
use std::sync::Arc;

use domain::{Error, Result};
use rusqlite::types::{FromSql, Value, ValueRef};
use sea_orm::{QueryResult, TryGetable};

use crate::failure::failed;

/// A row with its columns by name.
pub(crate) enum Row {
    /// SQLite's.
    Sqlite(Values),
    /// MySQL's, still as it was sent.
    MySql(QueryResult),
}

/// A row of SQLite's.
pub(crate) struct Values {
    names: Arc<[String]>,
    values: Vec<Value>,
    /// Where the next column is looked for first: they are mostly read in their order.
    next: Cell<usize>,
}

impl Values {
    pub(crate) fn new(names: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { names, values, next: Cell::new(0) }
    }

    fn of(&self, name: &str) -> Option<&Value> {
        let count = self.names.len();
        let places = (self.next.get()..count).chain(0..self.next.get());
        let place = places.into_iter().find(|place| self.names[*place] == name)?;
        self.next.set(place + 1);
        self.values.get(place)
    }
}

/// A column by its name.
pub(crate) fn column<T: TryGetable + FromSql>(row: &Row, name: &str) -> Result<T> {
    match row {
        Row::MySql(row) => row.try_get("", name).map_err(failed),
        Row::Sqlite(values) => {
            let value = values.of(name).ok_or_else(|| Error::internal(format!("no column `{name}`")))?;
            T::column_result(ValueRef::from(value))
                .map_err(|error| Error::internal(format!("column `{name}`: {error}")))
        }
    }
}

/// Reads each row of a list.
pub(crate) fn read_all<T>(rows: &[Row], read: fn(&Row) -> Result<T>) -> Result<Vec<T>> {
    rows.iter().map(read).collect()
}
