//! What to watch next.

use axum::extract::State;
use axum::response::Response;
use proto::{ListFeedRequest, ListFollowingFeedRequest};

use super::list::{Items, Page};
use super::rule::{Account, Anybody};
use super::video::{Card, card};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::Params;

/// The newest videos that everybody can see, 30 at a time.
#[utoipa::path(get, path = "/api/v1/feeds/newest", tag = "feed", params(("cursor" = Option<String>, Query)),
    responses((status = 200, body = Items<Card>)))]
pub(super) async fn newest(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, "newest")?;
    let request = ListFeedRequest { before: page.slice.before, kept: 0, kept_counts: 0 };
    let found = gateway.services.feed.list_feed(&call, request).await?;
    // An empty page is the end of the list; then the moment it tells is now.
    let next = if found.videos.is_empty() { 0 } else { found.next_before };
    Ok(page.answer(&gateway, found.videos.into_iter().map(|one| card(&base, one)), next))
}

/// Videos of those the caller follows, also such as are for followers and friends alone, the newest first.
#[utoipa::path(get, path = "/api/v1/feeds/following", tag = "feed",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Card>)))]
pub(super) async fn following(
    State(gateway): State<Gateway>,
    Account(call): Account,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, format!("following feed/{}", call.viewer()?))?;
    let request = ListFollowingFeedRequest { slice: Some(page.slice) };
    let found = gateway.services.feed.list_following(&call, request).await?;
    Ok(page.answer(&gateway, found.videos.into_iter().map(|one| card(&base, one)), found.next))
}
