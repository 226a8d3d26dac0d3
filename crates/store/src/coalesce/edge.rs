//! Pairs that are stored or not, as likes and follows are: what many wishes about them come to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{Error, Result, Timestamp};

use super::many;
use crate::card::column;
use crate::session::Session;

/// From whom to what, by number.
pub(crate) type Pair = (i64, i64);

/// A table of pairs.
pub(crate) struct Edges {
    pub(crate) table: &'static str,
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    /// Joins what a pair points to, as `t`: the rows that MySQL holds for it.
    pub(crate) target: &'static str,
    /// Whom what a pair points to belongs to; nothing when who it comes from may not see it, below zero when they have
    /// to ask.
    pub(crate) owner: &'static str,
}

/// One wish: that a pair be there, since a moment, or be gone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    pub(crate) pair: Pair,
    /// Nothing: let it be gone.
    pub(crate) since: Option<Timestamp>,
}

/// What wishes came to.
pub(crate) struct Fulfilled {
    /// The owner of each pair's target that is there; wishes about others come to nothing.
    pub(crate) owners: HashMap<Pair, i64>,
    /// Each pair whose number of rows changed, and by how much.
    pub(crate) changes: Vec<(Pair, i64)>,
    /// Pairs that are not there and have to be asked for: since when they are wished, or that they no longer are.
    pub(crate) asked: BTreeMap<Pair, Option<Timestamp>>,
}

impl Edges {
    /// Fulfils wishes in their order, and holds the targets and the pairs. Two statements, one when nothing
    /// changes, three when some rows come and others go; more than 64 that come are several.
    pub(crate) async fn fulfil(&self, session: &Session, wishes: &[Wish]) -> Result<Fulfilled> {
        let (owners, stored) = self.find(session, wishes).await?;
        let (mut fates, mut asked) = (BTreeMap::<Pair, Fate>::new(), BTreeMap::new());
        for (place, Wish { pair, since }) in wishes.iter().enumerate() {
            let owner = owners.get(pair).copied();
            if owner.is_some_and(|owner| owner < 0) && !stored.contains_key(pair) {
                asked.insert(*pair, *since);
            } else if owner.is_some() {
                let stays = stored.get(pair).copied();
                fates.entry(*pair).or_insert_with(|| Fate { stays, ..Fate::default() }).wish(place, *since);
            }
        }
        self.delete(session, fates.values().filter_map(|fate| fate.leaves).collect()).await?;
        let coming = fates.iter().filter_map(|(pair, fate)| Some((*pair, fate.comes?)));
        self.insert(session, coming.collect()).await?;
        let changes = fates.iter().map(|(pair, fate)| (*pair, fate.change())).filter(|(_, by)| *by != 0);
        Ok(Fulfilled { owners, changes: changes.collect(), asked })
    }

    /// The owners of the targets, and the numbers of the rows that are stored. One statement, which holds what
    /// it finds, target by target: two that want the same do not wait in a circle.
    async fn find(
        &self,
        session: &Session,
        wishes: &[Wish],
    ) -> Result<(HashMap<Pair, i64>, HashMap<Pair, i64>)> {
        let Self { table, from, to, target, owner } = self;
        let turned = wishes.iter().map(|Wish { pair: (one, other), .. }| (*other, *one));
        let pairs = many::filled(turned.collect::<BTreeSet<_>>());
        // LEFT, so that the pairs come first, in their order, and each is two look-ups.
        let sql = format!(
            "SELECT pairs.one, pairs.other, {owner} AS owner, e.id FROM {} pairs {target} \
             LEFT JOIN {table} e ON e.{from} = pairs.one AND e.{to} = pairs.other LIMIT {}{}",
            many::pairs(pairs.len()),
            pairs.len(),
            if session.is_mysql() { " FOR UPDATE" } else { "" }
        );
        let values = pairs.iter().flat_map(|(other, one)| [(*one).into(), (*other).into()]);
        let (mut owners, mut stored) = (HashMap::new(), HashMap::new());
        for row in session.rows(&sql, values).await? {
            let pair: Pair = (column(&row, "one")?, column(&row, "other")?);
            if let Some(owner) = column(&row, "owner")? {
                owners.insert(pair, owner);
            }
            if let Some(id) = column(&row, "id")? {
                stored.insert(pair, id);
            }
        }
        Ok((owners, stored))
    }

    async fn delete(&self, session: &Session, mut numbers: Vec<i64>) -> Result<()> {
        if numbers.is_empty() {
            return Ok(());
        }
        numbers.sort_unstable();
        let (count, numbers) = (numbers.len() as u64, many::filled(numbers));
        let sql = format!("DELETE FROM {} WHERE id IN {}", self.table, many::list(numbers.len()));
        let gone = session.change(&sql, numbers.into_iter().map(Into::into)).await?;
        if gone == count { Ok(()) } else { Err(Error::internal("a row was gone before it was deleted")) }
    }

    async fn insert(&self, session: &Session, mut coming: Vec<(Pair, (usize, Timestamp))>) -> Result<()> {
        // As the index is ordered: transactions that insert beside each other do not wait in a circle. What one
        // person wished stays in the order of the wishes, which is that of lists.
        coming.sort_unstable_by_key(|((from, _), (place, _))| (*from, *place));
        let rows = coming.iter().map(|((from, to), (_, since))| [*from, *to, since.millis()].map(Into::into));
        let into = format!("{} ({}, {}, created_at)", self.table, self.from, self.to);
        many::insert(session, &into, rows.collect(), 1).await?;
        Ok(())
    }
}

/// What becomes of one pair.
#[derive(Default)]
struct Fate {
    /// The number of the row that is stored and stays.
    stays: Option<i64>,
    /// The number of the row that is stored and is to go.
    leaves: Option<i64>,
    /// The place of the wish that makes a row, and since when.
    comes: Option<(usize, Timestamp)>,
}

impl Fate {
    fn wish(&mut self, place: usize, since: Option<Timestamp>) {
        let is_there = self.stays.is_some() || self.comes.is_some();
        match since {
            Some(since) if !is_there => self.comes = Some((place, since)),
            Some(_) => {}
            None => {
                self.comes = None;
                self.leaves = self.stays.take().or(self.leaves);
            }
        }
    }

    fn change(&self) -> i64 {
        i64::from(self.comes.is_some()) - i64::from(self.leaves.is_some())
    }
}
