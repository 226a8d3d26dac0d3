//! Tags: the words in titles that videos are found by.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use proto::{ListTaggedRequest, ListTrendingRequest, TagList};
use serde::Serialize;
use utoipa::ToSchema;

use super::list::{Items, Page};
use super::rule::Anybody;
use super::video::{Card, card};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::Params;
use crate::reply;

#[derive(Serialize, ToSchema)]
struct Tag {
    /// Without its `#`.
    name: String,
    /// How many videos have it: for what trends, of the 2,000 published last; for what was looked for, up to 1,000.
    video_count: i64,
}

/// Tags, those first that many use, at most 20.
#[derive(Serialize, ToSchema)]
pub(super) struct Tags {
    items: Vec<Tag>,
}

impl Tags {
    pub(super) fn of(found: TagList) -> Self {
        let tag = |tag: proto::Tag| Tag { name: tag.name, video_count: tag.videos };
        Self { items: found.tags.into_iter().map(tag).collect() }
    }
}

/// The tags that most of the videos published last have.
#[utoipa::path(get, path = "/api/v1/tags", tag = "tag", responses((status = 200, body = Tags)))]
pub(super) async fn trending(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
) -> Result<Response, Failure> {
    let found = gateway.services.feed.list_trending(&call, ListTrendingRequest {}).await?;
    Ok(reply::list(StatusCode::OK, &Tags::of(found)))
}

/// Videos with a tag, the newest first. Tags that look alike are one: `#Cat` is `#cat`.
#[utoipa::path(get, path = "/api/v1/tags/{name}/videos", tag = "tag",
    params(("name" = String, Path, description = "without its `#`"), ("cursor" = Option<String>, Query),
        ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Card>)))]
pub(super) async fn videos(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    base: Base,
    Path(tag): Path<String>,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, format!("tag/{tag}"))?;
    let request = ListTaggedRequest { tag, slice: Some(page.slice) };
    let found = gateway.services.feed.list_tagged(&call, request).await?;
    Ok(page.answer(&gateway, found.videos.into_iter().map(|one| card(&base, one)), found.next))
}
