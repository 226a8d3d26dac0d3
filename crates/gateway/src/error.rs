//! Errors as HTTP answers. Of the Douyin API: 200 with a number for whatever a client did, 503 and 500 for what
//! we or our surroundings did. Of `/api/v1`: the status that says it, and a problem in detail.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{Error, Kind, TraceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::reply::{Empty, Reply, line};

/// An error on its way out; it is logged here, where it stops.
#[derive(Debug)]
pub(crate) struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// Left on a failed answer, so that its route can add the fields its clients expect even then.
#[derive(Clone)]
struct Failed {
    status_code: i32,
    status_msg: Cow<'static, str>,
    kind: Kind,
    reason: String,
    field: Option<String>,
}

/// A failure as programs read it (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: what happened is told by `reason`.
    r#type: &'static str,
    /// The HTTP status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What went wrong, in words a person understands.
    detail: String,
    /// The stable word for programs, such as `video_not_found`.
    reason: String,
    /// The parameter that is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// What to tell an operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let error = self.0;
        match (error.kind(), &error) {
            // Under overload every line would add to it.
            (_, Error::Overloaded) => metrics::counter!("dytt_refused_total").increment(1),
            (Kind::Unavailable, _) => tracing::warn!(error = %error.chain(), "request failed"),
            (Kind::Internal, _) => tracing::error!(error = %error.chain(), "request failed"),
            (_, _) => {}
        }
        let mut field = None;
        if let Error::BadParameter { name, .. } | Error::Invalid { name, .. } = &error {
            field = Some(name.to_string());
        }
        let failed = Failed {
            status_code: error.code(),
            status_msg: error.to_string().into(),
            kind: error.kind(),
            reason: error.reason().to_owned(),
            field,
        };
        let mut response = failed.render(status(error.kind()), Empty {});
        if let Some(seconds) = retry_after(&error) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(failed);
        response
    }
}

impl Failed {
    fn render(&self, status: StatusCode, body: impl Serialize) -> Response {
        line(status, &Reply { status_code: self.status_code, status_msg: self.status_msg.clone(), body })
    }
}

/// Gives a failed answer the fields of `T`, empty: some clients read a token or a list even then.
pub(crate) fn with_empty_fields<T: Default + Serialize>(mut response: Response, _trace: TraceId) -> Response {
    let Some(failed) = response.extensions_mut().remove::<Failed>() else { return response };
    let mut full = failed.render(response.status(), T::default());
    if let Some(seconds) = response.headers_mut().remove(header::RETRY_AFTER) {
        full.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    full
}

/// A failed answer of `/api/v1`.
pub(crate) fn as_problem(mut response: Response, trace: TraceId) -> Response {
    let Some(failed) = response.extensions_mut().remove::<Failed>() else { return response };
    let status = match failed.reason.as_str() {
        // tus 1.0, "Checksum".
        "checksum_mismatch" => StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST),
        "key_reused" => StatusCode::UNPROCESSABLE_ENTITY,
        "unsupported_media" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => honest(failed.kind),
    };
    let Failed { status_msg, kind, reason, field, .. } = failed;
    let mut told = problem(status, status_msg.into_owned(), reason, field, Some(trace));
    if kind == Kind::Unauthenticated {
        told.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = response.headers_mut().remove(header::RETRY_AFTER) {
        told.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    told
}

/// An answer as a problem in detail.
pub(crate) fn problem(
    status: StatusCode,
    detail: String,
    reason: String,
    field: Option<String>,
    trace: Option<TraceId>,
) -> Response {
    let title = status.canonical_reason().unwrap_or("Checksum Mismatch");
    let trace_id = trace.map(|trace| trace.to_string());
    let status_number = status.as_u16();
    let problem =
        Problem { r#type: "about:blank", title, status: status_number, detail, reason, field, trace_id };
    let mut response = line(status, &problem);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

/// An answer in the envelope for what never reached a route: unknown paths and wrong methods.
pub(crate) fn envelope(status: StatusCode, message: &'static str) -> Response {
    line(status, &Reply { status_code: 100_002, status_msg: message.into(), body: Empty {} })
}

fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::InvalidArgument
        | Kind::Unauthenticated
        | Kind::PermissionDenied
        | Kind::NotFound
        | Kind::AlreadyExists
        | Kind::TooLarge
        | Kind::RateLimited => StatusCode::OK,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn honest(kind: Kind) -> StatusCode {
    match kind {
        Kind::InvalidArgument => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::PermissionDenied => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::AlreadyExists => StatusCode::CONFLICT,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn retry_after(error: &Error) -> Option<u64> {
    if matches!(error, Error::StillRunning) {
        return Some(1);
    }
    if let Error::RateLimited { retry_after } = error {
        return Some(retry_after.as_secs().max(1));
    }
    (error.kind() == Kind::Unavailable).then_some(1)
}
