//! Objects as HTTP: ranges, conditions, eternal caching; or the way to where they are. Who may read one stands in
//! its address: keys are random and never used twice, and what not everybody may see needs a signature, so that
//! no look-up is needed.

use std::ops::Range;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use blobs::{Blobs, Delivery, Key};
use domain::{Error, Timestamp};

use crate::Gateway;
use crate::error::Failure;
use crate::params::Params;

/// Seconds after which a video that is still being made is worth asking for again.
const RETRY_SECONDS: &str = "5";

/// How long a client may use an address that is signed for [`blobs::SIGNED_FOR`]: it is valid at least as long
/// again.
const ADDRESS_CACHE: &str = "public, max-age=300";
/// The start of the paths that the proxy in front keeps to itself.
///
/// With `blobs.redirect = "x-accel"` nginx needs, over a folder:
///
/// ```text
/// location /_objects/ { internal; alias /srv/dytt/dytt-data/objects/; }
/// ```
///
/// and over a bucket, whose path and signature come with the answer:
///
/// ```text
/// location /_objects/ {
///     internal;
///     proxy_pass http://127.0.0.1:9000/;       # blobs.url's endpoint, and its slash
///     proxy_set_header Host 127.0.0.1:9000;    # the same: it is signed
///     proxy_set_header Authorization "";
///     proxy_set_header Cookie "";
/// }
/// ```
const PROXY_PREFIX: &str = "/_objects";
const X_ACCEL_REDIRECT: HeaderName = HeaderName::from_static("x-accel-redirect");

pub(super) async fn object(
    State(gateway): State<Gateway>,
    Path(key): Path<String>,
    method: Method,
    params: Params,
    headers: HeaderMap,
) -> Result<Response<Body>, Failure> {
    let Some(key) = Key::parse(&key).filter(|key| may_be_read(&gateway, key, &params)) else {
        return Ok(missing());
    };
    let mut response = answer(&gateway.blobs, &key, &method, &headers).await?;
    if !is_public(&key) {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        response.headers_mut().remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    }
    Ok(response)
}

fn is_public(key: &Key) -> bool {
    key.as_str().starts_with("p/")
}

/// Everybody reads what is public; what is not, who has an address with a signature that is still good.
fn may_be_read(gateway: &Gateway, key: &Key, params: &Params) -> bool {
    if is_public(key) {
        return true;
    }
    let (Ok(Some(until)), Ok(Some(signature))) = (params.integer("exp"), params.text("sig")) else {
        return false;
    };
    key.as_str().starts_with("s/")
        && until >= Timestamp::now().millis() / 1000
        && gateway.tokens.is_signed(key.as_str(), until, signature)
}

async fn answer(
    blobs: &Blobs,
    key: &Key,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response<Body>, Error> {
    let object = match blobs.object(key).await {
        Ok(object) => object,
        Err(blobs::Error::NotFound) => return Ok(missing()),
        Err(blobs::Error::Busy) => return Err(Error::Overloaded),
        Err(error) => return Err(Error::unavailable(error)),
    };
    let tag = format!("\"{}\"", &key.as_str()[2..]);
    let mut response = described(key, &tag);
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if text(header::IF_NONE_MATCH).is_some_and(|wanted| wanted.contains(&tag) || wanted.trim() == "*") {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    // What is asked about an object is answered here: an address is signed for one method, and that is GET.
    let delivery = if method == Method::HEAD { Ok(Delivery::Read) } else { blobs.delivery(key).await };
    match delivery.map_err(Error::unavailable)? {
        Delivery::Read => {
            // A range of another version would be wrong; a whole object never is.
            let same = text(header::IF_RANGE).is_none_or(|condition| condition == tag);
            let range = text(header::RANGE).filter(|_| same);
            let body = part(&mut response, range, object.bytes()).filter(|_| method != Method::HEAD);
            if let Some(range) = body {
                *response.body_mut() = Body::from_stream(object.read(range));
            }
            Ok(response)
        }
        Delivery::Address(address) => Ok(elsewhere(&address)),
        Delivery::Proxy(path) => {
            insert(&mut response, X_ACCEL_REDIRECT, &format!("{PROXY_PREFIX}{path}"));
            Ok(response)
        }
    }
}

/// An answer without a body, with what is true of the object in every answer.
fn described(key: &Key, tag: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let fixed = [
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::CONTENT_TYPE, key.media_type()),
        // Inert, but for the player that a browser makes when the address itself is opened.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; media-src 'self'; img-src 'self'; sandbox"),
        // Players on other origins may fetch what anybody may see.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    response.headers_mut().extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    insert(&mut response, header::ETAG, tag);
    response
}

/// Makes an answer that of the whole object or of the part that is wanted; the bytes to send with it.
fn part(response: &mut Response<Body>, range: Option<&str>, bytes: u64) -> Option<Range<u64>> {
    let range = match range.map_or(Wanted::All, |range| wanted(range, bytes)) {
        Wanted::All => 0..bytes,
        Wanted::Part(part) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let told = format!("bytes {}-{}/{bytes}", part.start, part.end - 1);
            insert(response, header::CONTENT_RANGE, &told);
            part
        }
        Wanted::Impossible => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            insert(response, header::CONTENT_RANGE, &format!("bytes */{bytes}"));
            // A cache that knows no ranges must not keep this for the clip.
            insert(response, header::CACHE_CONTROL, "no-store");
            response.headers_mut().remove(header::CONTENT_TYPE);
            return None;
        }
    };
    insert(response, header::CONTENT_LENGTH, &(range.end - range.start).to_string());
    Some(range)
}

/// The way to the object store. It has no tag: a client that asked whether it changed would keep an address
/// whose signature has run out.
fn elsewhere(address: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    insert(&mut response, header::LOCATION, address);
    insert(&mut response, header::CACHE_CONTROL, ADDRESS_CACHE);
    insert(&mut response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    response
}

fn insert(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A video that is still processing has its future address already: hence a hint to come back.
fn missing() -> Response<Body> {
    let mut response = Response::new(Body::from("there is no such object, or not yet\n"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    insert(&mut response, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    insert(&mut response, header::RETRY_AFTER, RETRY_SECONDS);
    insert(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(Range<u64>),
    Impossible,
}

/// One byte range (RFC 9110, 14.1.2). Several, or what cannot be read, are answered with the whole object,
/// as the standard allows.
fn wanted(header: &str, bytes: u64) -> Wanted {
    let spec = header.trim().strip_prefix("bytes=").map(str::trim).filter(|spec| !spec.contains(','));
    let Some((first, last)) = spec.and_then(|spec| spec.split_once('-')) else { return Wanted::All };
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    if !digits(first) || !digits(last) {
        return Wanted::All;
    }
    // Numbers beyond u64 lie beyond every object.
    let number = |text: &str| text.parse().unwrap_or(u64::MAX);
    let range = match (first, last) {
        ("", "") => return Wanted::All,
        ("", suffix) => bytes.saturating_sub(number(suffix))..bytes,
        (first, "") => number(first)..bytes,
        (first, last) if number(last) < number(first) => return Wanted::All,
        (first, last) => number(first)..number(last).saturating_add(1).min(bytes),
    };
    if range.start >= range.end { Wanted::Impossible } else { Wanted::Part(range) }
}

#[cfg(test)]
mod tests;
