//! The web client's files as they were built into this program: which there are, and how a browser gets one.
//! What stands in a page is `routes/page.rs`'s.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Built;

/// Names with a hash of their content are below this; they never change.
const HASHED: &str = "app/";
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// What a browser that accepts it gets instead of a file: the ending of its sibling, best first.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// The page every address of the client begins with; none when the client was not built.
pub(crate) fn page() -> Option<String> {
    let file = Built::get("index.html")?;
    String::from_utf8(file.data.into_owned()).ok()
}

/// Whether there is such a file. Pages and compressed siblings have no address of their own.
pub(crate) fn has(name: &str) -> bool {
    !name.ends_with(".html")
        && ENCODINGS.iter().all(|(_, ending)| !name.ends_with(ending))
        && Built::get(name).is_some()
}

/// A built file, compressed as the browser likes it, or that it has not changed.
pub(crate) fn file(name: &str, headers: &HeaderMap) -> Option<Response> {
    if !has(name) {
        return None;
    }
    let sibling = ENCODINGS
        .iter()
        .filter(|(encoding, _)| accepts(headers, encoding))
        .find_map(|(encoding, ending)| Some((*encoding, Built::get(&format!("{name}{ending}"))?)));
    let (encoding, file) = match sibling {
        Some((encoding, file)) => (Some(encoding), file),
        None => (None, Built::get(name)?),
    };
    let tag = tag(&file.metadata.sha256_hash(), encoding.unwrap_or("plain"));
    let mut response = if is_known(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = file.data.into_owned().into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(name)));
        if let Some(encoding) = encoding {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    };
    let cache = if name.starts_with(HASHED) { FOREVER } else { ASK_AGAIN };
    response.headers_mut().insert(header::CACHE_CONTROL, cache);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Some(response)
}

/// Whether the browser holds what this tag is of.
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
    known.split(',').any(|one| matches!(one.trim(), "*") || one.trim().trim_start_matches("W/") == tag)
}

/// The strong tag of what has this hash, as it is sent.
pub(crate) fn tag(hash: &[u8], encoding: &str) -> String {
    format!("\"{}-{encoding}\"", domain::hex(&hash[..hash.len().min(16)]))
}

fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|all| all.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_refused = |weight: &str| weight.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32));
        parts.next() == Some(encoding) && !parts.any(is_refused)
    })
}

/// What the client is built of; a test finds what is missing here.
fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(name: header::HeaderName, value: &'static str) -> HeaderMap {
        [(name, HeaderValue::from_static(value))].into_iter().collect()
    }

    #[test]
    fn an_encoding_counts_unless_it_is_refused() {
        for (said, is_accepted) in [
            ("gzip, deflate, br", true),
            ("br;q=0.5", true),
            ("br;q=0", false),
            ("br; q=0.000", false),
            ("gzip", false),
            ("brotli", false),
        ] {
            assert_eq!(accepts(&asks(header::ACCEPT_ENCODING, said), "br"), is_accepted, "{said}");
        }
    }

    #[test]
    fn a_tag_is_known_by_whichever_spelling() {
        for (said, known) in [
            ("\"a-br\"", true),
            ("W/\"a-br\"", true),
            ("\"b\", \"a-br\"", true),
            ("*", true),
            ("\"a\"", false),
        ] {
            assert_eq!(is_known(&asks(header::IF_NONE_MATCH, said), "\"a-br\""), known, "{said}");
        }
    }

    #[test]
    fn whatever_was_built_has_a_kind_and_is_there_in_every_encoding() {
        for name in Built::iter().filter(|name| has(name)) {
            assert_ne!(kind(&name), "application/octet-stream", "{name}");
            let first = file(&name, &HeaderMap::new()).expect("is there");
            let tag = first.headers()[header::ETAG].to_str().expect("text").to_owned();
            let mut again = HeaderMap::new();
            again.insert(header::IF_NONE_MATCH, HeaderValue::try_from(tag).expect("a value"));
            assert_eq!(file(&name, &again).expect("is there").status(), StatusCode::NOT_MODIFIED, "{name}");
        }
        assert!(file("index.html", &HeaderMap::new()).is_none());
        assert!(file("app/old-hash.js", &HeaderMap::new()).is_none());
    }
}
