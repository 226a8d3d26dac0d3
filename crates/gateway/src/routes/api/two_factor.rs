//! The own second factor at login: codes that a device makes (RFC 6238).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proto::{ConfirmTwoFactorRequest, EndTwoFactorRequest, GetTwoFactorRequest, TwoFactorRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Json;
use super::done;
use super::rule::{Account, Proved};
use crate::Gateway;
use crate::error::Failure;
use crate::reply;
use crate::routes::page;
use crate::token::Proof;

/// The second factor at login.
#[derive(Serialize, ToSchema)]
struct TwoFactor {
    /// Whether it is asked for.
    is_on: bool,
    recovery_codes_left: i64,
}

/// What proves who asks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Begin {
    /// Empty for who has none, and has logged in within the last ten minutes.
    password: String,
}

/// What a device is told once.
#[derive(Serialize, ToSchema)]
struct Secret {
    /// In Base32, to be typed.
    secret: String,
    /// `otpauth://totp/…`, to be shown as a QR code.
    uri: String,
    /// That code, as a picture (SVG).
    qr_svg: String,
}

/// What proves that the device has it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirm {
    /// Six digits.
    code: String,
}

/// What stands in for the device, each once. They are not told again.
#[derive(Serialize, ToSchema)]
struct RecoveryCodes {
    recovery_codes: Vec<String>,
}

/// What proves who asks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    /// Empty for who has none, and has logged in within the last ten minutes.
    password: String,
    /// Six digits, or a recovery code.
    code: String,
}

/// The second factor at the own login.
#[utoipa::path(get, path = "/api/v1/account/two-factor", tag = "two_factor",
    responses((status = 200, body = TwoFactor)))]
pub(super) async fn get(State(gateway): State<Gateway>, Account(call): Account) -> Result<Response, Failure> {
    let found = gateway.services.user.get_two_factor(&call, GetTwoFactorRequest {}).await?;
    let proto::TwoFactor { is_on, recovery_codes_left } = found;
    Ok(reply::list(StatusCode::OK, &TwoFactor { is_on, recovery_codes_left }))
}

/// Makes a secret for a device. It is not asked for before a first code has proved that the device has it.
#[utoipa::path(post, path = "/api/v1/account/two-factor", tag = "two_factor", request_body = Begin,
    responses((status = 201, body = Secret)))]
pub(super) async fn begin(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Proved(Proof { session: session_id, .. }): Proved,
    Json(Begin { password }): Json<Begin>,
) -> Result<Response, Failure> {
    let made =
        gateway.services.user.begin_two_factor(&call, TwoFactorRequest { password, session_id }).await?;
    let (name, secret) = (utf8_percent_encode(&made.name, NON_ALPHANUMERIC), made.secret);
    let uri = format!("otpauth://totp/dytt:{name}?secret={secret}&issuer=dytt");
    let qr_svg = page::qr_code(&uri).unwrap_or_default();
    Ok(reply::line(StatusCode::CREATED, &Secret { secret, uri, qr_svg }))
}

/// Asks for the second factor at every login from now on.
#[utoipa::path(put, path = "/api/v1/account/two-factor", tag = "two_factor", request_body = Confirm,
    responses((status = 200, body = RecoveryCodes)))]
pub(super) async fn confirm(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Json(Confirm { code }): Json<Confirm>,
) -> Result<Response, Failure> {
    let made = gateway.services.user.confirm_two_factor(&call, ConfirmTwoFactorRequest { code }).await?;
    Ok(reply::line(StatusCode::OK, &RecoveryCodes { recovery_codes: made.codes }))
}

/// Asks for no second factor any more.
#[utoipa::path(post, path = "/api/v1/account/two-factor/end", tag = "two_factor", request_body = End,
    responses((status = 204)))]
pub(super) async fn end(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Proved(Proof { session: session_id, .. }): Proved,
    Json(End { password, code }): Json<End>,
) -> Result<Response, Failure> {
    let request = EndTwoFactorRequest { password, code, session_id };
    gateway.services.user.end_two_factor(&call, request).await?;
    Ok(done())
}
