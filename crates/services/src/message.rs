//! The message service: what people write to each other, and what they are told of.

mod inbox;

use domain::{Call, Content, Error, Result, Timestamp, UserId};
use proto::{
    Conversation, ConversationList, CountNotificationsRequest, Done, Event, ListConversationsRequest,
    ListMessagesRequest, ListNotificationsRequest, Listening, Message, MessageList, MessageService,
    Notification, NotificationCount, NotificationList, ReadMessagesRequest, SeeNotificationsRequest,
    SendMessageRequest, WatchRequest,
};
use store::{ConversationRow, Listed, MessageRow, NotificationRow, Store};

use crate::card::{slice, user};

use inbox::Inbox;

/// What two people write to each other, and what happens to them.
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

    async fn list_notifications(
        &self,
        call: &Call,
        request: ListNotificationsRequest,
    ) -> Result<NotificationList> {
        let Listed { rows, next } = self.store.notifications(call.viewer()?, slice(request.slice)).await?;
        Ok(NotificationList { notifications: rows.into_iter().map(notification).collect(), next })
    }

    async fn count_notifications(
        &self,
        call: &Call,
        _request: CountNotificationsRequest,
    ) -> Result<NotificationCount> {
        Ok(NotificationCount { count: self.store.new_notifications(call.viewer()?).await? })
    }

    async fn see_notifications(&self, call: &Call, request: SeeNotificationsRequest) -> Result<Done> {
        self.store.see_notifications(call.viewer()?, Timestamp::from_millis(request.until)).await?;
        Ok(Done {})
    }

    async fn watch(&self, call: &Call, request: WatchRequest) -> Result<Listening<Event>> {
        let after = Some(request.after).filter(|after| *after > 0).map(Timestamp::from_millis);
        Ok(Inbox::open(self.store.clone(), call.viewer()?, after))
    }
}

fn notification(row: NotificationRow) -> Notification {
    let (video_id, title, cover_key, like_count) = row.video.unwrap_or_default();
    let (comment_id, content, comment_like_count) = row.comment.unwrap_or_default();
    Notification {
        id: row.id,
        occasion: row.occasion,
        told_at: row.told_at,
        is_new: row.is_new,
        actor: row.actor.map(user),
        video_id,
        title,
        cover_key: cover_key.unwrap_or_default(),
        like_count,
        comment_id,
        content,
        comment_like_count,
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
