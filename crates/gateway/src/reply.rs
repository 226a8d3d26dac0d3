//! Answers as JSON. `axum::Json` grows its buffer from 128 bytes and costs 2.5 times this for a feed page,
//! so responses are written here and nowhere else.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Bytes set aside before serialising: a list of 30 videos fits.
const LIST: usize = 16 * 1024;
/// The same for an answer that is nothing but its envelope.
const LINE: usize = 256;

/// The envelope of every answer of the Douyin API around what the endpoint adds to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reply<T> {
    /// 0 is success; other numbers are listed in the API's description.
    pub status_code: i32,
    /// `success`, or what went wrong in words a person understands.
    #[schema(value_type = String)]
    pub status_msg: Cow<'static, str>,
    #[serde(flatten)]
    pub body: T,
}

impl<T> Reply<T> {
    pub(crate) const fn success(body: T) -> Self {
        Self { status_code: 0, status_msg: Cow::Borrowed("success"), body }
    }
}

impl<T: Serialize> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, LIST, &self)
    }
}

/// An answer without anything but the envelope.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Empty {}

/// An answer of a line.
pub(crate) fn line(status: StatusCode, value: &impl Serialize) -> Response {
    json(status, LINE, value)
}

/// An answer of many lines.
pub(crate) fn list(status: StatusCode, value: &impl Serialize) -> Response {
    json(status, LIST, value)
}

/// Serialises into a buffer of this size.
fn json(status: StatusCode, capacity: usize, value: &impl Serialize) -> Response {
    let mut bytes = Vec::with_capacity(capacity);
    if let Err(error) = serde_json::to_writer(&mut bytes, value) {
        tracing::error!(%error, "an answer could not be serialised");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    written(status, bytes.into())
}

/// JSON that is already written.
pub(crate) fn written(status: StatusCode, json: Bytes) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    // Answers carry what one viewer may see, and tokens.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
