//! Administration: who may be here, who is invited, and what administrators did.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use proto::{
    EndInvitationRequest, InviteRequest, ListAccountsRequest, ListAuditRequest, ListInvitationsRequest,
    SetStandingRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Id, Json};
use super::done;
use super::list::{Items, Page};
use super::rule::Account;
use super::user::{Person, people};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::Params;
use crate::reply;

/// Whether an account may be used.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetStanding {
    /// `active`, `pending` or `suspended`.
    standing: String,
    /// For the audit log: 1 to 255 characters.
    reason: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Invite {
    /// How many may come by it: 1 to 10,000.
    uses: i64,
    /// UTC milliseconds, within a year.
    expires_at: i64,
}

#[derive(Serialize, ToSchema)]
struct Invitation {
    id: i64,
    /// What who is invited registers with.
    code: String,
    uses_left: i64,
    /// UTC milliseconds.
    expires_at: i64,
    /// UTC milliseconds.
    created_at: i64,
}

/// Those that still hold, the latest first, at most 500.
#[derive(Serialize, ToSchema)]
struct Invitations {
    items: Vec<Invitation>,
}

#[derive(Serialize, ToSchema)]
struct AuditEntry {
    id: i64,
    /// The administrator's name.
    by: String,
    /// What was done: a stable word.
    action: String,
    /// To what: a kind and a number.
    subject: String,
    /// Why, and what else there is to know.
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    /// UTC milliseconds.
    created_at: i64,
}

/// Accounts of a standing, the latest first.
#[utoipa::path(get, path = "/api/v1/admin/accounts", tag = "admin",
    params(("standing" = Option<String>, Query, description = "`active` (when absent), `pending` or `suspended`"),
        ("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Person>)))]
pub(super) async fn accounts(
    State(gateway): State<Gateway>,
    Account(call): Account,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let standing = params.text("standing")?.unwrap_or("active").to_owned();
    let page = Page::of(&gateway, &params, format!("accounts/{standing}"))?;
    let request = ListAccountsRequest { standing, slice: Some(page.slice) };
    let found = gateway.services.user.list_accounts(&call, request).await?;
    Ok(people(&gateway, &base, &page, found))
}

/// Lets an account in, suspends it, or lets it be used again. Unless it becomes active, nobody can log in to it, and every
/// login it had ends within seconds.
#[utoipa::path(put, path = "/api/v1/admin/accounts/{id}/standing", tag = "admin", params(("id" = i64, Path)),
    request_body = SetStanding, responses((status = 204)))]
pub(super) async fn set_standing(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(user_id): Id,
    Json(SetStanding { standing, reason }): Json<SetStanding>,
) -> Result<Response, Failure> {
    let request = SetStandingRequest { user_id, standing, reason };
    gateway.services.user.set_standing(&call, request).await?;
    Ok(done())
}

/// Invites people to register.
#[utoipa::path(post, path = "/api/v1/admin/invitations", tag = "admin", request_body = Invite,
    responses((status = 201, body = Invitation)))]
pub(super) async fn invite(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Json(Invite { uses, expires_at }): Json<Invite>,
) -> Result<Response, Failure> {
    let made = gateway.services.user.invite(&call, InviteRequest { uses, expires_at }).await?;
    Ok(reply::line(StatusCode::CREATED, &invitation(made)))
}

/// The invitations that still hold.
#[utoipa::path(get, path = "/api/v1/admin/invitations", tag = "admin",
    responses((status = 200, body = Invitations)))]
pub(super) async fn invitations(
    State(gateway): State<Gateway>,
    Account(call): Account,
) -> Result<Response, Failure> {
    let found = gateway.services.user.list_invitations(&call, ListInvitationsRequest {}).await?;
    let items = found.invitations.into_iter().map(invitation).collect();
    Ok(reply::list(StatusCode::OK, &Invitations { items }))
}

/// Takes an invitation back.
#[utoipa::path(delete, path = "/api/v1/admin/invitations/{id}", tag = "admin", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn uninvite(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(invitation_id): Id,
) -> Result<Response, Failure> {
    gateway.services.user.end_invitation(&call, EndInvitationRequest { invitation_id }).await?;
    Ok(done())
}

/// What administrators did, the latest first.
#[utoipa::path(get, path = "/api/v1/admin/audit", tag = "admin",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<AuditEntry>)))]
pub(super) async fn audit(
    State(gateway): State<Gateway>,
    Account(call): Account,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, "audit")?;
    let found = gateway.services.user.list_audit(&call, ListAuditRequest { slice: Some(page.slice) }).await?;
    let entry = |entry: proto::AuditEntry| AuditEntry {
        id: entry.id,
        by: entry.by,
        action: entry.action,
        subject: entry.subject,
        detail: entry.detail,
        created_at: entry.created_at,
    };
    Ok(page.answer(&gateway, found.entries.into_iter().map(entry), found.next))
}

fn invitation(made: proto::Invitation) -> Invitation {
    let proto::Invitation { id, code, uses_left, expires_at, created_at } = made;
    Invitation { id, code, uses_left, expires_at, created_at }
}
