//! What two people write to each other.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use proto::{ListConversationsRequest, ListMessagesRequest, ReadMessagesRequest, SendMessageRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Id, Json};
use super::done;
use super::list::{Items, Page};
use super::rule::Account;
use super::user::{Person, person};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::{Params, bad};
use crate::reply;

#[derive(Serialize, ToSchema)]
struct Message {
    id: i64,
    sender_id: i64,
    receiver_id: i64,
    content: String,
    /// UTC milliseconds, increasing within a conversation.
    created_at: i64,
}

/// What to write.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMessage {
    /// 1 to 255 characters.
    content: String,
}

#[derive(Serialize, ToSchema)]
struct Conversation {
    user: Person,
    latest_message: Message,
    /// How many of the other's messages the caller has not read.
    unread_count: i64,
}

/// How far a conversation was read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Read {
    /// The latest message that was read, of either side.
    message_id: i64,
}

/// The conversation with a person, newest first.
#[utoipa::path(get, path = "/api/v1/users/{id}/messages", tag = "message",
    params(("id" = i64, Path), ("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Message>)))]
pub(super) async fn list(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(peer_id): Id,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, format!("messages/{}/{peer_id}", call.viewer()?))?;
    let request = ListMessagesRequest { peer_id, after: 0, slice: Some(page.slice) };
    let found = gateway.services.message.list_messages(&call, request).await?;
    Ok(page.answer(&gateway, found.messages.into_iter().map(message), found.next))
}

/// Sends a person a message.
#[utoipa::path(post, path = "/api/v1/users/{id}/messages", tag = "message", params(("id" = i64, Path)),
    request_body = NewMessage, responses((status = 201, body = Message)))]
pub(super) async fn send(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(receiver_id): Id,
    Json(NewMessage { content }): Json<NewMessage>,
) -> Result<Response, Failure> {
    let sent =
        gateway.services.message.send_message(&call, SendMessageRequest { receiver_id, content }).await?;
    Ok(reply::list(StatusCode::CREATED, &message(sent)))
}

/// Whom the caller writes with, the latest first; with `requests=true` what strangers wrote, whom the caller neither
/// follows nor ever wrote to.
#[utoipa::path(get, path = "/api/v1/account/conversations", tag = "message",
    params(("requests" = Option<bool>, Query), ("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Conversation>)))]
pub(super) async fn conversations(
    State(gateway): State<Gateway>,
    Account(call): Account,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let requests = match params.text("requests")? {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(bad("requests", "must be true or false").into()),
    };
    let page = Page::of(&gateway, &params, format!("conversations/{}/{requests}", call.viewer()?))?;
    let request = ListConversationsRequest { requests, slice: Some(page.slice) };
    let found = gateway.services.message.list_conversations(&call, request).await?;
    let conversation = |one: proto::Conversation| Conversation {
        user: person(&base, one.peer.unwrap_or_default()),
        latest_message: message(one.latest.unwrap_or_default()),
        unread_count: one.unread,
    };
    Ok(page.answer(&gateway, found.conversations.into_iter().map(conversation), found.next))
}

/// The caller has read the conversation with a person up to a message. What was read stays so.
#[utoipa::path(put, path = "/api/v1/users/{id}/messages/read", tag = "message", params(("id" = i64, Path)),
    request_body = Read, responses((status = 204)))]
pub(super) async fn read(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(peer_id): Id,
    Json(Read { message_id }): Json<Read>,
) -> Result<Response, Failure> {
    let request = ReadMessagesRequest { peer_id, message_id };
    gateway.services.message.read_messages(&call, request).await?;
    Ok(done())
}

/// A message as its receiver is told of it.
pub(super) fn json(sent: proto::Message) -> serde_json::Result<String> {
    serde_json::to_string(&message(sent))
}

fn message(message: proto::Message) -> Message {
    Message {
        id: message.id,
        sender_id: message.sender_id,
        receiver_id: message.receiver_id,
        content: message.content,
        created_at: message.created_at,
    }
}
