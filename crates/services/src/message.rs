//! The message service.

use std::collections::VecDeque;
use std::time::Duration;

use domain::limits::LIST_ROWS;
use domain::{Call, Content, Error, Result, Timestamp, UserId};
use futures_util::stream;
use proto::{
    Conversation, ConversationList, Done, ListConversationsRequest, ListMessagesRequest, Listening, Message,
    MessageList, MessageService, ReadMessagesRequest, SendMessageRequest, WatchRequest,
};
use store::{ConversationRow, Listed, MessageRow, Store};

use crate::card::{slice, user};

/// What two people write to each other.
pub struct Messages {
    /// Where the messages are.
    pub store: Store,
}

#[async_trait::async_trait]
impl MessageService for Messages {
    async fn send_message(&self, call: &Call, request: SendMessageRequest) -> Result<Message> {
        let (viewer, receiver) = (call.viewer()?, UserId::parse(request.receiver_id)?);
        let content = Content::parse(&request.content)?;
        if viewer == receiver {
            return Err(Error::SelfMessage);
        }
        Ok(message(self.store.send_message(viewer, receiver, content, Timestamp::now()).await?))
    }

    async fn list_messages(&self, call: &Call, request: ListMessagesRequest) -> Result<MessageList> {
        let (viewer, peer) = (call.viewer()?, UserId::parse(request.peer_id)?);
        let (rows, next) = if request.after > 0 {
            (self.store.received_after(viewer, peer, Timestamp::from_millis(request.after)).await?, 0)
        } else {
            let Listed { rows, next } = self.store.conversation(viewer, peer, slice(request.slice)).await?;
            (rows, next)
        };
        Ok(MessageList { messages: rows.into_iter().map(message).collect(), next })
    }

    async fn list_conversations(
        &self,
        call: &Call,
        request: ListConversationsRequest,
    ) -> Result<ConversationList> {
        let (viewer, part) = (call.viewer()?, slice(request.slice));
        let Listed { rows, next } = self.store.conversations(viewer, request.requests, part).await?;
        let conversation = |row: ConversationRow| Conversation {
            peer: Some(user(row.peer)),
            latest: Some(message(row.latest)),
            unread: row.unread,
        };
        Ok(ConversationList { conversations: rows.into_iter().map(conversation).collect(), next })
    }

    async fn read_messages(&self, call: &Call, request: ReadMessagesRequest) -> Result<Done> {
        let peer = UserId::parse(request.peer_id)?;
        self.store.read_messages(call.viewer()?, peer, request.message_id).await?;
        Ok(Done {})
    }

    async fn watch(&self, call: &Call, request: WatchRequest) -> Result<Listening<Message>> {
        let after = match request.after {
            after if after > 0 => Timestamp::from_millis(after - OVERLAP.as_millis() as i64),
            _ => Timestamp::now(),
        };
        let inbox = Inbox {
            store: self.store.clone(),
            viewer: call.viewer()?,
            after,
            waiting: VecDeque::new(),
            told: VecDeque::new(),
            looked: false,
        };
        Ok(Box::pin(stream::try_unfold(inbox, Inbox::next)))
    }
}

/// How often an inbox is looked into: the database is what all instances of this service share.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Transactions commit in another order than their times: a message may become visible this much later.
const OVERLAP: Duration = Duration::from_secs(3);

/// One listener's view of what they are sent.
struct Inbox {
    store: Store,
    viewer: UserId,
    after: Timestamp,
    waiting: VecDeque<MessageRow>,
    /// The newest messages told, by number and moment: those the overlap will show again.
    told: VecDeque<(i64, i64)>,
    looked: bool,
}

impl Inbox {
    async fn next(mut self) -> Result<Option<(Message, Self)>> {
        loop {
            if let Some(row) = self.waiting.pop_front() {
                self.told.push_back((row.id, row.created_at));
                return Ok(Some((message(row), self)));
            }
            if self.looked {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            self.looked = true;
            self.look().await?;
        }
    }

    async fn look(&mut self) -> Result<()> {
        let newest = self.told.iter().map(|(_, at)| *at).max().unwrap_or(0);
        let overlapping = Timestamp::from_millis(newest - OVERLAP.as_millis() as i64);
        let from = overlapping.max(self.after);
        self.told.retain(|(_, at)| *at > from.millis());
        let rows = self.store.inbox_after(self.viewer, from).await?;
        if let (LIST_ROWS, Some(last)) = (rows.len(), rows.last()) {
            // A full page: the next look goes on where it ends, overlap or not.
            self.after = Timestamp::from_millis(last.created_at - 1);
        }
        self.waiting.extend(rows.into_iter().filter(|row| !self.told.iter().any(|(id, _)| *id == row.id)));
        Ok(())
    }
}

fn message(row: MessageRow) -> Message {
    Message {
        id: row.id,
        sender_id: row.sender_id,
        receiver_id: row.receiver_id,
        content: row.content,
        created_at: row.created_at,
    }
}
