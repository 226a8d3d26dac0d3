//! The limits of an answer: a page of the feed from a handler that does nothing else.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Bytes set aside before serialising: a page of the feed, 18 KB, fits, so that nothing is copied twice.
const CAPACITY: usize = 32 * 1024;

/// An answer of the feed, field for field as the platform writes it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    pub status_code: i32,
    pub status_msg: String,
    pub video_list: Vec<Video>,
    pub next_time: i64,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Video {
    pub id: i64,
    pub author: Author,
    pub play_url: String,
    pub cover_url: String,
    pub favorite_count: i64,
    pub comment_count: i64,
    pub is_favorite: bool,
    pub title: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Author {
    pub id: i64,
    pub name: String,
    pub follow_count: i64,
    pub follower_count: i64,
    pub is_follow: bool,
    pub avatar: String,
    pub background_image: String,
    pub signature: String,
    pub total_favorited: i64,
    pub work_count: i64,
    pub favorite_count: i64,
}

/// Reads an answer of the platform; refuses one that these types would not write as it is.
pub(super) fn read(path: &Path) -> Result<Page> {
    let text = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let page: Page = serde_json::from_slice(&text).context("read the page of the feed")?;
    ensure!(serde_json::to_vec(&page)? == text, "the platform writes a page of the feed in another way");
    Ok(page)
}

pub(super) fn hi() -> Router {
    Router::new().fallback(get(async || "hi"))
}

pub(super) fn serialise(page: Page) -> Router {
    let handler = async |State(page): State<Arc<Page>>| answer(&page);
    Router::new().fallback(get(handler)).with_state(Arc::new(page))
}

pub(super) fn bytes(page: &Page) -> Result<Router> {
    let handler = async |State(bytes): State<Bytes>| typed(Body::from(bytes));
    Ok(Router::new().fallback(get(handler)).with_state(Bytes::from(serde_json::to_vec(page)?)))
}

pub(super) fn json(page: Page) -> Router {
    let handler = async |State(page): State<Arc<Page>>| Json(Page::clone(&page));
    Router::new().fallback(get(handler)).with_state(Arc::new(page))
}

/// A page into one buffer of sufficient size: the cheapest way that still serialises.
pub(super) fn answer(page: &Page) -> Response {
    let mut bytes = Vec::with_capacity(CAPACITY);
    match serde_json::to_writer(&mut bytes, page) {
        Ok(()) => typed(Body::from(bytes)),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn typed(body: Body) -> Response {
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
