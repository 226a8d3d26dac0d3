//! Comments.

use axum::extract::State;
use domain::Error;
use proto::{AddCommentRequest, CountCommentsRequest, DeleteCommentRequest, ListCommentsRequest};
use serde::Serialize;
use time::{OffsetDateTime, UtcOffset};
use utoipa::ToSchema;

use super::card::{User, user};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::Params;
use crate::reply::Reply;
use crate::viewer::{Viewer, Visitor};

/// A comment.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Comment {
    id: i64,
    user: User,
    content: String,
    /// The day it was written, as `mm-dd`.
    create_date: String,
}

/// The comment that was added; nothing after a deletion.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct CommentBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<Comment>,
}

/// Comments, newest first.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct CommentListBody {
    comment_list: Vec<Comment>,
}

/// How many comments there are.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct CommentCountBody {
    comment_count: i64,
}

/// Adds a comment, or deletes the caller's own.
#[utoipa::path(post, path = "/douyin/comment/action/", tag = "comment",
    params(
        ("token" = String, Query,),
        ("video_id" = i64, Query,),
        ("action_type" = i32, Query, description = "1: add, 2: delete"),
        ("comment_text" = Option<String>, Query, description = "1 to 255 characters, to add"),
        ("comment_id" = Option<i64>, Query, description = "to delete"),
    ),
    responses((status = 200, body = Reply<CommentBody>)))]
pub(super) async fn comment_action(
    State(gateway): State<Gateway>,
    Viewer(call): Viewer,
    base: Base,
    params: Params,
) -> Result<Reply<CommentBody>, Failure> {
    let video_id = params.required_id("video_id")?;
    if params.is_undo()? {
        let request = DeleteCommentRequest {
            video_id,
            comment_id: params.required_id("comment_id")?,
            // On this face nobody but a comment's author deletes it.
            moderate: false,
        };
        gateway.services.comment.delete_comment(&call, request).await?;
        return Ok(Reply::success(CommentBody { comment: None }));
    }
    let content = params.required("comment_text")?.to_owned();
    let request = AddCommentRequest { video_id, content, parent_id: 0 };
    let added = gateway.services.comment.add_comment(&call, request).await.map_err(in_its_words)?;
    if added.is_held {
        return Err(Error::CommentHeld.into());
    }
    Ok(Reply::success(CommentBody { comment: Some(comment(&gateway, &base, added)) }))
}

/// What is wrong with the content is wrong with the parameter it came in.
fn in_its_words(mut error: Error) -> Error {
    if let Error::Invalid { name, .. } | Error::BadParameter { name, .. } = &mut error
        && name == "content"
    {
        *name = "comment_text".into();
    }
    error
}

/// The comments under a video, newest first.
#[utoipa::path(get, path = "/douyin/comment/list/", tag = "comment",
    params(("video_id" = i64, Query,), ("token" = Option<String>, Query,)),
    responses((status = 200, body = Reply<CommentListBody>)))]
pub(super) async fn comment_list(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    base: Base,
    params: Params,
) -> Result<Reply<CommentListBody>, Failure> {
    let request =
        ListCommentsRequest { video_id: params.required_id("video_id")?, slice: None, parent_id: None };
    let found = gateway.services.comment.list_comments(&call, request).await?;
    let comment_list = found.comments.into_iter().map(|one| comment(&gateway, &base, one)).collect();
    Ok(Reply::success(CommentListBody { comment_list }))
}

/// How many comments a video has.
#[utoipa::path(get, path = "/douyin/comment/count/", tag = "comment",
    params(("video_id" = i64, Query,), ("token" = Option<String>, Query,)),
    responses((status = 200, body = Reply<CommentCountBody>)))]
pub(super) async fn comment_count(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    params: Params,
) -> Result<Reply<CommentCountBody>, Failure> {
    let request = CountCommentsRequest { video_id: params.required_id("video_id")? };
    let found = gateway.services.comment.count_comments(&call, request).await?;
    Ok(Reply::success(CommentCountBody { comment_count: found.count }))
}

fn comment(gateway: &Gateway, base: &Base, comment: proto::Comment) -> Comment {
    Comment {
        id: comment.id,
        user: user(base, comment.author),
        content: comment.content,
        create_date: day(comment.created_at, gateway.config.utc_offset_hours),
    }
}

fn day(millis: i64, offset_hours: i8) -> String {
    let utc = OffsetDateTime::from_unix_timestamp(millis / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let local = utc.to_offset(UtcOffset::from_hms(offset_hours, 0, 0).unwrap_or(UtcOffset::UTC));
    format!("{:02}-{:02}", u8::from(local.month()), local.day())
}

#[cfg(test)]
mod tests {
    use super::day;

    #[test]
    fn the_day_is_padded_and_told_in_the_configured_zone() {
        let new_year = 1_735_689_600_000; // 2025-01-01T00:00:00Z
        assert_eq!(day(new_year, 8), "01-01");
        assert_eq!(day(new_year, -5), "12-31");
        assert_eq!(day(new_year - 8 * 3_600_000, 8), "01-01");
        assert_eq!(day(new_year - 8 * 3_600_000 - 1, 8), "12-31");
    }
}
