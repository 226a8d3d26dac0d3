//! Follows: who follows whom; friends are those who follow each other.

use domain::{Result, Timestamp, UserId};
use sea_orm::{QueryResult, Value};

use crate::Store;
use crate::card::{Friend, UserCard, column, read_all, rows_limit, user_columns};
use crate::session::Session;
use crate::user::{must_exist, number};

impl Store {
    /// Follows a user; a repeated follow changes nothing. Three statements, two when repeated; on MySQL
    /// one more.
    ///
    /// # Errors
    /// [`domain::Error::UserNotFound`].
    pub async fn follow_user(&self, viewer: UserId, user: UserId, now: Timestamp) -> Result<()> {
        self.write(move |session| {
            Box::pin(async move {
                must_exist(session, user).await?;
                session.hold_users(viewer, user).await?;
                let sql = "INSERT INTO follow (follower_id, followee_id, created_at) VALUES (?, ?, ?)";
                let values = [viewer.get().into(), user.get().into(), now.millis().into()];
                if session.insert_new(sql, values).await?.is_some() {
                    count(session, viewer, user, 1).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Stops following; without a follow nothing changes. Three statements, two when there is none; on MySQL
    /// one more.
    ///
    /// # Errors
    /// [`domain::Error::UserNotFound`].
    pub async fn unfollow_user(&self, viewer: UserId, user: UserId) -> Result<()> {
        self.write(move |session| {
            Box::pin(async move {
                must_exist(session, user).await?;
                session.hold_users(viewer, user).await?;
                let sql = "DELETE FROM follow WHERE follower_id = ? AND followee_id = ?";
                if session.change(sql, [viewer.get().into(), user.get().into()]).await? > 0 {
                    count(session, viewer, user, -1).await?;
                }
                Ok(())
            })
        })
        .await
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
        read_all(&self.read().rows(sql, values).await?, read_friend)
    }

    async fn people(&self, sql: &str, user: UserId, viewer: Option<UserId>) -> Result<Vec<UserCard>> {
        let session = self.read();
        must_exist(&session, user).await?;
        let rows = session.rows(sql, [number(viewer), user.get().into(), rows_limit()]).await?;
        read_all(&rows, UserCard::read)
    }
}

/// Invariant: the counters equal the rows of follow; both change in this transaction.
async fn count(session: &Session, follower: UserId, followee: UserId, by: i64) -> Result<()> {
    let sql = "UPDATE user_stat SET follow_count = follow_count + ? * (user_id = ?), \
               follower_count = follower_count + ? * (user_id = ?) WHERE user_id IN (?, ?)";
    let (follower, followee) = (follower.get(), followee.get());
    let values: [Value; 6] =
        [by.into(), follower.into(), by.into(), followee.into(), follower.into(), followee.into()];
    session.change(sql, values).await?;
    Ok(())
}

fn read_friend(row: &QueryResult) -> Result<Friend> {
    let sent: Option<i64> = column(row, "sent_at")?;
    let got: Option<i64> = column(row, "got_at")?;
    let by_viewer = sent > got;
    let content: Option<String> = column(row, if by_viewer { "sent" } else { "got" })?;
    Ok(Friend { user: UserCard::read(row)?, latest: content.map(|content| (content, by_viewer)) })
}
