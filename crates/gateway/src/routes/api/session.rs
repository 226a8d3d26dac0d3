//! Sessions: opened with a name and a password, renewed as long as they are used, ended from anywhere.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::limits::{CALL_TIME, SESSION_TIME};
use domain::{Call, Error, Result, Standing, Timestamp, UserId};
use proto::{
    ChangePasswordRequest, Credentials, DeleteAccountRequest, EndAllSessionsRequest, EndSessionRequest,
    ListSessionsRequest, RenewSessionRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Id, Json};
use super::done;
use super::rule::{Account, Anybody, Proved};
use crate::Gateway;
use crate::address::{Base, Client};
use crate::cookie::Cookies;
use crate::error::Failure;
use crate::reply;
use crate::token::{ACCESS, Proof};

/// Who wants to be somebody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    username: String,
    password: String,
    /// Where a second factor is asked for: six digits of the device, or a recovery code.
    code: Option<String>,
    /// What the session is called in the list of sessions; what the client says of itself when absent.
    device: Option<String>,
    /// True for a page of this server's own: it gets its tokens as cookies that its scripts cannot read.
    #[serde(default)]
    cookies: bool,
}

/// Who wants an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAccount {
    /// 1 to 64 characters, unique.
    username: String,
    /// 8 to 128 characters.
    password: String,
    /// What a site asks for that is by invitation.
    invitation: Option<String>,
    /// As at login.
    device: Option<String>,
    /// As at login.
    #[serde(default)]
    cookies: bool,
}

/// An account that waits to be let in by an administrator.
#[derive(Serialize, ToSchema)]
struct Waiting {
    user_id: i64,
    /// `pending`.
    standing: &'static str,
}

/// What renews a session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Renew {
    /// Absent when it is a cookie.
    renewal_token: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangePassword {
    /// Empty for who has none, and has logged in within the last ten minutes.
    old_password: String,
    /// 8 to 128 characters.
    new_password: String,
    /// As at login.
    #[serde(default)]
    cookies: bool,
}

/// A session that is open now.
#[derive(Serialize, ToSchema)]
struct Opened {
    user_id: i64,
    session_id: i64,
    /// To be sent as `Authorization: Bearer`; absent when it is a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// Seconds.
    access_expires_in: u64,
    /// Good for one renewal; absent when it is a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    renewal_token: Option<String>,
    /// Seconds.
    renewal_expires_in: u64,
}

#[derive(Serialize, ToSchema)]
struct Session {
    id: i64,
    device: String,
    /// Whether it is the caller's.
    is_current: bool,
    /// UTC milliseconds.
    created_at: i64,
    /// UTC milliseconds.
    renewed_at: i64,
    /// UTC milliseconds.
    expires_at: i64,
}

/// The latest first, at most 100.
#[derive(Serialize, ToSchema)]
struct Sessions {
    items: Vec<Session>,
}

/// Makes an account and opens a session; where an administrator has to let it in, without one.
#[utoipa::path(post, path = "/api/v1/accounts", tag = "account", request_body = NewAccount,
    responses((status = 201, body = Opened), (status = 202, body = Waiting)))]
pub(super) async fn register(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    asker: Asker,
    Json(account): Json<NewAccount>,
) -> Result<Response, Failure> {
    let NewAccount { username, password, invitation, device, cookies } = account;
    asker.may_have(cookies)?;
    let credentials = asker.credentials(username, password, device);
    let credentials = Credentials { invitation: invitation.unwrap_or_default(), ..credentials };
    let made = gateway.services.user.register(&call, credentials).await?;
    if made.pending {
        let waiting = Waiting { user_id: made.user_id, standing: Standing::Pending.as_str() };
        return Ok(reply::line(StatusCode::ACCEPTED, &waiting));
    }
    Ok(opened(&gateway, made, cookies.then_some(&asker.base), StatusCode::CREATED)?)
}

/// Opens a session.
#[utoipa::path(post, path = "/api/v1/sessions", tag = "session", request_body = Login,
    responses((status = 201, body = Opened)))]
pub(super) async fn open(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    Client(client): Client,
    asker: Asker,
    Json(Login { username, password, code, device, cookies }): Json<Login>,
) -> Result<Response, Failure> {
    asker.may_have(cookies)?;
    let credentials = asker.credentials(username, password, device);
    let credentials = Credentials { code: code.unwrap_or_default(), ..credentials };
    let found = gateway.login(&call, credentials, client).await?;
    Ok(opened(&gateway, found, cookies.then_some(&asker.base), StatusCode::CREATED)?)
}

/// Renews a session: the tokens given before are worth nothing from now on. Who renews with one that was used
/// before ends the session, for two have it.
#[utoipa::path(post, path = "/api/v1/sessions/renewal", tag = "session", request_body = Renew,
    responses((status = 200, body = Opened)))]
pub(super) async fn renew(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    asker: Asker,
    Json(Renew { renewal_token }): Json<Renew>,
) -> Result<Response, Failure> {
    let is_cookie = renewal_token.is_none();
    asker.may_have(is_cookie)?;
    let token = renewal_token.or(asker.renewal.clone()).ok_or(Error::TokenMissing)?;
    let proof = gateway.revocations.check(gateway.tokens.check_renewal(&token)?)?;
    let request = RenewSessionRequest { session_id: proof.session, generation: proof.generation };
    let call = Call::within(CALL_TIME, Some(proof.user), call.trace);
    let renewed = gateway.services.user.renew_session(&call, request).await?;
    Ok(opened(&gateway, renewed, is_cookie.then_some(&asker.base), StatusCode::OK)?)
}

/// The own sessions.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "session", responses((status = 200, body = Sessions)))]
pub(super) async fn list(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Proved(Proof { session: current, .. }): Proved,
) -> Result<Response, Failure> {
    let found = gateway.services.user.list_sessions(&call, ListSessionsRequest {}).await?;
    let session = |session: proto::Session| Session {
        id: session.id,
        device: session.device,
        is_current: session.id == current,
        created_at: session.created_at,
        renewed_at: session.renewed_at,
        expires_at: session.expires_at,
    };
    Ok(reply::list(StatusCode::OK, &Sessions { items: found.sessions.into_iter().map(session).collect() }))
}

/// Ends one of the own sessions, within seconds everywhere.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "session", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn end(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(session_id): Id,
) -> Result<Response, Failure> {
    gateway.services.user.end_session(&call, EndSessionRequest { session_id }).await?;
    gateway.revocations.ended(session_id);
    Ok(done())
}

/// Ends the session that asks.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", responses((status = 204)))]
pub(super) async fn leave(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Proved(Proof { session: session_id, .. }): Proved,
    base: Base,
) -> Result<Response, Failure> {
    gateway.services.user.end_session(&call, EndSessionRequest { session_id }).await?;
    gateway.revocations.ended(session_id);
    Ok(forgotten(&base))
}

/// Ends every login of the account, of the other API too, within seconds everywhere.
#[utoipa::path(delete, path = "/api/v1/sessions", tag = "session", responses((status = 204)))]
pub(super) async fn end_all(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Proved(Proof { session: current, .. }): Proved,
    base: Base,
) -> Result<Response, Failure> {
    gateway.services.user.end_all_sessions(&call, EndAllSessionsRequest {}).await?;
    gateway.revocations.ended(current);
    Ok(forgotten(&base))
}

/// Changes the password, ends every login of the account and opens a session.
#[utoipa::path(put, path = "/api/v1/account/password", tag = "account", request_body = ChangePassword,
    responses((status = 200, body = Opened)))]
pub(super) async fn change_password(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Proved(Proof { session: session_id, .. }): Proved,
    asker: Asker,
    Json(change): Json<ChangePassword>,
) -> Result<Response, Failure> {
    asker.may_have(change.cookies)?;
    let ChangePassword { old_password, new_password, cookies } = change;
    let request =
        ChangePasswordRequest { old_password, new_password, device: asker.device.clone(), session_id };
    let account = gateway.services.user.change_password(&call, request).await?;
    Ok(opened(&gateway, account, cookies.then_some(&asker.base), StatusCode::OK)?)
}

/// What proves who asks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteAccount {
    /// Empty for who has none, and has logged in within the last ten minutes.
    password: String,
}

/// Deletes the account: its logins end within seconds, and within minutes all that it did is gone. There is no way back.
#[utoipa::path(post, path = "/api/v1/account/deletion", tag = "account", request_body = DeleteAccount,
    responses((status = 204)))]
pub(super) async fn delete_account(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Proved(Proof { session: session_id, .. }): Proved,
    base: Base,
    Json(DeleteAccount { password }): Json<DeleteAccount>,
) -> Result<Response, Failure> {
    gateway.services.user.delete_account(&call, DeleteAccountRequest { password, session_id }).await?;
    gateway.revocations.ended(session_id);
    Ok(forgotten(&base))
}

/// What the client of a login says of itself.
pub(super) struct Asker {
    base: Base,
    device: String,
    renewal: Option<String>,
    is_same_origin: bool,
}

impl FromRequestParts<Gateway> for Asker {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Self::Rejection> {
        let base = Base::from_request_parts(parts, gateway).await?;
        let cookies = Cookies::of(&base);
        let device = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let device = device.filter(|device| !device.is_empty()).unwrap_or("an unknown device").to_owned();
        let renewal = cookies.renewal(&parts.headers).map(str::to_owned);
        let is_same_origin = cookies.is_same_origin(parts);
        Ok(Self { base, device, renewal, is_same_origin })
    }
}

impl Asker {
    pub(super) fn base(&self) -> &Base {
        &self.base
    }

    pub(super) fn device(&self) -> &str {
        &self.device
    }

    /// Cookies are for pages of our own.
    fn may_have(&self, cookies: bool) -> Result<()> {
        if cookies && !self.is_same_origin { Err(Error::CrossSite) } else { Ok(()) }
    }

    fn credentials(&self, name: String, password: String, device: Option<String>) -> Credentials {
        let device = device.filter(|device| !device.is_empty()).unwrap_or_else(|| self.device.clone());
        Credentials { name, password, device, ..Credentials::default() }
    }
}

/// The tokens of a session: in the answer, or as cookies of pages under this address.
fn opened(
    gateway: &Gateway,
    account: proto::Account,
    cookies: Option<&Base>,
    status: StatusCode,
) -> Result<Response> {
    let (access, renewal) = tokens(gateway, &account)?;
    let told = |token: &String| cookies.is_none().then(|| token.clone());
    let opened = Opened {
        user_id: account.user_id,
        session_id: account.session_id,
        access_token: told(&access),
        access_expires_in: ACCESS.as_secs(),
        renewal_token: told(&renewal),
        renewal_expires_in: SESSION_TIME.as_secs(),
    };
    let mut response = reply::line(status, &opened);
    if let Some(base) = cookies {
        Cookies::of(base).set(&mut response, &access, &renewal);
    }
    Ok(response)
}

/// Has a browser keep the tokens of a session, as cookies of pages under this address.
pub(super) fn set_cookies(
    gateway: &Gateway,
    account: &proto::Account,
    base: &Base,
    response: &mut Response,
) -> Result<()> {
    let (access, renewal) = tokens(gateway, account)?;
    Cookies::of(base).set(response, &access, &renewal);
    Ok(())
}

/// The two tokens of a session: for requests, and for its renewal.
fn tokens(gateway: &Gateway, account: &proto::Account) -> Result<(String, String)> {
    let proof = Proof {
        user: UserId::parse(account.user_id)?,
        epoch: account.token_epoch,
        session: account.session_id,
        generation: account.generation,
    };
    gateway.tokens.issue_pair(proof, Timestamp::now())
}

/// Done, and a browser forgets its tokens.
fn forgotten(base: &Base) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    Cookies::of(base).set(&mut response, "", "");
    response
}
