//! What people say under a video.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use proto::{AddCommentRequest, DeleteCommentRequest, ListCommentsRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Id, Json};
use super::done;
use super::list::{Items, Page};
use super::rule::{Account, Anybody};
use super::video::{Author, author};
use crate::Gateway;
use crate::error::Failure;
use crate::params::{Params, bad};
use crate::reply;

#[derive(Serialize, ToSchema)]
struct Comment {
    id: i64,
    author: Author,
    content: String,
    /// UTC milliseconds.
    created_at: i64,
}

/// What to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewComment {
    /// 1 to 255 characters.
    content: String,
}

/// The comments under a video, newest first.
#[utoipa::path(get, path = "/api/v1/videos/{id}/comments", tag = "comment",
    params(("id" = i64, Path), ("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Comment>)))]
pub(super) async fn list(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    Id(video_id): Id,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, format!("comments/{video_id}"))?;
    let request = ListCommentsRequest { video_id, slice: Some(page.slice) };
    let found = gateway.services.comment.list_comments(&call, request).await?;
    Ok(page.answer(&gateway, found.comments.into_iter().map(comment), found.next))
}

/// Comments on a video.
#[utoipa::path(post, path = "/api/v1/videos/{id}/comments", tag = "comment", params(("id" = i64, Path)),
    request_body = NewComment, responses((status = 201, body = Comment)))]
pub(super) async fn add(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
    Json(NewComment { content }): Json<NewComment>,
) -> Result<Response, Failure> {
    let made = gateway.services.comment.add_comment(&call, AddCommentRequest { video_id, content }).await?;
    Ok(reply::list(StatusCode::CREATED, &comment(made)))
}

/// Deletes an own comment.
#[utoipa::path(delete, path = "/api/v1/videos/{id}/comments/{comment}", tag = "comment",
    params(("id" = i64, Path), ("comment" = i64, Path)), responses((status = 204)))]
pub(super) async fn delete(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
    Path(path): Path<(String, String)>,
) -> Result<Response, Failure> {
    let comment_id = path.1.parse().map_err(|_wrong| bad("comment", "must be a positive whole number"))?;
    gateway.services.comment.delete_comment(&call, DeleteCommentRequest { video_id, comment_id }).await?;
    Ok(done())
}

fn comment(comment: proto::Comment) -> Comment {
    Comment {
        id: comment.id,
        author: author(comment.author.unwrap_or_default()),
        content: comment.content,
        created_at: comment.created_at,
    }
}
