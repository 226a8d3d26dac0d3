//! Search: people, videos and tags by words. Chinese is found by any two neighbouring characters, other words by how they
//! begin.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::Result;
use proto::SearchRequest;

use super::list::{Items, Page};
use super::rule::Anybody;
use super::tag::Tags;
use super::user::{Person, people as answer};
use super::video::{Card, card};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::Params;
use crate::reply;

/// Videos with all these words in their titles that the caller may see: of the newest 512 those first that are new and
/// liked. The last word may be half typed.
#[utoipa::path(get, path = "/api/v1/search/videos", tag = "search",
    params(("q" = String, Query, description = "at most 100 characters"), ("cursor" = Option<String>, Query),
        ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Card>)))]
pub(super) async fn videos(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let (page, request) = asked(&gateway, &params, "videos")?;
    let found = gateway.services.feed.search_videos(&call, request).await?;
    Ok(page.answer(&gateway, found.videos.into_iter().map(|one| card(&base, one)), found.next))
}

/// People with all these words in what they are called: who is called just that, then of the newest 512 those whom many
/// follow. The last word may be half typed.
#[utoipa::path(get, path = "/api/v1/search/people", tag = "search",
    params(("q" = String, Query, description = "at most 100 characters"), ("cursor" = Option<String>, Query),
        ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Person>)))]
pub(super) async fn people(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let (page, request) = asked(&gateway, &params, "people")?;
    Ok(answer(&gateway, &base, &page, gateway.services.user.search_people(&call, request).await?))
}

/// Tags that begin with what was typed, with its `#` or without; those first that more videos have.
#[utoipa::path(get, path = "/api/v1/search/tags", tag = "search",
    params(("q" = String, Query, description = "at most 100 characters")),
    responses((status = 200, body = Tags)))]
pub(super) async fn tags(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    params: Params,
) -> Result<Response, Failure> {
    let query = params.text("q")?.unwrap_or_default().to_owned();
    let found = gateway.services.feed.search_tags(&call, SearchRequest { query, slice: None }).await?;
    Ok(reply::list(StatusCode::OK, &Tags::of(found)))
}

fn asked(gateway: &Gateway, params: &Params, what: &str) -> Result<(Page, SearchRequest)> {
    let query = params.text("q")?.unwrap_or_default().to_owned();
    let page = Page::of(gateway, params, format!("search/{what}/{query}"))?;
    let slice = Some(page.slice);
    Ok((page, SearchRequest { query, slice }))
}
