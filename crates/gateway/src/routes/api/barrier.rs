//! Blocks and mutes, and what stands between two people.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use proto::{BarrierRequest, GetRelationRequest, ListBarriersRequest};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Id;
use super::done;
use super::list::{Items, Page};
use super::rule::Account;
use super::user::{Person, people};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::Params;
use crate::reply;

/// What stands between the caller and a person.
#[derive(Serialize, ToSchema)]
struct Relation {
    /// The caller follows them.
    is_followed: bool,
    /// They follow the caller.
    follows: bool,
    /// The caller blocks them.
    is_blocked: bool,
    /// The caller mutes them.
    is_muted: bool,
    /// The caller asks to follow them.
    is_requested: bool,
}

/// What stands between the caller and a person; who blocks the caller is not found.
#[utoipa::path(get, path = "/api/v1/users/{id}/relation", tag = "user", params(("id" = i64, Path)),
    responses((status = 200, body = Relation)))]
pub(super) async fn relation(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(user_id): Id,
) -> Result<Response, Failure> {
    let found = gateway.services.follow.get_relation(&call, GetRelationRequest { user_id }).await?;
    let proto::Relation { is_followed, follows, is_blocked, is_muted, is_requested } = found;
    Ok(reply::list(StatusCode::OK, &Relation { is_followed, follows, is_blocked, is_muted, is_requested }))
}

/// Blocks a person: neither sees, follows, writes to or finds the other, and the follows between the two end. A second
/// time changes nothing.
#[utoipa::path(put, path = "/api/v1/users/{id}/block", tag = "user", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn block(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(user_id): Id,
) -> Result<Response, Failure> {
    gateway.services.follow.block_user(&call, BarrierRequest { user_id }).await?;
    Ok(done())
}

/// Blocks a person no more; the follows stay ended.
#[utoipa::path(delete, path = "/api/v1/users/{id}/block", tag = "user", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn unblock(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(user_id): Id,
) -> Result<Response, Failure> {
    gateway.services.follow.unblock_user(&call, BarrierRequest { user_id }).await?;
    Ok(done())
}

/// Mutes a person: feeds, comments and notifications leave them out, and they do not notice. A second time changes nothing.
#[utoipa::path(put, path = "/api/v1/users/{id}/mute", tag = "user", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn mute(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(user_id): Id,
) -> Result<Response, Failure> {
    gateway.services.follow.mute_user(&call, BarrierRequest { user_id }).await?;
    Ok(done())
}

/// Mutes a person no more.
#[utoipa::path(delete, path = "/api/v1/users/{id}/mute", tag = "user", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn unmute(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(user_id): Id,
) -> Result<Response, Failure> {
    gateway.services.follow.unmute_user(&call, BarrierRequest { user_id }).await?;
    Ok(done())
}

/// Whom the caller blocks, the latest first.
#[utoipa::path(get, path = "/api/v1/account/blocks", tag = "account",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Person>)))]
pub(super) async fn blocks(
    State(gateway): State<Gateway>,
    Account(call): Account,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, format!("blocks/{}", call.viewer()?))?;
    let request = ListBarriersRequest { mutes: false, slice: Some(page.slice) };
    Ok(people(&gateway, &base, &page, gateway.services.follow.list_barriers(&call, request).await?))
}

/// Whom the caller mutes, the latest first.
#[utoipa::path(get, path = "/api/v1/account/mutes", tag = "account",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Person>)))]
pub(super) async fn mutes(
    State(gateway): State<Gateway>,
    Account(call): Account,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, format!("mutes/{}", call.viewer()?))?;
    let request = ListBarriersRequest { mutes: true, slice: Some(page.slice) };
    Ok(people(&gateway, &base, &page, gateway.services.follow.list_barriers(&call, request).await?))
}
