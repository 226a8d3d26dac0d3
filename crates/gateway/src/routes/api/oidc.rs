//! Login by the site's identity provider: a browser is sent there, and comes back with what proves who it is.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{Call, Error};
use proto::{AskProviderRequest, GetSiteRequest, ProviderAnswer};
use serde::Serialize;
use utoipa::ToSchema;

use super::rule::Anybody;
use super::session::{Asker, set_cookies};
use crate::Gateway;
use crate::address::Base;
use crate::cookie::Cookies;
use crate::error::Failure;
use crate::params::Params;
use crate::reply;

/// Where the provider sends a browser back to.
const CALLBACK: &str = "/api/v1/sessions/oidc/callback";

/// What anybody may know of the site.
#[derive(Serialize, ToSchema)]
struct Site {
    /// Who may register: `open`, `invite`, `approval` or `closed`.
    registration: String,
    /// What the identity provider is called by which one can log in.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_provider: Option<String>,
}

/// How one comes to be somebody here.
#[utoipa::path(get, path = "/api/v1/site", tag = "site", responses((status = 200, body = Site)))]
pub(super) async fn site(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
) -> Result<Response, Failure> {
    let proto::Site { registration, provider } =
        gateway.services.user.get_site(&call, GetSiteRequest {}).await?;
    let identity_provider = Some(provider).filter(|name| !name.is_empty());
    Ok(reply::list(StatusCode::OK, &Site { registration, identity_provider }))
}

/// Sends a browser to the identity provider.
#[utoipa::path(get, path = "/api/v1/sessions/oidc", tag = "oidc",
    responses((status = 303, description = "to the provider")))]
pub(super) async fn begin(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    base: Base,
) -> Result<Response, Failure> {
    let callback = format!("{}{CALLBACK}", base.as_str());
    let question = gateway.services.user.ask_provider(&call, AskProviderRequest { callback }).await?;
    let mut response = to(&question.address);
    Cookies::of(&base).set_question(&mut response, &question.secret);
    Ok(response)
}

/// Opens a session for whom the identity provider sends back, with cookies, and sends the browser to `/login?done`;
/// to `/login?failed=REASON` if there is a reason against it.
#[utoipa::path(get, path = "/api/v1/sessions/oidc/callback", tag = "oidc",
    params(("code" = Option<String>, Query), ("state" = Option<String>, Query), ("iss" = Option<String>, Query),
        ("error" = Option<String>, Query)),
    responses((status = 303, description = "to the login page, which goes on")))]
pub(super) async fn callback(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    params: Params,
    headers: HeaderMap,
    asker: Asker,
) -> Response {
    let base = asker.base();
    let mut response = match come_back(&gateway, &call, &params, &headers, &asker).await {
        Ok(account) if account.pending => to(&failed(base, Error::AccountPending.reason())),
        Ok(account) => {
            let mut response = to(&format!("{}/login?done", base.as_str()));
            match set_cookies(&gateway, &account, base, &mut response) {
                Ok(()) => response,
                Err(error) => to(&failed(base, error.reason())),
            }
        }
        Err(error) => {
            tracing::info!(error = %error.chain(), "a login by the identity provider has failed");
            to(&failed(base, error.reason()))
        }
    };
    Cookies::of(base).set_question(&mut response, "");
    response
}

async fn come_back(
    gateway: &Gateway,
    call: &Call,
    params: &Params,
    headers: &HeaderMap,
    asker: &Asker,
) -> domain::Result<proto::Account> {
    if params.text("error")?.is_some() {
        let problem = "it has not let you in".to_owned();
        return Err(Error::NotIdentified { problem });
    }
    let text = |name| -> domain::Result<String> { Ok(params.text(name)?.unwrap_or_default().to_owned()) };
    let answer = ProviderAnswer {
        secret: Cookies::of(asker.base()).question(headers).unwrap_or_default().to_owned(),
        callback: format!("{}{CALLBACK}", asker.base().as_str()),
        state: text("state")?,
        code: params.required("code")?.to_owned(),
        issuer: text("iss")?,
        device: asker.device().to_owned(),
    };
    gateway.services.user.login_by_provider(call, answer).await
}

fn failed(base: &Base, reason: &str) -> String {
    format!("{}/login?failed={reason}", base.as_str())
}

/// Sends a browser somewhere else, once.
fn to(address: &str) -> Response {
    let Ok(address) = HeaderValue::try_from(address) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let no_store = HeaderValue::from_static("no-store");
    (StatusCode::SEE_OTHER, [(header::LOCATION, address), (header::CACHE_CONTROL, no_store)]).into_response()
}
