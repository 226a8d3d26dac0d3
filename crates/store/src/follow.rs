//! Follows: who follows whom; friends are those who follow each other.

use std::collections::BTreeMap;

use domain::{Error, Occasion, Result, Timestamp, UserId};
use futures_util::future::BoxFuture;
use sea_orm::Value;

use crate::Store;
use crate::barrier::blocked;
use crate::card::{Friend, UserCard, column, rows_limit, user_columns};
use crate::changes::Touched;
use crate::coalesce::edge::{Edges, Fulfilled, Wish};
use crate::coalesce::{Coalesced, Operation, Queues, many};
use crate::notification::{News, tell};
use crate::row::Row;
use crate::session::Session;
use crate::slice::{Listed, Slice};
use crate::user::number;

impl Store {
    /// Follows a user; a repeated follow changes nothing. Four statements, one when repeated; on MySQL
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

    /// Whom a user follows, the most recent first. Two statements.
    ///
    /// # Errors
    /// [`domain::Error::UserNotFound`].
    pub async fn following(
        &self,
        user: UserId,
        viewer: Option<UserId>,
        slice: Slice,
    ) -> Result<Listed<UserCard>> {
        let sql = concat!(
            "SELECT f.id AS place, ",
            user_columns!(),
            " FROM follow f LEFT JOIN user u ON u.id = f.followee_id \
             LEFT JOIN user_stat us ON us.user_id = u.id WHERE f.follower_id = ? AND f.id < ? \
             ORDER BY f.id DESC LIMIT ?"
        );
        self.people(sql, user, viewer, slice).await
    }

    /// Who follows a user, the most recent first. Two statements.
    ///
    /// # Errors
    /// [`domain::Error::UserNotFound`].
    pub async fn followers(
        &self,
        user: UserId,
        viewer: Option<UserId>,
        slice: Slice,
    ) -> Result<Listed<UserCard>> {
        let sql = concat!(
            "SELECT f.id AS place, ",
            user_columns!(),
            " FROM follow f LEFT JOIN user u ON u.id = f.follower_id \
             LEFT JOIN user_stat us ON us.user_id = u.id WHERE f.followee_id = ? AND f.id < ? \
             ORDER BY f.id DESC LIMIT ?"
        );
        self.people(sql, user, viewer, slice).await
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
        self.database.list(sql, values, read_friend).await
    }

    async fn people(
        &self,
        sql: &'static str,
        user: UserId,
        viewer: Option<UserId>,
        slice: Slice,
    ) -> Result<Listed<UserCard>> {
        let values = [number(viewer), user.get().into()];
        self.database.list_of((user, viewer), sql, values, slice, UserCard::read).await
    }
}

/// A follow, or one taken back.
#[derive(Clone, Copy)]
pub(crate) struct Follow {
    pub(crate) viewer: UserId,
    pub(crate) user: UserId,
    /// Nothing: it is taken back.
    pub(crate) since: Option<Timestamp>,
}

const FOLLOWS: Edges = Edges {
    table: "follow",
    from: "follower_id",
    to: "followee_id",
    target: "LEFT JOIN user_stat t ON t.user_id = pairs.other",
    // Nobody's, for who blocks or is blocked.
    owner: concat!("(CASE WHEN ", blocked!("pairs.one", "pairs.other"), " THEN NULL ELSE t.user_id END)"),
};

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
            let wish = |follow: &Follow| Wish {
                pair: (follow.viewer.get(), follow.user.get()),
                since: follow.since,
            };
            let done = FOLLOWS.fulfil(session, &batch.iter().map(wish).collect::<Vec<_>>()).await?;
            count(session, &done).await?;
            let at = batch.iter().filter_map(|follow| follow.since).max();
            let news =
                done.changes.iter().filter(|(_, by)| *by > 0).filter_map(|((follower, followee), _)| {
                    let (to, actor, occasion) = (*followee, Some(*follower), Occasion::Follow);
                    Some(News { to, occasion, actor, video: None, comment: None, at: at? })
                });
            tell(session, news).await?;
            let answer =
                |follow: &Follow| match done.owners.contains_key(&(follow.viewer.get(), follow.user.get())) {
                    true => Ok(()),
                    false => Err(Error::UserNotFound(follow.user)),
                };
            Ok(batch.iter().map(answer).collect())
        })
    }
}

/// Invariant: the counters equal the rows of follow; both change in this transaction. One statement, none when
/// nothing changed.
async fn count(session: &Session, done: &Fulfilled) -> Result<()> {
    let mut people = BTreeMap::new();
    for ((follower, followee), by) in &done.changes {
        people.entry(*follower).or_insert([0; 2])[0] += by;
        people.entry(*followee).or_insert([0; 2])[1] += by;
    }
    many::add(session, ("user_stat", "user_id"), ["follow_count", "follower_count"], &people).await?;
    people.into_keys().for_each(|person| session.touched(Touched::User(person)));
    Ok(())
}

fn read_friend(row: &Row) -> Result<Friend> {
    let sent: Option<i64> = column(row, "sent_at")?;
    let got: Option<i64> = column(row, "got_at")?;
    let by_viewer = sent > got;
    let content: Option<String> = column(row, if by_viewer { "sent" } else { "got" })?;
    Ok(Friend { user: UserCard::read(row)?, latest: content.map(|content| (content, by_viewer)) })
}
