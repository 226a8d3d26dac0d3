//! Blocks and mutes. Between two people of whom one blocks the other there is nothing: neither sees, follows, writes to or
//! finds the other. Who is muted is only not shown.

use std::collections::BTreeMap;

use domain::{Error, Result, Timestamp, UserId};
use sea_orm::Value;

use crate::Store;
use crate::card::{UserCard, column, user_columns};
use crate::changes::Touched;
use crate::coalesce::many;
use crate::row::Row;
use crate::session::Session;
use crate::slice::{Listed, Slice};
use crate::user::{exists, number};

/// Whether one of two people blocks the other. What is written for them stands in one place each: `?`, or a column's name.
macro_rules! blocked {
    ($viewer:literal, $other:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM barrier apart WHERE apart.user_id = ",
            $viewer,
            " AND apart.other_id = ",
            $other,
            " AND apart.kind <> 'mutes')"
        )
    };
}

/// Whether a viewer is not shown what somebody does: one blocks the other, or the viewer mutes them.
macro_rules! unwanted {
    ($viewer:literal, $other:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM barrier apart WHERE apart.user_id = ",
            $viewer,
            " AND apart.other_id = ",
            $other,
            ")"
        )
    };
}

/// Whether somebody blocks a viewer.
macro_rules! blocked_by {
    ($viewer:literal, $other:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM barrier apart WHERE apart.user_id = ",
            $viewer,
            " AND apart.other_id = ",
            $other,
            " AND apart.kind = 'blocked')"
        )
    };
}

pub(crate) use {blocked, blocked_by, unwanted};

/// What somebody wants nothing of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// Neither is to see the other.
    Block,
    /// The other is not to be shown in lists.
    Mute,
}

/// What stands between a viewer and somebody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relation {
    /// The viewer follows them.
    pub is_followed: bool,
    /// They follow the viewer.
    pub follows: bool,
    /// The viewer blocks them.
    pub is_blocked: bool,
    /// The viewer mutes them.
    pub is_muted: bool,
    /// The viewer asks to follow them.
    pub is_requested: bool,
}

impl Store {
    /// Blocks somebody, which ends the follows between the two and the wish for one; a second time changes nothing. Six
    /// statements, five without follows; on MySQL one more.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn block_user(&self, viewer: UserId, user: UserId, now: Timestamp) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    exists(session, user).await?;
                    session.hold_users(viewer, user).await?;
                    let ignore = if session.is_mysql() { "INSERT IGNORE" } else { "INSERT OR IGNORE" };
                    let sql = format!(
                        "{ignore} INTO barrier (user_id, other_id, kind, created_at) \
                         VALUES (?, ?, 'blocks', ?), (?, ?, 'blocked', ?)"
                    );
                    let ids = [viewer, user].map(|person| Value::from(person.get()));
                    let [one, other] = ids.clone();
                    let at = Value::from(now.millis());
                    let values = [one.clone(), other.clone(), at.clone(), other, one, at];
                    session.change(&sql, values).await?;
                    let sql = "DELETE FROM follow_request WHERE (user_id = ? AND requester_id = ?) \
                               OR (user_id = ? AND requester_id = ?)";
                    let ids = [viewer, user, user, viewer].map(|person| Value::from(person.get()));
                    session.change(sql, ids).await?;
                    unfollow(session, [viewer.get(), user.get()]).await
                })
            })
            .await
    }

    /// Blocks somebody no more. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn unblock_user(&self, viewer: UserId, user: UserId) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "DELETE FROM barrier WHERE (user_id = ? AND other_id = ? AND kind = 'blocks') \
                               OR (user_id = ? AND other_id = ? AND kind = 'blocked')";
                    let values = [viewer, user, user, viewer].map(|person| Value::from(person.get()));
                    session.change(sql, values).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Mutes somebody; a second time changes nothing. Two statements.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn mute_user(&self, viewer: UserId, user: UserId, now: Timestamp) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    exists(session, user).await?;
                    let sql =
                        "INSERT INTO barrier (user_id, other_id, kind, created_at) VALUES (?, ?, 'mutes', ?)";
                    let values = [viewer.get(), user.get(), now.millis()].map(Value::from);
                    session.insert_new(sql, values).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Mutes somebody no more. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn unmute_user(&self, viewer: UserId, user: UserId) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "DELETE FROM barrier WHERE user_id = ? AND other_id = ? AND kind = 'mutes'";
                    session.change(sql, [viewer.get().into(), user.get().into()]).await?;
                    Ok(())
                })
            })
            .await
    }

    /// Whom a viewer blocks or mutes, the latest first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn barriers(&self, viewer: UserId, which: Barrier, slice: Slice) -> Result<Listed<UserCard>> {
        let sql = concat!(
            "SELECT b.id AS place, ",
            user_columns!(),
            " FROM barrier b LEFT JOIN user u ON u.id = b.other_id LEFT JOIN user_stat us ON us.user_id = u.id \
             WHERE b.user_id = ? AND b.kind = ? AND us.user_id IS NOT NULL AND b.id < ? ORDER BY b.id DESC LIMIT ?"
        );
        let kind = match which {
            Barrier::Block => "blocks",
            Barrier::Mute => "mutes",
        };
        let values = [number(Some(viewer)), number(Some(viewer)), kind.into()];
        self.database.list_part(sql, values, slice, UserCard::read).await
    }

    /// What stands between a viewer and somebody. One statement.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], also when they block the viewer.
    pub async fn relation(&self, viewer: UserId, user: UserId) -> Result<Relation> {
        let sql = concat!(
            "SELECT EXISTS (SELECT 1 FROM follow WHERE follower_id = ? AND followee_id = u.id) AS is_followed, \
             EXISTS (SELECT 1 FROM follow WHERE follower_id = u.id AND followee_id = ?) AS follows, \
             EXISTS (SELECT 1 FROM barrier WHERE user_id = ? AND other_id = u.id AND kind = 'blocks') AS is_blocked, \
             EXISTS (SELECT 1 FROM barrier WHERE user_id = ? AND other_id = u.id AND kind = 'mutes') AS is_muted, \
             EXISTS (SELECT 1 FROM follow_request WHERE requester_id = ? AND user_id = u.id) AS is_requested \
             FROM user u JOIN user_stat us ON us.user_id = u.id WHERE u.id = ? AND NOT ",
            blocked_by!("?", "u.id"),
            " LIMIT 1"
        );
        let read = |row: &Row| {
            let is = |name| Ok(column::<i64>(row, name)? != 0);
            let (is_followed, follows) = (is("is_followed")?, is("follows")?);
            Ok(Relation {
                is_followed,
                follows,
                is_blocked: is("is_blocked")?,
                is_muted: is("is_muted")?,
                is_requested: is("is_requested")?,
            })
        };
        let values =
            [viewer, viewer, viewer, viewer, viewer, user, viewer].map(|person| Value::from(person.get()));
        let found = self.database.list(sql, values, read).await?;
        found.first().copied().ok_or(Error::UserNotFound(user))
    }
}

/// Ends the follows between two people. Invariant: the counters equal the rows of follow. Two statements, one more when
/// there were some.
async fn unfollow(session: &Session, [one, other]: [i64; 2]) -> Result<()> {
    let mut counts = BTreeMap::from([(one, [0; 2]), (other, [0; 2])]);
    for (follower, followee) in [(one, other), (other, one)] {
        let sql = "DELETE FROM follow WHERE follower_id = ? AND followee_id = ?";
        let gone = session.change(sql, [follower.into(), followee.into()]).await?.cast_signed();
        counts.entry(follower).or_default()[0] -= gone;
        counts.entry(followee).or_default()[1] -= gone;
    }
    many::add(session, ("user_stat", "user_id"), ["follow_count", "follower_count"], &counts).await?;
    [one, other].into_iter().for_each(|person| session.touched(Touched::User(person)));
    Ok(())
}
