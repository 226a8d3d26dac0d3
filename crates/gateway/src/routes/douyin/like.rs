//! Likes ("favorite" in this API).

use axum::extract::State;
use proto::{LikeVideoRequest, ListLikedVideosRequest};

use super::card::{VideoListBody, videos};
use super::user::user_or_self;
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::Params;
use crate::reply::{Empty, Reply};
use crate::viewer::{Viewer, Visitor};

/// Likes a video or takes the like back; repeating either changes nothing.
#[utoipa::path(post, path = "/douyin/favorite/action/", tag = "like",
    params(
        ("token" = String, Query,),
        ("video_id" = i64, Query,),
        ("action_type" = i32, Query, description = "1: like, 2: take it back"),
    ),
    responses((status = 200, body = Reply<Empty>)))]
pub(super) async fn favorite_action(
    State(gateway): State<Gateway>,
    Viewer(call): Viewer,
    params: Params,
) -> Result<Reply<Empty>, Failure> {
    let request = LikeVideoRequest { video_id: params.required_id("video_id")? };
    if params.is_undo()? {
        gateway.services.like.unlike_video(&call, request).await?;
    } else {
        gateway.services.like.like_video(&call, request).await?;
    }
    Ok(Reply::success(Empty {}))
}

/// What a user likes, the most recent like first.
#[utoipa::path(get, path = "/douyin/favorite/list/", tag = "like",
    params(
        ("user_id" = Option<i64>, Query, description = "absent: the token's user"),
        ("token" = Option<String>, Query,),
    ),
    responses((status = 200, body = Reply<VideoListBody>)))]
pub(super) async fn favorite_list(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    base: Base,
    params: Params,
) -> Result<Reply<VideoListBody>, Failure> {
    let request = ListLikedVideosRequest { user_id: user_or_self(&call, &params)?, slice: None };
    Ok(videos(&base, gateway.services.like.list_liked_videos(&call, request).await?))
}
