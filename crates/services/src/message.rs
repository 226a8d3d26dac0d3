//! The message service.

use domain::{Call, Content, Error, Result, Timestamp, UserId};
use proto::{ListMessagesRequest, Message, MessageList, MessageService, SendMessageRequest};
use store::{MessageRow, Store};

/// What two people write to each other.
pub struct Messages {
    /// Where the messages are.
    pub store: Store,
}

#[async_trait::async_trait]
impl MessageService for Messages {
    async fn send_message(&self, call: &Call, request: SendMessageRequest) -> Result<Message> {
        let (viewer, receiver) = (call.viewer()?, UserId::parse(request.receiver_id)?);
        let content = Content::parse("content", &request.content)?;
        if viewer == receiver {
            return Err(Error::SelfMessage);
        }
        Ok(message(self.store.send_message(viewer, receiver, content, Timestamp::now()).await?))
    }

    async fn list_messages(&self, call: &Call, request: ListMessagesRequest) -> Result<MessageList> {
        let (viewer, peer) = (call.viewer()?, UserId::parse(request.peer_id)?);
        let rows = match request.after {
            after if after > 0 => {
                self.store.received_after(viewer, peer, Timestamp::from_millis(after)).await?
            }
            _ => self.store.conversation(viewer, peer).await?,
        };
        Ok(MessageList { messages: rows.into_iter().map(message).collect() })
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
