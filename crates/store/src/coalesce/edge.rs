//! Pairs that are stored or not, as likes and follows are: what many wishes about them come to.

use std::collections::{BTreeMap, HashMap};

use domain::{Error, Result, Timestamp};

use super::many;
use crate::session::Session;

/// From whom to what, by number.
pub(crate) type Pair = (i64, i64);

/// One wish: that a pair be there, since a moment, or be gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) pair: Pair,
    /// Nothing: let it be gone.
    pub(crate) since: Option<Timestamp>,
}

/// What becomes of one pair.
#[derive(Default)]
struct Fate {
    /// The number of the row that is stored and is to go.
    leaves: Option<i64>,
    /// The row that is stored and stays.
    stays: Option<i64>,
    /// The place of the wish that makes a row, and since when.
    comes: Option<(usize, Timestamp)>,
}

impl Fate {
    fn wish(&mut self, place: usize, since: Option<Timestamp>) {
        match since {
            Some(since) if self.stays.is_none() && self.comes.is_none() => self.comes = Some((place, since)),
            // It is there already.
            Some(_) => {}
            None => {
                self.comes = None;
                self.leaves = self.stays.take().or(self.leaves);
            }
        }
    }
}

/// Fulfils wishes in their order, given the numbers of the pairs that are stored, in a table named with its two
/// columns. Gives each pair whose number of rows changes, and by how much. Two statements, one when rows only
/// come or only go, none when nothing changes; more than 64 that come are several.
pub(crate) async fn fulfil(
    session: &Session,
    (table, columns): (&str, &str),
    stored: &HashMap<Pair, i64>,
    wishes: impl Iterator<Item = Wish>,
) -> Result<Vec<(Pair, i64)>> {
    let mut fates = BTreeMap::<Pair, Fate>::new();
    for (place, Wish { pair, since }) in wishes.enumerate() {
        let stays = stored.get(&pair).copied();
        fates.entry(pair).or_insert_with(|| Fate { stays, ..Fate::default() }).wish(place, since);
    }
    delete(session, table, fates.values().filter_map(|fate| fate.leaves).collect()).await?;
    let mut coming: Vec<_> = fates.iter().filter_map(|(pair, fate)| Some((pair, fate.comes?))).collect();
    // As the index is ordered: transactions that insert beside each other do not wait in a circle. What one
    // person wished stays in the order of the wishes.
    coming.sort_unstable_by_key(|((from, _), (place, _))| (*from, *place));
    let rows = coming.iter().map(|((from, to), (_, since))| [*from, *to, since.millis()].map(Into::into));
    many::insert(session, &format!("{table} ({columns}, created_at)"), rows.collect(), 1).await?;
    let change = |fate: &Fate| i64::from(fate.comes.is_some()) - i64::from(fate.leaves.is_some());
    Ok(fates.iter().map(|(pair, fate)| (*pair, change(fate))).filter(|(_, by)| *by != 0).collect())
}

async fn delete(session: &Session, table: &str, mut numbers: Vec<i64>) -> Result<()> {
    if numbers.is_empty() {
        return Ok(());
    }
    numbers.sort_unstable();
    let (count, numbers) = (numbers.len() as u64, many::filled(numbers));
    let sql = format!("DELETE FROM {table} WHERE id IN {}", many::list(numbers.len()));
    let gone = session.change(&sql, numbers.into_iter().map(Into::into)).await?;
    // Whoever changes pairs holds their counters, so what was found a moment ago is there.
    if gone == count { Ok(()) } else { Err(Error::internal("a row was gone before it was deleted")) }
}
