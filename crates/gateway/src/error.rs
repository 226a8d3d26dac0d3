//! Errors as HTTP answers of the Douyin API: 200 with a number for whatever a client did, 503 and 500 for
//! what we or our surroundings did.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{Error, Kind};
use serde::Serialize;

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
        let failed = Failed { status_code: error.code(), status_msg: error.to_string().into() };
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
pub(crate) fn with_empty_fields<T: Default + Serialize>(mut response: Response) -> Response {
    let Some(failed) = response.extensions_mut().remove::<Failed>() else { return response };
    let mut full = failed.render(response.status(), T::default());
    if let Some(seconds) = response.headers_mut().remove(header::RETRY_AFTER) {
        full.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    full
}

/// An answer in the envelope for what never reached a route: unknown paths, wrong methods, panics.
pub(crate) fn envelope(status: StatusCode, code: i32, message: &'static str) -> Response {
    line(status, &Reply { status_code: code, status_msg: message.into(), body: Empty {} })
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

fn retry_after(error: &Error) -> Option<u64> {
    if let Error::RateLimited { retry_after } = error {
        return Some(retry_after.as_secs().max(1));
    }
    (error.kind() == Kind::Unavailable).then_some(1)
}
