//! Chat messages between two users, in the order they were sent.

use domain::{Content, Result, Timestamp, UserId};
use sea_orm::{QueryResult, Value};

use crate::Store;
use crate::card::{column, read_all, rows_limit};
use crate::user::must_exist;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its number, increasing.
    pub id: i64,
    /// Who wrote it.
    pub sender_id: i64,
    /// To whom.
    pub receiver_id: i64,
    /// What it says.
    pub content: String,
    /// UTC milliseconds, increasing within a conversation.
    pub created_at: i64,
}

impl Store {
    /// Sends a message. Three statements, on MySQL one more.
    ///
    /// # Errors
    /// [`domain::Error::UserNotFound`] for the receiver.
    pub async fn send_message(
        &self,
        sender: UserId,
        receiver: UserId,
        content: Content,
        now: Timestamp,
    ) -> Result<MessageRow> {
        self.write(move |session| {
            Box::pin(async move {
                must_exist(session, receiver).await?;
                // Whoever writes into this conversation holds the same row: its times follow each other.
                session.hold_users(sender.min(receiver), sender.min(receiver)).await?;
                let last = session.row(LATEST_AT, pair(sender, receiver)).await?;
                let last: Option<i64> = last.map(|row| column(&row, "latest_at")).transpose()?.flatten();
                // A reader asks for what is later than the last message it holds: two messages of a
                // conversation must never share a millisecond.
                let created_at = now.millis().max(last.unwrap_or(0) + 1);
                let sql = "INSERT INTO message (sender_id, receiver_id, content, created_at) \
                           VALUES (?, ?, ?, ?)";
                let (sender_id, receiver_id) = (sender.get(), receiver.get());
                let content = content.as_str().to_owned();
                let values: [Value; 4] =
                    [sender_id.into(), receiver_id.into(), content.as_str().into(), created_at.into()];
                let id = session.insert(sql, values).await?;
                Ok(MessageRow { id, sender_id, receiver_id, content, created_at })
            })
        })
        .await
    }

    /// The newest 500 messages of both sides, oldest first. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn conversation(&self, viewer: UserId, peer: UserId) -> Result<Vec<MessageRow>> {
        // Each direction from its own end of the index: one condition with OR would sort the whole history.
        let sql = "SELECT * FROM (SELECT * FROM message WHERE sender_id = ? AND receiver_id = ? \
                   ORDER BY created_at DESC LIMIT ?) ends UNION ALL \
                   SELECT * FROM (SELECT * FROM message WHERE sender_id = ? AND receiver_id = ? \
                   ORDER BY created_at DESC LIMIT ?) ends ORDER BY created_at DESC LIMIT ?";
        let [from, to, back_from, back_to] = pair(viewer, peer);
        let limit = rows_limit;
        let values = [from, to, limit(), back_from, back_to, limit(), limit()];
        let mut messages = read_all(&self.read().rows(sql, values).await?, read)?;
        messages.reverse();
        Ok(messages)
    }

    /// What the peer wrote to the viewer strictly after a moment, oldest first, at most 500. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn received_after(
        &self,
        viewer: UserId,
        peer: UserId,
        after: Timestamp,
    ) -> Result<Vec<MessageRow>> {
        let sql = "SELECT * FROM message WHERE sender_id = ? AND receiver_id = ? AND created_at > ? \
                   ORDER BY created_at LIMIT ?";
        let values: [Value; 4] =
            [peer.get().into(), viewer.get().into(), after.millis().into(), rows_limit()];
        read_all(&self.read().rows(sql, values).await?, read)
    }

    /// What anybody wrote to the viewer strictly after a moment, oldest first, at most 500. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn inbox_after(&self, viewer: UserId, after: Timestamp) -> Result<Vec<MessageRow>> {
        let sql =
            "SELECT * FROM message WHERE receiver_id = ? AND created_at > ? ORDER BY created_at LIMIT ?";
        let values: [Value; 3] = [viewer.get().into(), after.millis().into(), rows_limit()];
        read_all(&self.read().rows(sql, values).await?, read)
    }
}

const LATEST_AT: &str = "SELECT MAX(at) AS latest_at FROM (\
    SELECT MAX(created_at) AS at FROM message WHERE sender_id = ? AND receiver_id = ? UNION ALL \
    SELECT MAX(created_at) AS at FROM message WHERE sender_id = ? AND receiver_id = ?) ends LIMIT 1";

/// Both directions of a conversation, as parameters.
fn pair(one: UserId, other: UserId) -> [Value; 4] {
    [one.get().into(), other.get().into(), other.get().into(), one.get().into()]
}

fn read(row: &QueryResult) -> Result<MessageRow> {
    Ok(MessageRow {
        id: column(row, "id")?,
        sender_id: column(row, "sender_id")?,
        receiver_id: column(row, "receiver_id")?,
        content: column(row, "content")?,
        created_at: column(row, "created_at")?,
    })
}
