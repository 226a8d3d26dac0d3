//! Requests that may be sent again: who names one by an `Idempotency-Key` has it done once, and is answered the same
//! for a day (draft-ietf-httpapi-idempotency-key-header-07).

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::limits::{CALL_TIME, MAX_CAPTIONS_BYTES};
use domain::{Call, Error, Result};
use proto::{Answer, AnswerOnceRequest, AskOnceRequest};
use sha2::{Digest, Sha256};

use crate::Gateway;
use crate::error::as_problem;
use crate::params::{MAX_BODY_BYTES, in_time, small_body};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Passes a request on, once; without a name as often as it comes.
pub(super) async fn once(
    gateway: &Gateway,
    call: Call,
    parts: Parts,
    body: Body,
    next: Next,
) -> Result<Response> {
    let Some(name) = parts.headers.get(KEY) else {
        return Ok(next.run(Request::from_parts(parts, body)).await);
    };
    let name = String::from_utf8_lossy(name.as_bytes()).into_owned();
    // No route that this stands before takes more; each has a bound of its own.
    let body = Bytes::from(in_time(small_body(body, MAX_CAPTIONS_BYTES)).await?);
    let request = AskOnceRequest { name: name.clone(), fingerprint: fingerprint(&parts, &body) };
    let asked = gateway.services.user.ask_once(&call, request).await?;
    if !asked.first {
        return replayed(asked.answer.unwrap_or_default());
    }
    // As it will be told.
    let response = as_problem(next.run(Request::from_parts(parts, Body::from(body))).await, call.trace);
    let (response, answer) = kept(response).await?;
    let Outcome::Known(answer) = answer else { return Ok(response) };
    // The work has taken its time; this has its own.
    let call = Call::within(CALL_TIME, call.viewer, call.trace);
    if let Err(error) = gateway.services.user.answer_once(&call, AnswerOnceRequest { name, answer }).await {
        tracing::warn!(error = %error.chain(), "an answer could not be kept for who asks again");
    }
    Ok(response)
}

/// What is asked, whatever else is said around it.
fn fingerprint(parts: &Parts, body: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in [parts.method.as_str().as_bytes(), parts.uri.to_string().as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().to_vec()
}

/// What became of a request.
enum Outcome {
    /// It was answered so; nothing when nothing was done.
    Known(Option<Answer>),
    /// It may have been done.
    Unknown,
}

async fn kept(response: Response) -> Result<(Response, Outcome)> {
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS => return Ok((response, Outcome::Known(None))),
        status if status.is_server_error() => return Ok((response, Outcome::Unknown)),
        _ => {}
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_BODY_BYTES).await.map_err(Error::internal)?;
    let text = |name| parts.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let answer = Answer {
        status: parts.status.as_u16().into(),
        kind: text(header::CONTENT_TYPE).unwrap_or_default().into(),
        location: text(header::LOCATION).unwrap_or_default().into(),
        body: body.to_vec(),
    };
    Ok((Response::from_parts(parts, Body::from(body)), Outcome::Known(Some(answer))))
}

fn replayed(answer: Answer) -> Result<Response> {
    let status = u16::try_from(answer.status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.ok_or_else(|| Error::internal("an answer without a status was kept"))?;
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in [(header::CONTENT_TYPE, answer.kind), (header::LOCATION, answer.location)] {
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
