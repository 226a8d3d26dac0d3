//! Follows: who follows whom; friends are those who follow each other.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use domain::{Error, Result, Timestamp, UserId};
use futures_util::future::BoxFuture;
use sea_orm::Value;

use crate::Store;
use crate::card::{Friend, UserCard, column, read_all, rows_limit, user_columns};
use crate::coalesce::edge::{self, Pair, Wish};
use crate::coalesce::{Coalesced, Operation, Queues, many};
use crate::row::Row;
use crate::session::Session;
use crate::user::{must_exist, number};

impl Store {
    /// Follows a user; a repeated follow changes nothing. Three statements, one when repeated; on MySQL
    /// one more.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn follow_user(&self, viewer: UserId, user: UserId, now: Timestamp) -> Result<()> {
        self.write_together(Follow { viewer, user, since: Some(now) }).await
    }

    /// Stops following; without a follow nothing changes. Three statements, one when there is none; on MySQL
    /// one more.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn unfollow_user(&self, viewer: UserId, user: UserId) -> Result<()> {
        self.write_together(Follow { viewer, user, since: None }).await
    }

    /// Whom a user follows, the most recent first, at most 500. Two statements.
    ///
    /// # Errors
    /// [`domain::Error::UserNotFound`].
    pub async fn following(&self, user: UserId, viewer: Option<UserId>) -> Result<Vec<UserCard>> {
        let sql = concat!(
            "SELECT ",
            user_columns!(),
            " FROM follow f LEFT JOIN user u ON u.id = f.followee_id \
             LEFT JOIN user_stat us ON us.user_id = u.id WHERE f.follower_id = ? ORDER BY f.id DESC LIMIT ?"
        );
        self.people(sql, user, viewer).await
    }

    /// Who follows a user, the most recent first, at most 500. Two statements.
    ///
    /// # Errors
    /// [`domain::Error::UserNotFound`].
    pub async fn followers(&self, user: UserId, viewer: Option<UserId>) -> Result<Vec<UserCard>> {
        let sql = concat!(
            "SELECT ",
            user_columns!(),
            " FROM follow f LEFT JOIN user u ON u.id = f.follower_id \
             LEFT JOIN user_stat us ON us.user_id = u.id WHERE f.followee_id = ? ORDER BY f.id DESC LIMIT ?"
        );
        self.people(sql, user, viewer).await
    }

    /// Mutual follows of a user, the latest conversation first, then the latest follow; at most 500.
    /// One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn friends(&self, viewer: UserId) -> Result<Vec<Friend>> {
        let sql = concat!(
            "SELECT sent.content AS sent, sent.created_at AS sent_at, \
             got.content AS got, got.created_at AS got_at, ",
            user_columns!(),
            " FROM follow f \
             JOIN follow back ON back.follower_id = f.followee_id AND back.followee_id = f.follower_id \
             LEFT JOIN user u ON u.id = f.followee_id LEFT JOIN user_stat us ON us.user_id = u.id \
             LEFT JOIN message sent ON sent.id = (SELECT id FROM message WHERE sender_id = f.follower_id \
             AND receiver_id = f.followee_id ORDER BY created_at DESC LIMIT 1) \
             LEFT JOIN message got ON got.id = (SELECT id FROM message WHERE sender_id = f.followee_id \
             AND receiver_id = f.follower_id ORDER BY created_at DESC LIMIT 1) \
             WHERE f.follower_id = ? \
             ORDER BY CASE WHEN COALESCE(sent.id, 0) > COALESCE(got.id, 0) \
             THEN sent.id ELSE COALESCE(got.id, 0) END DESC, f.id DESC LIMIT ?"
        );
        let values: [Value; 3] = [viewer.get().into(), viewer.get().into(), rows_limit()];
        self.list(sql, values, read_friend).await
    }

    async fn people(&self, sql: &'static str, user: UserId, viewer: Option<UserId>) -> Result<Vec<UserCard>> {
        let values = [number(viewer), user.get().into(), rows_limit()];
        self.read(move |session| {
            Box::pin(async move {
                must_exist(session, user).await?;
                read_all(&session.rows(sql, values).await?, UserCard::read)
            })
        })
        .await
    }
}

/// A follow, or one taken back.
#[derive(Clone, Copy)]
pub(crate) struct Follow {
    viewer: UserId,
    user: UserId,
    /// Nothing: it is taken back.
    since: Option<Timestamp>,
}

impl Follow {
    fn pair(&self) -> Pair {
        (self.viewer.get(), self.user.get())
    }
}

impl Operation for Follow {
    type Answer = ();
    const NAME: &'static str = "follows";

    fn key(&self) -> i64 {
        self.user.get()
    }

    fn queues(all: &Coalesced) -> &Queues<Self> {
        &all.follows
    }

    fn carry_out<'s>(session: &'s Session, batch: &'s [Self]) -> BoxFuture<'s, Result<Vec<Result<()>>>> {
        Box::pin(async move {
            session.hold_people(batch.iter().flat_map(|follow| [follow.viewer, follow.user])).await?;
            let found = Found::of(session, batch.iter().map(Follow::pair).collect()).await?;
            let follows = batch.iter().filter(|follow| found.people.contains(&follow.user.get()));
            let wishes = follows.map(|follow| Wish { pair: follow.pair(), since: follow.since });
            let changes =
                edge::fulfil(session, ("follow", "follower_id, followee_id"), &found.stored, wishes);
            count(session, &changes.await?).await?;
            let answer = |follow: &Follow| match found.people.contains(&follow.user.get()) {
                true => Ok(()),
                false => Err(Error::UserNotFound(follow.user)),
            };
            Ok(batch.iter().map(answer).collect())
        })
    }
}

/// What is there before a batch.
struct Found {
    /// Those of the followed who exist.
    people: HashSet<i64>,
    /// The number of each follow.
    stored: HashMap<Pair, i64>,
}

impl Found {
    /// One statement.
    async fn of(session: &Session, pairs: BTreeSet<Pair>) -> Result<Self> {
        let pairs = many::filled(pairs);
        // LEFT, so that the pairs come first and each is two look-ups.
        let sql = format!(
            "SELECT p.one, p.other, u.id AS user_id, f.id FROM {} p LEFT JOIN user u ON u.id = p.other \
             LEFT JOIN follow f ON f.follower_id = p.one AND f.followee_id = p.other LIMIT {}",
            many::pairs(pairs.len()),
            pairs.len()
        );
        let values = pairs.iter().flat_map(|(one, other)| [(*one).into(), (*other).into()]);
        let (mut people, mut stored) = (HashSet::new(), HashMap::new());
        for row in session.rows(&sql, values).await? {
            people.extend(column::<Option<i64>>(&row, "user_id")?);
            if let Some(id) = column(&row, "id")? {
                stored.insert((column(&row, "one")?, column(&row, "other")?), id);
            }
        }
        Ok(Self { people, stored })
    }
}

/// Invariant: the counters equal the rows of follow; both change in this transaction. One statement, none when
/// nothing changed.
async fn count(session: &Session, changes: &[(Pair, i64)]) -> Result<()> {
    let mut people = BTreeMap::new();
    for ((follower, followee), by) in changes {
        people.entry(*follower).or_insert([0; 2])[0] += by;
        people.entry(*followee).or_insert([0; 2])[1] += by;
    }
    many::add(session, ("user_stat", "user_id"), ["follow_count", "follower_count"], &people).await?;
    people.into_keys().try_for_each(|person| UserId::parse(person).map(|person| session.touched_user(person)))
}

fn read_friend(row: &Row) -> Result<Friend> {
    let sent: Option<i64> = column(row, "sent_at")?;
    let got: Option<i64> = column(row, "got_at")?;
    let by_viewer = sent > got;
    let content: Option<String> = column(row, if by_viewer { "sent" } else { "got" })?;
    Ok(Friend { user: UserCard::read(row)?, latest: content.map(|content| (content, by_viewer)) })
}
