//! Objects as HTTP: ranges, conditions, eternal caching. Only public objects are here; their keys are
//! random and never used twice, so that no look-up is needed.

use std::ops::Range;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use blobs::{Blobs, Key};
use domain::Error;

use crate::Gateway;
use crate::error::Failure;

/// Seconds after which a video that is still being made is worth asking for again.
const RETRY_SECONDS: &str = "5";

pub(super) async fn object(
    State(gateway): State<Gateway>,
    Path(key): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response<Body>, Failure> {
    let Some(key) = Key::parse(&key).filter(|key| key.as_str().starts_with("p/")) else {
        return Ok(missing());
    };
    let bytes = match gateway.blobs.meta(&key).await {
        Ok(meta) => meta.bytes,
        Err(blobs::Error::NotFound) => return Ok(missing()),
        Err(error) => return Err(Error::unavailable(error).into()),
    };
    Ok(answer(&gateway.blobs, &key, bytes, &method, &headers))
}

fn answer(blobs: &Blobs, key: &Key, bytes: u64, method: &Method, headers: &HeaderMap) -> Response<Body> {
    let tag = format!("\"{}\"", key.as_str().trim_start_matches("p/"));
    let mut response = Response::new(Body::empty());
    let fixed = [
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::CONTENT_TYPE, media_type(key)),
        // Inert, but for the player that a browser makes when the address itself is opened.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; media-src 'self'; img-src 'self'; sandbox"),
        // Players on other origins may fetch what anybody may see.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    response.headers_mut().extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if let Ok(tag) = HeaderValue::try_from(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if text(header::IF_NONE_MATCH).is_some_and(|wanted| wanted.contains(&tag) || wanted.trim() == "*") {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    // A range of another version would be wrong; a whole object never is.
    let same = text(header::IF_RANGE).is_none_or(|condition| condition == tag);
    let range = text(header::RANGE).filter(|_| same).map_or(Wanted::All, |range| wanted(range, bytes));
    let range = match range {
        Wanted::All => 0..bytes,
        Wanted::Part(part) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let told = format!("bytes {}-{}/{bytes}", part.start, part.end - 1);
            insert(&mut response, header::CONTENT_RANGE, &told);
            part
        }
        Wanted::Impossible => {
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            insert(&mut response, header::CONTENT_RANGE, &format!("bytes */{bytes}"));
            // A cache that knows no ranges must not keep this for the clip.
            insert(&mut response, header::CACHE_CONTROL, "no-store");
            response.headers_mut().remove(header::CONTENT_TYPE);
            return response;
        }
    };
    insert(&mut response, header::CONTENT_LENGTH, &(range.end - range.start).to_string());
    if method != Method::HEAD {
        *response.body_mut() = Body::from_stream(blobs.read(key, range));
    }
    response
}

fn insert(response: &mut Response<Body>, name: header::HeaderName, value: &str) {
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

fn media_type(key: &Key) -> &'static str {
    match key.as_str().rsplit_once('.') {
        Some((_, "mp4")) => "video/mp4",
        Some((_, "jpg")) => "image/jpeg",
        _ => "application/octet-stream",
    }
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
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (header, found) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=0-", Wanted::Part(0..100)),
            ("bytes=10-19", Wanted::Part(10..20)),
            ("bytes=90-1000", Wanted::Part(90..100)),
            ("bytes=-10", Wanted::Part(90..100)),
            ("bytes=-1000", Wanted::Part(0..100)),
            ("bytes=100-", Wanted::Impossible),
            ("bytes=100-200", Wanted::Impossible),
            ("bytes=-0", Wanted::Impossible),
            ("bytes=99999999999999999999999-", Wanted::Impossible),
            ("bytes=0-99999999999999999999999", Wanted::Part(0..100)),
            ("bytes=5-3", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("bytes=0-1,5-6", Wanted::All),
            ("items=0-1", Wanted::All),
            ("", Wanted::All),
        ] {
            assert_eq!(wanted(header, 100), found, "{header}");
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::Impossible);
    }
}
