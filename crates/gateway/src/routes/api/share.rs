//! Links by which a video is seen for a while, whoever may see it otherwise.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use proto::{EndShareRequest, GetSharedVideoRequest, ShareVideoRequest, VideoRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Id, Json, number};
use super::done;
use super::rule::{Account, Anybody};
use super::video::{Video, shown};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::reply;

/// For how long.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewShare {
    /// UTC milliseconds, within a year.
    expires_at: i64,
}

#[derive(Serialize, ToSchema)]
struct Share {
    id: i64,
    /// What `GET /api/v1/shares/{word}` takes; told once.
    #[serde(skip_serializing_if = "Option::is_none")]
    word: Option<String>,
    /// UTC milliseconds.
    created_at: i64,
    /// UTC milliseconds.
    expires_at: i64,
}

#[derive(Serialize, ToSchema)]
struct Shares {
    items: Vec<Share>,
}

/// Makes a link by which an own video is seen until a moment, whoever may see it otherwise.
#[utoipa::path(post, path = "/api/v1/videos/{id}/shares", tag = "share", params(("id" = i64, Path)),
    request_body = NewShare, responses((status = 201, body = Share)))]
pub(super) async fn create(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
    Json(NewShare { expires_at }): Json<NewShare>,
) -> Result<Response, Failure> {
    let made = gateway.services.video.share_video(&call, ShareVideoRequest { video_id, expires_at }).await?;
    Ok(reply::line(StatusCode::CREATED, &share(made)))
}

/// Links to an own video that still hold, at most 20.
#[utoipa::path(get, path = "/api/v1/videos/{id}/shares", tag = "share", params(("id" = i64, Path)),
    responses((status = 200, body = Shares)))]
pub(super) async fn list(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
) -> Result<Response, Failure> {
    let found = gateway.services.video.list_shares(&call, VideoRequest { video_id }).await?;
    Ok(reply::list(StatusCode::OK, &Shares { items: found.shares.into_iter().map(share).collect() }))
}

/// Ends a link to an own video.
#[utoipa::path(delete, path = "/api/v1/videos/{id}/shares/{share}", tag = "share",
    params(("id" = i64, Path), ("share" = i64, Path)), responses((status = 204)))]
pub(super) async fn end(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Path((video_id, share_id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (video_id, share_id) = (number("id", &video_id)?, number("share", &share_id)?);
    gateway.services.video.end_share(&call, EndShareRequest { video_id, share_id }).await?;
    Ok(done())
}

/// The video that a link leads to.
#[utoipa::path(get, path = "/api/v1/shares/{word}", tag = "share", params(("word" = String, Path)),
    responses((status = 200, body = Video)))]
pub(super) async fn get(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    Path(word): Path<String>,
    base: Base,
) -> Result<Response, Failure> {
    let found = gateway.services.video.get_shared_video(&call, GetSharedVideoRequest { word }).await?;
    let mut video = shown(&base, found);
    // Its lists ask who watches; the link is not told to them.
    video.hls_url = None;
    Ok(reply::list(StatusCode::OK, &video))
}

fn share(made: proto::Share) -> Share {
    let proto::Share { id, word, created_at, expires_at } = made;
    Share { id, word: Some(word).filter(|word| !word.is_empty()), created_at, expires_at }
}
