//! Follows: who follows whom; friends are those who follow each other.

use std::collections::BTreeMap;

use domain::{Error, Occasion, Result, Timestamp, UserId};
use futures_util::future::BoxFuture;
use sea_orm::Value;

use crate::Store;
use crate::barrier::blocked;
use crate::card::{Friend, UserCard, column, rows_limit, user_columns};
use crate::changes::Touched;
use crate::coalesce::edge::{Edges, Pair, Wish};
use crate::coalesce::{Coalesced, Operation, Queues, many};
use crate::notification::{News, tell};
use crate::row::Row;
use crate::session::Session;
use crate::slice::{Listed, Slice};
use crate::user::number;

impl Store {
    /// Follows a user, or asks to when they are private: then true. A repeated follow changes nothing. Four statements,
    /// three to ask, one when repeated; on MySQL one more.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn follow_user(&self, viewer: UserId, user: UserId, now: Timestamp) -> Result<bool> {
        self.write_together(Follow { viewer, user, since: Some(now) }).await
    }

    /// Stops following, or asking; without a follow nothing changes. Three statements, one when there is none; on MySQL
    /// one more.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn unfollow_user(&self, viewer: UserId, user: UserId) -> Result<()> {
        self.write_together(Follow { viewer, user, since: None }).await.map(|_is_asked| ())
    }

    /// Who asks to follow a person, the latest first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn follow_requests(&self, user: UserId, slice: Slice) -> Result<Listed<UserCard>> {
        let sql = concat!(
            "SELECT f.id AS place, ",
            user_columns!(),
            " FROM follow_request f LEFT JOIN user u ON u.id = f.requester_id \
             LEFT JOIN user_stat us ON us.user_id = u.id \
             WHERE f.user_id = ? AND us.user_id IS NOT NULL AND f.id < ? ORDER BY f.id DESC LIMIT ?"
        );
        let values = [number(Some(user)), user.get().into()];
        self.database.list_part(sql, values, slice, UserCard::read).await
    }

    /// Lets somebody follow who asks to, or not. Four statements, on MySQL one more; one to refuse.
    ///
    /// # Errors
    /// [`Error::UserNotFound`] when they do not ask.
    pub async fn answer_follow(
        &self,
        user: UserId,
        requester: UserId,
        accept: bool,
        now: Timestamp,
    ) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    if accept {
                        session.hold_users(user, requester).await?;
                    }
                    if !withdraw(session, (requester.get(), user.get())).await? {
                        return Err(Error::UserNotFound(requester));
                    }
                    let sql = "INSERT INTO follow (follower_id, followee_id, created_at) VALUES (?, ?, ?)";
                    let values = [requester.get(), user.get(), now.millis()].map(Value::from);
                    if accept && session.insert_new(sql, values).await?.is_some() {
                        count(session, &[((requester.get(), user.get()), 1)]).await?;
                        let (to, actor, occasion) =
                            (requester.get(), Some(user.get()), Occasion::FollowAccepted);
                        tell(session, [News { to, occasion, actor, video: None, comment: None, at: now }])
                            .await?;
                    }
                    Ok(())
                })
            })
            .await
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
    owner: concat!(
        "(CASE WHEN ",
        blocked!("pairs.one", "pairs.other"),
        " THEN NULL WHEN (SELECT is_private FROM user WHERE id = t.user_id) = 1 THEN -t.user_id ELSE t.user_id END)"
    ),
};

impl Operation for Follow {
    /// Whether it was asked for only.
    type Answer = bool;
    const NAME: &'static str = "follows";

    fn key(&self) -> i64 {
        self.user.get()
    }

    fn queues(all: &Coalesced) -> &Queues<Self> {
        &all.follows
    }

    fn carry_out<'s>(session: &'s Session, batch: &'s [Self]) -> BoxFuture<'s, Result<Vec<Result<bool>>>> {
        Box::pin(async move {
            session.hold_people(batch.iter().flat_map(|follow| [follow.viewer, follow.user])).await?;
            let wish = |follow: &Follow| Wish {
                pair: (follow.viewer.get(), follow.user.get()),
                since: follow.since,
            };
            let done = FOLLOWS.fulfil(session, &batch.iter().map(wish).collect::<Vec<_>>()).await?;
            count(session, &done.changes).await?;
            ask(session, &done.asked).await?;
            let at = batch.iter().filter_map(|follow| follow.since).max();
            let followed =
                done.changes.iter().filter(|(_, by)| *by > 0).map(|(pair, _)| (pair, Occasion::Follow));
            let asked = done.asked.iter().filter(|(_, since)| since.is_some());
            let asked = asked.map(|(pair, _)| (pair, Occasion::FollowRequest));
            let news = followed.chain(asked).filter_map(|((follower, followee), occasion)| {
                let (to, actor) = (*followee, Some(*follower));
                Some(News { to, occasion, actor, video: None, comment: None, at: at? })
            });
            tell(session, news).await?;
            let answer = |follow: &Follow| {
                let pair = (follow.viewer.get(), follow.user.get());
                match done.owners.contains_key(&pair) {
                    true => Ok(done.asked.contains_key(&pair)),
                    false => Err(Error::UserNotFound(follow.user)),
                }
            };
            Ok(batch.iter().map(answer).collect())
        })
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
    people.into_keys().for_each(|person| session.touched(Touched::User(person)));
    Ok(())
}

/// Puts requests, or takes them back. One statement for all that are put, none for none; one for each other.
async fn ask(session: &Session, asked: &BTreeMap<Pair, Option<Timestamp>>) -> Result<()> {
    let again = if session.is_mysql() { "ON DUPLICATE KEY UPDATE id = id" } else { "ON CONFLICT DO NOTHING" };
    let row = |((requester, user), since): (&Pair, &Option<Timestamp>)| {
        Some([*requester, *user, since.as_ref()?.millis()].map(Value::from))
    };
    let rows = asked.iter().filter_map(row).collect();
    many::put(session, "follow_request (requester_id, user_id, created_at)", rows, again).await?;
    for (pair, _) in asked.iter().filter(|(_, since)| since.is_none()) {
        withdraw(session, *pair).await?;
    }
    Ok(())
}

/// Takes a request away; false when there was none. One statement.
async fn withdraw(session: &Session, (requester, user): Pair) -> Result<bool> {
    let sql = "DELETE FROM follow_request WHERE user_id = ? AND requester_id = ?";
    Ok(session.change(sql, [user.into(), requester.into()]).await? > 0)
}

fn read_friend(row: &Row) -> Result<Friend> {
    let sent: Option<i64> = column(row, "sent_at")?;
    let got: Option<i64> = column(row, "got_at")?;
    let by_viewer = sent > got;
    let content: Option<String> = column(row, if by_viewer { "sent" } else { "got" })?;
    Ok(Friend { user: UserCard::read(row)?, latest: content.map(|content| (content, by_viewer)) })
}
