//! Lists a part at a time: newest first, each part going on after the last row of the one before, so that what comes
//! and goes meanwhile neither repeats nor skips a row.

use std::ops::Deref;

use domain::Result;
use domain::limits::LIST_ROWS;
use sea_orm::Value;

use crate::card::read_all;
use crate::row::{Row, column};

/// Which part of a list.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// The place that the part before ended at, exclusive: [`Listed::next`].
    pub before: i64,
    /// The most rows.
    pub rows: usize,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Where the next part begins; 0 when this is the last.
    pub next: i64,
}

impl Slice {
    /// As much as is ever told at once, from the newest.
    pub const NEWEST: Self = Self { before: i64::MAX, rows: LIST_ROWS };

    /// The last two parameters of a list's statement: an upper end, and one row more than is shown, which tells
    /// whether there are more.
    pub(crate) fn values(self) -> [Value; 2] {
        [self.before.into(), (self.rows as u64 + 1).into()]
    }

    /// The part that these rows are, each with its `place`.
    pub(crate) fn read<T>(self, rows: &[Row], read: fn(&Row) -> Result<T>) -> Result<Listed<T>> {
        let shown = &rows[..rows.len().min(self.rows)];
        let next = match shown.last() {
            Some(last) if rows.len() > shown.len() => column(last, "place")?,
            _ => 0,
        };
        Ok(Listed { rows: read_all(shown, read)?, next })
    }
}

impl<T> Deref for Listed<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.rows
    }
}

impl<T> IntoIterator for Listed<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}
