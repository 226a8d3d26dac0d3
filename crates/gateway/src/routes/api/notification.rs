//! What people are told of: who did something to them, and what became of their videos.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use proto::{CountNotificationsRequest, ListNotificationsRequest, SeeNotificationsRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Json;
use super::done;
use super::list::{Items, Page};
use super::rule::Account;
use super::user::{Person, person};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::Params;
use crate::reply;

/// Something that happened to the caller.
#[derive(Serialize, ToSchema)]
pub(super) struct Notification {
    id: i64,
    /// `like`, `comment`, `reply`, `comment_like`, `mention`, `follow`, `follow_request`, `follow_accepted`,
    /// `video_ready`, `video_failed`, `video_hidden`, `video_restored` or `comment_removed`.
    occasion: String,
    /// UTC milliseconds: when it happened last.
    told_at: i64,
    /// Whether that was since the caller looked last.
    is_new: bool,
    /// Who did it last; absent where the platform itself did.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Person>,
    /// The video it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    video: Option<About>,
    /// The comment it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<Said>,
}

#[derive(Serialize, ToSchema)]
struct About {
    id: i64,
    title: String,
    cover_url: String,
    /// Of all who like it: the actor is the last of them.
    like_count: i64,
}

#[derive(Serialize, ToSchema)]
struct Said {
    id: i64,
    content: String,
    /// Of all who like it.
    like_count: i64,
}

/// How much the caller has not seen.
#[derive(Serialize, ToSchema)]
struct New {
    /// At most 100.
    count: i64,
}

/// How far the caller has looked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    /// The latest `told_at` that was seen.
    until: i64,
}

/// What the caller is told of, the latest first, for sixty days. More of the same about the same is one notification,
/// told anew, at most once a minute: who liked a video last stands for all who did.
#[utoipa::path(get, path = "/api/v1/account/notifications", tag = "notification",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Notification>)))]
pub(super) async fn list(
    State(gateway): State<Gateway>,
    Account(call): Account,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, format!("notifications/{}", call.viewer()?))?;
    let request = ListNotificationsRequest { slice: Some(page.slice) };
    let found = gateway.services.message.list_notifications(&call, request).await?;
    Ok(page.answer(&gateway, found.notifications.into_iter().map(|one| notification(&base, one)), found.next))
}

/// How many notifications are new.
#[utoipa::path(get, path = "/api/v1/account/notifications/new", tag = "notification",
    responses((status = 200, body = New)))]
pub(super) async fn count(
    State(gateway): State<Gateway>,
    Account(call): Account,
) -> Result<Response, Failure> {
    let found = gateway.services.message.count_notifications(&call, CountNotificationsRequest {}).await?;
    Ok(reply::list(StatusCode::OK, &New { count: found.count }))
}

/// The caller has seen what they were told of until a moment. What was seen stays so.
#[utoipa::path(put, path = "/api/v1/account/notifications/seen", tag = "notification", request_body = Seen,
    responses((status = 204)))]
pub(super) async fn see(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Json(Seen { until }): Json<Seen>,
) -> Result<Response, Failure> {
    gateway.services.message.see_notifications(&call, SeeNotificationsRequest { until }).await?;
    Ok(done())
}

/// A notification as who is told of it gets it over a stream.
pub(super) fn json(base: &Base, told: proto::Notification) -> serde_json::Result<String> {
    serde_json::to_string(&notification(base, told))
}

fn notification(base: &Base, told: proto::Notification) -> Notification {
    let video = (told.video_id != 0).then(|| About {
        id: told.video_id,
        title: told.title,
        cover_url: base.cover(&told.cover_key),
        like_count: told.like_count,
    });
    let comment = (told.comment_id != 0).then_some(Said {
        id: told.comment_id,
        content: told.content,
        like_count: told.comment_like_count,
    });
    Notification {
        id: told.id,
        occasion: told.occasion,
        told_at: told.told_at,
        is_new: told.is_new,
        actor: told.actor.map(|actor| person(base, actor)),
        video,
        comment,
    }
}
