//! What to watch next.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use proto::{
    ForgetTasteRequest, GetWhyRequest, ListFeedRequest, ListFollowingFeedRequest, ListForYouRequest,
    PassOnRequest, WantNoSuchRequest,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Id;
use super::done;
use super::list::{Items, Page};
use super::rule::{Account, Anybody};
use super::video::{Card, card};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::Params;
use crate::reply;

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
    // One from which this viewer wants to see nothing goes on.
    let is_end = found.videos.is_empty() && found.texts != 0;
    let next = if is_end { 0 } else { found.next_before };
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

/// Videos chosen for the caller.
#[derive(Serialize, ToSchema)]
struct Chosen {
    items: Vec<Card>,
}

/// Why a video was shown.
#[derive(Serialize, ToSchema)]
struct Why {
    /// `fresh`, `popular`, `followed` (its author is), `network` (somebody who is followed likes it), `tag`, `author` (its
    /// tags, its author are liked), `similar` (people who like the same like it) or `explore` (hardly anybody has seen it
    /// yet); null when it was not shown, or more than thirty days ago.
    why: Option<String>,
    /// UTC milliseconds: when it was shown last.
    #[serde(skip_serializing_if = "Option::is_none")]
    shown_at: Option<i64>,
}

/// Videos chosen for the caller by what they watched, liked, commented and did not want. What was shown comes again only
/// when there is nothing else: the next page is asked for the same way, without a cursor.
#[utoipa::path(get, path = "/api/v1/feeds/for-you", tag = "feed", params(("limit" = Option<u8>, Query)),
    responses((status = 200, body = Chosen)))]
pub(super) async fn for_you(
    State(gateway): State<Gateway>,
    Account(call): Account,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, "for you")?;
    let request = ListForYouRequest { rows: page.slice.rows };
    let found = gateway.services.feed.list_for_you(&call, request).await?;
    let items = found.videos.into_iter().map(|one| card(&base, one)).collect();
    Ok(reply::list(StatusCode::OK, &Chosen { items }))
}

/// Why a video was shown to the caller among those chosen for them.
#[utoipa::path(get, path = "/api/v1/videos/{id}/why", tag = "feed", params(("id" = i64, Path)),
    responses((status = 200, body = Why)))]
pub(super) async fn why(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
) -> Result<Response, Failure> {
    let found = gateway.services.feed.get_why(&call, GetWhyRequest { video_id }).await?;
    let shown_at = Some(found.shown_at).filter(|at| *at > 0);
    Ok(reply::list(StatusCode::OK, &Why { why: Some(found.why).filter(|why| !why.is_empty()), shown_at }))
}

/// The caller wants no such video: it is not chosen again, and others like it less.
#[utoipa::path(put, path = "/api/v1/videos/{id}/not-interested", tag = "feed", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn not_interested(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
) -> Result<Response, Failure> {
    gateway.services.feed.want_no_such(&call, WantNoSuchRequest { video_id }).await?;
    Ok(done())
}

/// The caller has passed the video on to somebody: others like it are chosen more.
#[utoipa::path(put, path = "/api/v1/videos/{id}/passed-on", tag = "feed", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn pass_on(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
) -> Result<Response, Failure> {
    gateway.services.feed.pass_on(&call, PassOnRequest { video_id }).await?;
    Ok(done())
}

/// What the caller did until now says nothing any more of what is chosen for them.
#[utoipa::path(delete, path = "/api/v1/account/taste", tag = "feed", responses((status = 204)))]
pub(super) async fn forget_taste(
    State(gateway): State<Gateway>,
    Account(call): Account,
) -> Result<Response, Failure> {
    gateway.services.feed.forget_taste(&call, ForgetTasteRequest {}).await?;
    Ok(done())
}
