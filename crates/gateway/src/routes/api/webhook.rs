//! Who is called when something happens, and what came of it, for administrators.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use proto::{
    CreateWebhookRequest, ListDeliveriesRequest, ListWebhooksRequest, ReplayDeliveryRequest, WebhookRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Id, Json, number};
use super::done;
use super::list::{Items, Page};
use super::rule::Account;
use crate::Gateway;
use crate::error::Failure;
use crate::params::Params;
use crate::reply;

/// Whom to call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWebhook {
    /// `https://` or `http://`, at most 500 bytes.
    url: String,
    /// Some of `user.registered`, `video.published`, `comment.created`, `report.created`, `audit.recorded`.
    events: Vec<String>,
}

/// Who is called.
#[derive(Serialize, ToSchema)]
struct Webhook {
    id: i64,
    url: String,
    events: Vec<String>,
    /// UTC milliseconds.
    created_at: i64,
    /// Since when nothing has arrived there: UTC milliseconds. After five days it is called no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<i64>,
    /// Since when it is called no more, until a delivery is made again: UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<i64>,
    /// What calls are signed with, as Standard Webhooks has it; told once.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Webhooks {
    items: Vec<Webhook>,
}

/// Something that was told, or is to be.
#[derive(Serialize, ToSchema)]
struct Delivery {
    id: i64,
    event: String,
    /// What is sent, as text.
    payload: String,
    /// `waiting`, `sent` or `failed`.
    state: String,
    attempts: i64,
    /// Of one that waits when it is tried next: UTC milliseconds.
    due_at: i64,
    /// The status of the latest answer, or why there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    /// UTC milliseconds.
    created_at: i64,
}

/// Calls an address whenever one of these happens, from now on. Calls are signed as Standard Webhooks describes it, tried
/// eight times within two days, and may come more than once.
#[utoipa::path(post, path = "/api/v1/admin/webhooks", tag = "webhook", request_body = NewWebhook,
    responses((status = 201, body = Webhook)))]
pub(super) async fn create(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Json(NewWebhook { url, events }): Json<NewWebhook>,
) -> Result<Response, Failure> {
    let made = gateway.services.user.create_webhook(&call, CreateWebhookRequest { url, events }).await?;
    Ok(reply::line(StatusCode::CREATED, &webhook(made)))
}

/// Everybody who is called, at most 20.
#[utoipa::path(get, path = "/api/v1/admin/webhooks", tag = "webhook",
    responses((status = 200, body = Webhooks)))]
pub(super) async fn list(
    State(gateway): State<Gateway>,
    Account(call): Account,
) -> Result<Response, Failure> {
    let found = gateway.services.user.list_webhooks(&call, ListWebhooksRequest {}).await?;
    let items = found.webhooks.into_iter().map(webhook).collect();
    Ok(reply::list(StatusCode::OK, &Webhooks { items }))
}

/// Calls somebody no more, and forgets what was told there.
#[utoipa::path(delete, path = "/api/v1/admin/webhooks/{id}", tag = "webhook", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn delete(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(webhook_id): Id,
) -> Result<Response, Failure> {
    gateway.services.user.delete_webhook(&call, WebhookRequest { webhook_id }).await?;
    Ok(done())
}

/// What was told in the last thirty days or is to be, the latest first.
#[utoipa::path(get, path = "/api/v1/admin/webhooks/{id}/deliveries", tag = "webhook",
    params(("id" = i64, Path), ("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Delivery>)))]
pub(super) async fn deliveries(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(webhook_id): Id,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, format!("deliveries/{webhook_id}"))?;
    let request = ListDeliveriesRequest { webhook_id, slice: Some(page.slice) };
    let found = gateway.services.user.list_deliveries(&call, request).await?;
    Ok(page.answer(&gateway, found.deliveries.into_iter().map(delivery), found.next))
}

/// Tells something once more, under the id it had; who was called no more is called again.
#[utoipa::path(post, path = "/api/v1/admin/webhooks/{id}/deliveries/{delivery}/replay", tag = "webhook",
    params(("id" = i64, Path), ("delivery" = i64, Path)), responses((status = 204)))]
pub(super) async fn replay(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Path((webhook_id, delivery_id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (webhook_id, delivery_id) = (number("id", &webhook_id)?, number("delivery", &delivery_id)?);
    gateway.services.user.replay_delivery(&call, ReplayDeliveryRequest { webhook_id, delivery_id }).await?;
    Ok(done())
}

fn webhook(found: proto::Webhook) -> Webhook {
    let proto::Webhook { id, url, events, created_at, failing_since, disabled_at, secret } = found;
    let moment = |at: i64| (at > 0).then_some(at);
    let (failing_since, disabled_at) = (moment(failing_since), moment(disabled_at));
    let secret = Some(secret).filter(|secret| !secret.is_empty());
    Webhook { id, url, events, created_at, failing_since, disabled_at, secret }
}

fn delivery(found: proto::Delivery) -> Delivery {
    let proto::Delivery { id, event, payload, state, attempts, due_at, outcome, created_at } = found;
    let outcome = Some(outcome).filter(|outcome| !outcome.is_empty());
    Delivery { id, event, payload, state, attempts, due_at, outcome, created_at }
}
