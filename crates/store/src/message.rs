//! Chat messages between two users, in the order they were sent.

use domain::{Content, Result, Timestamp, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, QueryResult, Value};

use crate::card::{column, read_all, rows_limit};
use crate::entity::message;
use crate::user::must_exist;
use crate::{Store, failed};

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
    /// Sends a message. Three statements.
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
                let last = session.row(LATEST_AT, pair(sender, receiver)).await?;
                let last: Option<i64> = last.map(|row| column(&row, "latest_at")).transpose()?.flatten();
                let message = message::ActiveModel {
                    sender_id: Set(sender.get()),
                    receiver_id: Set(receiver.get()),
                    content: Set(content.as_str().to_owned()),
                    // A reader asks for what is later than the last message it holds: two messages of a
                    // conversation must never share a millisecond.
                    created_at: Set(now.millis().max(last.unwrap_or(0) + 1)),
                    ..Default::default()
                };
                let message = message.insert(session).await.map_err(failed)?;
                Ok(MessageRow {
                    id: message.id,
                    sender_id: message.sender_id,
                    receiver_id: message.receiver_id,
                    content: message.content,
                    created_at: message.created_at,
                })
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
                   ORDER BY created_at DESC LIMIT ?) UNION ALL \
                   SELECT * FROM (SELECT * FROM message WHERE sender_id = ? AND receiver_id = ? \
                   ORDER BY created_at DESC LIMIT ?) ORDER BY created_at DESC LIMIT ?";
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
