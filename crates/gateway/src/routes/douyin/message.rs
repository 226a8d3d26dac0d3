//! Chat messages.

use axum::extract::State;
use proto::{ListMessagesRequest, SendMessageRequest};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Gateway;
use crate::error::Failure;
use crate::params::{Params, bad};
use crate::reply::{Empty, Reply};
use crate::viewer::Viewer;

/// One message.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Message {
    id: i64,
    to_user_id: i64,
    from_user_id: i64,
    content: String,
    /// UTC milliseconds.
    create_time: i64,
}

/// Messages, oldest first.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct MessageListBody {
    message_list: Vec<Message>,
}

/// The conversation with a user; after a moment, only what the other side wrote since.
#[utoipa::path(get, path = "/douyin/message/chat/", tag = "message",
    params(
        ("token" = String, Query,),
        ("to_user_id" = i64, Query,),
        ("pre_msg_time" = Option<i64>, Query, description = "UTC milliseconds; absent or 0: everything"),
    ),
    responses((status = 200, body = Reply<MessageListBody>)))]
pub(super) async fn message_chat(
    State(gateway): State<Gateway>,
    Viewer(call): Viewer,
    params: Params,
) -> Result<Reply<MessageListBody>, Failure> {
    let request = ListMessagesRequest {
        peer_id: params.required_id("to_user_id")?,
        after: params.moment("pre_msg_time"),
        slice: None,
    };
    let found = gateway.services.message.list_messages(&call, request).await?;
    let message = |message: proto::Message| Message {
        id: message.id,
        to_user_id: message.receiver_id,
        from_user_id: message.sender_id,
        content: message.content,
        create_time: message.created_at,
    };
    let mut message_list: Vec<_> = found.messages.into_iter().map(message).collect();
    message_list.sort_unstable_by_key(|message| message.create_time);
    Ok(Reply::success(MessageListBody { message_list }))
}

/// Sends a message to any other user.
#[utoipa::path(post, path = "/douyin/message/action/", tag = "message",
    params(
        ("token" = String, Query,),
        ("to_user_id" = i64, Query,),
        ("action_type" = i32, Query, description = "1"),
        ("content" = String, Query, description = "1 to 255 characters"),
    ),
    responses((status = 200, body = Reply<Empty>)))]
pub(super) async fn message_action(
    State(gateway): State<Gateway>,
    Viewer(call): Viewer,
    params: Params,
) -> Result<Reply<Empty>, Failure> {
    if params.integer("action_type")? != Some(1) {
        return Err(bad("action_type", "must be 1").into());
    }
    let request = SendMessageRequest {
        receiver_id: params.required_id("to_user_id")?,
        content: params.required("content")?.to_owned(),
    };
    gateway.services.message.send_message(&call, request).await?;
    Ok(Reply::success(Empty {}))
}
