//! Parameters, wherever a client puts them: query, then form or multipart fields; the first that is not
//! empty wins. Which of them an endpoint needs is the endpoint's to say.

mod number;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use domain::limits::CALL_TIME;
use domain::{Error, Result};
use futures_util::StreamExt;
use percent_encoding::percent_decode;
use tokio::time::timeout;

use crate::Gateway;
use crate::error::Failure;
use crate::form::Form;

/// Most bytes a body may have that carries parameters alone.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;
/// Below this a time is taken for seconds: in milliseconds it would lie before March 1973.
const SECONDS_BELOW: i64 = 100_000_000_000;

/// A request's parameters. A value that is not UTF-8 is kept as none, to be refused by name.
/// Clones share it: every extractor of a request looks into the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Arc<Given>);

#[derive(Clone, Debug, Default)]
struct Given {
    pairs: Vec<Pair>,
    bearer: Option<String>,
}

/// A name and its value.
type Pair = (String, Option<String>);

impl Params {
    /// Those of the query and the `Authorization` header. Secrets in a query count only where the operator
    /// allows them.
    pub(crate) fn of_head(parts: &Parts, gateway: &Gateway) -> Self {
        let mut pairs = pairs(parts.uri.query().unwrap_or_default().as_bytes());
        if !gateway.config.query_credentials {
            pairs.retain(|(name, _)| name != "token" && name != "password");
        }
        Self(Arc::new(Given { pairs, bearer: bearer(&parts.headers) }))
    }

    /// These and then `more`.
    pub(crate) fn and(&self, more: impl IntoIterator<Item = Pair>) -> Self {
        let mut all = Given::clone(&self.0);
        all.pairs.extend(more);
        Self(Arc::new(all))
    }

    /// A text, if it is there and not empty.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>> {
        let mut named = self.0.pairs.iter().filter(|(key, _)| key == name);
        let Some((_, value)) = named.find(|(_, value)| value.as_deref() != Some("")) else { return Ok(None) };
        value.as_deref().map(Some).ok_or_else(|| bad(name, "must be UTF-8 text"))
    }

    /// A text that has to be there.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str> {
        self.text(name)?.ok_or_else(|| bad(name, "is required and must not be empty"))
    }

    /// A whole number, if it is there.
    pub(crate) fn integer(&self, name: &'static str) -> Result<Option<i64>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        number::parse(text).map(Some).ok_or_else(|| bad(name, "must be a whole number"))
    }

    /// An identifier, if it is there; 0 is how some clients say that it is not.
    pub(crate) fn id(&self, name: &'static str) -> Result<Option<i64>> {
        let id = self.integer(name)?.filter(|id| *id != 0);
        match id {
            Some(id) if id < 0 => Err(bad(name, "must be a positive whole number")),
            id => Ok(id),
        }
    }

    /// An identifier that has to be there.
    pub(crate) fn required_id(&self, name: &'static str) -> Result<i64> {
        self.id(name)?.ok_or_else(|| bad(name, "is required and must be a positive whole number"))
    }

    /// Whether `action_type` says do (1) or undo (2).
    pub(crate) fn is_undo(&self) -> Result<bool> {
        match self.integer("action_type")? {
            Some(1) => Ok(false),
            Some(2) => Ok(true),
            _ => Err(bad("action_type", "must be 1 or 2")),
        }
    }

    /// A moment in UTC milliseconds. Clients send seconds, garbage and nothing: what cannot be one is 0.
    pub(crate) fn moment(&self, name: &'static str) -> i64 {
        match self.integer(name).ok().flatten() {
            Some(seconds) if (1..SECONDS_BELOW).contains(&seconds) => seconds * 1000,
            Some(millis) if millis > 0 => millis,
            _ => 0,
        }
    }

    /// The token, from wherever it stands first: query, form, multipart, header.
    pub(crate) fn token(&self) -> Result<Option<&str>> {
        Ok(self.text("token")?.or(self.0.bearer.as_deref()))
    }
}

/// Reads the parameters once, before the route sees the request.
///
/// # Errors
/// When a body that should carry some cannot be read.
pub(crate) async fn read(gateway: &Gateway, request: Request) -> Result<Request> {
    let (parts, body) = request.into_parts();
    if parts.uri.path().starts_with("/api/") {
        // Of the modern API the route knows what its body means.
        let body = in_time(small_body(body, MAX_BODY_BYTES)).await?;
        return Ok(Request::from_parts(parts, Body::from(body)));
    }
    let params = of_request(gateway, &parts, body).await?;
    let mut request = Request::from_parts(parts, Body::empty());
    request.extensions_mut().insert(params);
    Ok(request)
}

impl FromRequestParts<Gateway> for Params {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Failure> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self::of_head(parts, gateway)))
    }
}

async fn of_request(gateway: &Gateway, parts: &Parts, body: Body) -> Result<Params> {
    let head = Params::of_head(parts, gateway);
    let Some(kind) = parts.headers.get(header::CONTENT_TYPE) else { return Ok(head) };
    Ok(head.and(in_time(of_body(kind, parts, body)).await?))
}

/// What is read of a body that may not take longer than a whole request.
pub(crate) async fn in_time<T>(read: impl Future<Output = Result<T>>) -> Result<T> {
    within(CALL_TIME, read).await
}

/// What is read of a body that may take this long.
pub(crate) async fn within<T>(patience: Duration, read: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_elapsed| Err(bad("request body", "stopped arriving before it was whole"));
    timeout(patience, read).await.unwrap_or_else(late)
}

async fn of_body(kind: &HeaderValue, parts: &Parts, body: Body) -> Result<Vec<Pair>> {
    let kind = kind.to_str().unwrap_or_default().to_ascii_lowercase();
    if kind.starts_with("application/x-www-form-urlencoded") {
        return Ok(pairs(&small_body(body, MAX_BODY_BYTES).await?));
    }
    if kind.starts_with("multipart/form-data") {
        return fields(Request::from_parts(parts.clone(), body)).await;
    }
    // The Douyin API has never read JSON, and some of its clients announce it with nothing in it.
    Ok(Vec::new())
}

/// A body of at most so many bytes.
pub(crate) async fn small_body(body: Body, limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_cut| bad("request body", "is cut off"))?;
        if bytes.len() + chunk.len() > limit {
            return Err(Error::TooLarge { limit_bytes: limit as u64 });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn fields(request: Request) -> Result<Vec<Pair>> {
    let mut form = Form::open(request, MAX_BODY_BYTES as u64).await?;
    let mut pairs = Vec::new();
    while let Some(part) = form.next().await? {
        pairs.push((part.name().to_owned(), part.text().await?));
    }
    Ok(pairs)
}

pub(crate) fn bad(name: &'static str, problem: &str) -> Error {
    Error::BadParameter { name: name.into(), problem: problem.to_owned() }
}

/// `a=1&b=2` in the encoding of HTML forms. Only the values can be unreadable: a name that is not UTF-8
/// matches none of ours.
fn pairs(text: &[u8]) -> Vec<Pair> {
    text.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=').map(decoded);
            let (name, value) = (halves.next().flatten(), halves.next());
            (name.unwrap_or_default(), value.unwrap_or_else(|| Some(String::new())))
        })
        .collect()
}

/// A name or a value, unless it is not UTF-8.
fn decoded(part: &[u8]) -> Option<String> {
    if !part.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return String::from_utf8(part.to_vec()).ok();
    }
    let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    String::from_utf8(percent_decode(&spaced).collect()).ok()
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_owned())
}

#[cfg(test)]
mod tests;
