//! Registration, login and profiles.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use domain::{Call, Error, Result, Timestamp, UserId};
use proto::{Account, Credentials, GetUserRequest};
use serde::Serialize;
use utoipa::ToSchema;

use super::card::{self, User};
use crate::Gateway;
use crate::address::{Base, client};
use crate::error::Failure;
use crate::params::Params;
use crate::reply::Reply;
use crate::viewer::{Viewer, Visitor};

/// A login. Both fields are there on failure too, empty.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct AccountBody {
    user_id: i64,
    /// To be sent with every request that needs to know who asks.
    token: String,
}

/// A person.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct UserBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User>,
}

/// The name and password of a request that cannot have a token yet.
pub(super) struct Login {
    credentials: Credentials,
    client: std::net::IpAddr,
}

impl FromRequestParts<Gateway> for Login {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Failure> {
        let params = Params::from_request_parts(parts, gateway).await?;
        let credentials = Credentials {
            name: params.required("username")?.to_owned(),
            password: params.required("password")?.to_owned(),
            ..Credentials::default()
        };
        Ok(Self { credentials, client: client(&gateway.config, parts) })
    }
}

/// Makes an account and logs it in.
#[utoipa::path(post, path = "/douyin/user/register/", tag = "user",
    params(
        ("username" = String, Query, description = "1 to 64 characters, unique"),
        ("password" = String, Query, description = "6 to 128 characters"),
    ),
    responses((status = 200, body = Reply<AccountBody>)))]
pub(super) async fn register(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    login: Login,
) -> Result<Reply<AccountBody>, Failure> {
    let account = gateway.services.user.register(&call, login.credentials).await?;
    if account.pending {
        return Err(Error::AccountPending.into());
    }
    Ok(logged_in(&gateway, account)?)
}

/// Logs in; earlier logins stay valid.
#[utoipa::path(post, path = "/douyin/user/login/", tag = "user",
    params(("username" = String, Query,), ("password" = String, Query,)),
    responses((status = 200, body = Reply<AccountBody>)))]
pub(super) async fn login(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    login: Login,
) -> Result<Reply<AccountBody>, Failure> {
    let found = gateway.login(&call, login.credentials, login.client).await?;
    Ok(logged_in(&gateway, found)?)
}

/// One person, by default the caller.
#[utoipa::path(get, path = "/douyin/user/", tag = "user",
    params(
        ("user_id" = Option<i64>, Query, description = "absent or 0: the token's user"),
        ("token" = String, Query,),
    ),
    responses((status = 200, body = Reply<UserBody>)))]
pub(super) async fn user(
    State(gateway): State<Gateway>,
    Viewer(call): Viewer,
    base: Base,
    params: Params,
) -> Result<Reply<UserBody>, Failure> {
    let user = profile(&gateway, &call, &params).await?;
    Ok(Reply::success(UserBody { user: Some(card::user(&base, Some(user))) }))
}

/// The profile of the user a request is about.
pub(super) async fn profile(gateway: &Gateway, call: &Call, params: &Params) -> Result<proto::User> {
    let request = GetUserRequest { user_id: user_or_self(call, params)? };
    gateway.services.user.get_user(call, request).await
}

/// The user a request is about: the one it names, else the one who asks.
pub(super) fn user_or_self(call: &Call, params: &Params) -> Result<i64> {
    match (params.id("user_id")?, call.viewer) {
        (Some(id), _) => Ok(id),
        (None, Some(viewer)) => Ok(viewer.get()),
        (None, None) => params.required_id("user_id"),
    }
}

fn logged_in(gateway: &Gateway, account: Account) -> Result<Reply<AccountBody>> {
    let user = UserId::parse(account.user_id)?;
    let token = gateway.tokens.issue(user, account.token_epoch, Timestamp::now())?;
    Ok(Reply::success(AccountBody { user_id: account.user_id, token }))
}
