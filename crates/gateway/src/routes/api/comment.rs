//! What people say under a video.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::Call;
use proto::{
    AddCommentRequest, DeleteCommentRequest, LikeCommentRequest, ListCommentsRequest, UnlikeCommentRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Id, Json, number};
use super::done;
use super::list::{Items, Page};
use super::rule::{Account, Anybody};
use super::video::{Author, author};
use crate::Gateway;
use crate::address::Base;
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
    /// The comment it replies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<i64>,
    reply_count: i64,
    like_count: i64,
    is_liked: bool,
}

/// A comment that is shown when somebody has let it through.
#[derive(Serialize, ToSchema)]
struct Held {
    is_held: bool,
}

/// What to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewComment {
    /// 1 to 255 characters.
    content: String,
    /// The comment this replies to: one that is no reply itself.
    parent_id: Option<i64>,
}

/// A comment under a video, by the numbers in a path.
#[derive(Deserialize)]
pub(super) struct Place {
    id: String,
    comment: String,
}

impl Place {
    /// The video's and the comment's.
    pub(super) fn numbers(&self) -> Result<(i64, i64), Failure> {
        Ok((number("id", &self.id)?, number("comment", &self.comment)?))
    }
}

/// The comments under a video that reply to none, newest first.
#[utoipa::path(get, path = "/api/v1/videos/{id}/comments", tag = "comment",
    params(("id" = i64, Path), ("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Comment>)))]
pub(super) async fn list(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    Id(video_id): Id,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    listed((&gateway, &base), &call, &params, video_id, 0).await
}

/// The replies to a comment, newest first.
#[utoipa::path(get, path = "/api/v1/videos/{id}/comments/{comment}/replies", tag = "comment",
    params(("id" = i64, Path), ("comment" = i64, Path), ("cursor" = Option<String>, Query),
        ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Comment>)))]
pub(super) async fn replies(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    Path(place): Path<Place>,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let (video_id, comment_id) = place.numbers()?;
    listed((&gateway, &base), &call, &params, video_id, comment_id).await
}

async fn listed(
    (gateway, base): (&Gateway, &Base),
    call: &Call,
    params: &Params,
    video_id: i64,
    parent_id: i64,
) -> Result<Response, Failure> {
    let page = Page::of(gateway, params, format!("comments/{video_id}/{parent_id}"))?;
    let request = ListCommentsRequest { video_id, slice: Some(page.slice), parent_id: Some(parent_id) };
    let found = gateway.services.comment.list_comments(call, request).await?;
    Ok(page.answer(gateway, found.comments.into_iter().map(|one| comment(base, one)), found.next))
}

/// Comments on a video, or replies to a comment.
#[utoipa::path(post, path = "/api/v1/videos/{id}/comments", tag = "comment", params(("id" = i64, Path)),
    request_body = NewComment, responses((status = 201, body = Comment), (status = 202, body = Held)))]
pub(super) async fn add(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(video_id): Id,
    base: Base,
    Json(NewComment { content, parent_id }): Json<NewComment>,
) -> Result<Response, Failure> {
    if parent_id == Some(0) {
        return Err(bad("parent_id", "must be a positive whole number").into());
    }
    let request = AddCommentRequest { video_id, content, parent_id: parent_id.unwrap_or(0) };
    let made = gateway.services.comment.add_comment(&call, request).await?;
    if made.is_held {
        return Ok(reply::line(StatusCode::ACCEPTED, &Held { is_held: true }));
    }
    Ok(reply::list(StatusCode::CREATED, &comment(&base, made)))
}

/// Deletes a comment and its replies: an own one, or anybody's under an own video.
#[utoipa::path(delete, path = "/api/v1/videos/{id}/comments/{comment}", tag = "comment",
    params(("id" = i64, Path), ("comment" = i64, Path)), responses((status = 204)))]
pub(super) async fn delete(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Path(place): Path<Place>,
) -> Result<Response, Failure> {
    let (video_id, comment_id) = place.numbers()?;
    let request = DeleteCommentRequest { video_id, comment_id, moderate: true };
    gateway.services.comment.delete_comment(&call, request).await?;
    Ok(done())
}

/// Likes a comment.
#[utoipa::path(put, path = "/api/v1/videos/{id}/comments/{comment}/like", tag = "comment",
    params(("id" = i64, Path), ("comment" = i64, Path)), responses((status = 204)))]
pub(super) async fn like(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Path(place): Path<Place>,
) -> Result<Response, Failure> {
    let (video_id, comment_id) = place.numbers()?;
    gateway.services.comment.like_comment(&call, LikeCommentRequest { video_id, comment_id }).await?;
    Ok(done())
}

/// Takes a like of a comment back.
#[utoipa::path(delete, path = "/api/v1/videos/{id}/comments/{comment}/like", tag = "comment",
    params(("id" = i64, Path), ("comment" = i64, Path)), responses((status = 204)))]
pub(super) async fn unlike(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Path(place): Path<Place>,
) -> Result<Response, Failure> {
    let (video_id, comment_id) = place.numbers()?;
    gateway.services.comment.unlike_comment(&call, UnlikeCommentRequest { video_id, comment_id }).await?;
    Ok(done())
}

fn comment(base: &Base, comment: proto::Comment) -> Comment {
    Comment {
        id: comment.id,
        author: author(base, comment.author.unwrap_or_default()),
        content: comment.content,
        created_at: comment.created_at,
        parent_id: Some(comment.parent_id).filter(|id| *id != 0),
        reply_count: comment.reply_count,
        like_count: comment.like_count,
        is_liked: comment.is_liked,
    }
}
