//! Conversations as each of the two people sees them: the latest message, and how much of it is news.

use std::collections::BTreeMap;

use domain::{Error, Result, Timestamp, UserId};
use sea_orm::Value;

use crate::Store;
use crate::barrier::blocked;
use crate::card::{UserCard, column, user_columns};
use crate::coalesce::many;
use crate::message::MessageRow;
use crate::row::Row;
use crate::session::Session;
use crate::slice::{Listed, Slice};
use crate::user::number;

/// A conversation as one of the two sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRow {
    /// With whom.
    pub peer: UserCard,
    /// The latest message.
    pub latest: MessageRow,
    /// How many of the peer's messages the viewer has not read.
    pub unread: i64,
}

/// Those of a viewer that are, or are not, a request: somebody wrote whom they neither follow nor ever wrote to. One
/// `?` before its own: the viewer.
macro_rules! select_conversations {
    ($which:literal) => {
        concat!(
            "SELECT c.message_id AS place, m.id, m.sender_id, m.receiver_id, m.content, m.created_at, \
             (SELECT COUNT(*) FROM message news WHERE news.sender_id = c.peer_id AND news.receiver_id = c.user_id \
             AND news.created_at > c.read_at) AS unread, ",
            user_columns!(),
            " FROM conversation c LEFT JOIN message m ON m.id = c.message_id \
             LEFT JOIN user u ON u.id = c.peer_id LEFT JOIN user_stat us ON us.user_id = u.id \
             WHERE c.user_id = ? AND us.user_id IS NOT NULL AND NOT ",
            blocked!("c.user_id", "c.peer_id"),
            " AND ",
            $which,
            "(c.has_written = 1 OR EXISTS (SELECT 1 FROM follow f WHERE f.follower_id = c.user_id \
             AND f.followee_id = c.peer_id)) AND c.message_id < ? ORDER BY c.message_id DESC LIMIT ?"
        )
    };
}

impl Store {
    /// A viewer's conversations, the latest first, or what strangers wrote whom they have not answered. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn conversations(
        &self,
        viewer: UserId,
        are_requests: bool,
        slice: Slice,
    ) -> Result<Listed<ConversationRow>> {
        let sql = match are_requests {
            true => select_conversations!("NOT "),
            false => select_conversations!(""),
        };
        let values = [number(Some(viewer)), viewer.get().into()];
        let read = |row: &Row| {
            Ok(ConversationRow {
                peer: UserCard::read(row)?,
                latest: MessageRow::read(row)?,
                unread: column(row, "unread")?,
            })
        };
        self.database.list_part(sql, values, slice, read).await
    }

    /// The viewer has read a conversation up to this message; what was read stays so. Two statements, one when refused.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the conversation has no such message.
    pub async fn read_messages(&self, viewer: UserId, peer: UserId, message: i64) -> Result<()> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "SELECT sender_id, receiver_id, created_at FROM message WHERE id = ? LIMIT 1";
                    let row = session.row(sql, [message.into()]).await?;
                    let between = |row: &Row| {
                        let people: [i64; 2] = [column(row, "sender_id")?, column(row, "receiver_id")?];
                        Ok(people == [viewer.get(), peer.get()] || people == [peer.get(), viewer.get()])
                    };
                    let found = row.map(|row| between(&row).map(|theirs| theirs.then_some(row))).transpose()?;
                    let row = found.flatten().ok_or_else(|| Error::Invalid {
                        name: "message_id".into(),
                        problem: "must be the number of a message of this conversation".into(),
                    })?;
                    let at: i64 = column(&row, "created_at")?;
                    let sql =
                        "UPDATE conversation SET read_at = ? WHERE user_id = ? AND peer_id = ? AND read_at < ?";
                    session.change(sql, [at.into(), viewer.get().into(), peer.get().into(), at.into()]).await?;
                    Ok(())
                })
            })
            .await
    }
}

/// What a conversation becomes for one of the two.
#[derive(Clone, Copy, Default)]
struct Standing {
    message: i64,
    read_at: i64,
    has_written: bool,
}

/// Messages were sent, each with its number and moment: who writes has read what came before. One statement for each
/// 64 views of a conversation, none for no message.
pub(crate) async fn sent(
    session: &Session,
    messages: impl Iterator<Item = (UserId, UserId, i64, Timestamp)>,
) -> Result<()> {
    let mut views: BTreeMap<(i64, i64), Standing> = BTreeMap::new();
    for (sender, receiver, message, at) in messages {
        let (sender, receiver) = (sender.get(), receiver.get());
        let own = views.entry((sender, receiver)).or_default();
        *own = Standing { message, read_at: at.millis(), has_written: true };
        views.entry((receiver, sender)).or_default().message = message;
    }
    let taken = match session.is_mysql() {
        true => {
            "ON DUPLICATE KEY UPDATE message_id = VALUES(message_id), \
             read_at = GREATEST(read_at, VALUES(read_at)), has_written = GREATEST(has_written, VALUES(has_written))"
        }
        false => {
            "ON CONFLICT (user_id, peer_id) DO UPDATE SET message_id = excluded.message_id, \
             read_at = MAX(read_at, excluded.read_at), has_written = MAX(has_written, excluded.has_written)"
        }
    };
    let row = |((user, peer), to): ((i64, i64), Standing)| {
        [user, peer, to.message, to.read_at, i64::from(to.has_written)].map(Value::from)
    };
    let into = "conversation (user_id, peer_id, message_id, read_at, has_written)";
    many::put(session, into, views.into_iter().map(row).collect(), taken).await
}
