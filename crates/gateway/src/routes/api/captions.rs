//! Captions of an own video, one track a language.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::limits::MAX_CAPTIONS_BYTES;
use proto::{DeleteCaptionsRequest, PutCaptionsRequest};

use super::body::Id;
use super::done;
use super::rule::Account;
use crate::Gateway;
use crate::error::Failure;
use crate::params::{bad, small_body, within};

/// How long a track may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// Gives an own video captions, in place of those of the same language.
#[utoipa::path(put, path = "/api/v1/videos/{id}/captions/{language}", tag = "captions",
    params(("id" = i64, Path), ("language" = String, Path, description = "a tag of BCP 47 such as `zh-CN`")),
    request_body(content = String, content_type = "text/vtt", description = "WebVTT, at most 256 KiB"),
    responses((status = 204)))]
pub(super) async fn put(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
    Path(path): Path<(String, String)>,
    body: Body,
) -> Result<Response, Failure> {
    let text = within(PATIENCE, text(body)).await?;
    gateway
        .services
        .video
        .put_captions(&call, PutCaptionsRequest { video_id, language: path.1, text })
        .await?;
    Ok(done())
}

/// Takes an own video's captions of a language away.
#[utoipa::path(delete, path = "/api/v1/videos/{id}/captions/{language}", tag = "captions",
    params(("id" = i64, Path), ("language" = String, Path)),
    responses((status = 204)))]
pub(super) async fn delete(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
    Path(path): Path<(String, String)>,
) -> Result<Response, Failure> {
    gateway
        .services
        .video
        .delete_captions(&call, DeleteCaptionsRequest { video_id, language: path.1 })
        .await?;
    Ok(done())
}

async fn text(body: Body) -> domain::Result<String> {
    let bytes = small_body(body, MAX_CAPTIONS_BYTES).await?;
    String::from_utf8(bytes).map_err(|_not_text| bad("request body", "must be UTF-8 text"))
}
