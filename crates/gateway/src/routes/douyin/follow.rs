//! Follows ("relation" in this API).

use axum::extract::State;
use domain::Call;
use proto::{FollowUserRequest, ListFollowsRequest, ListFriendsRequest, UserList};
use serde::Serialize;
use utoipa::ToSchema;

use super::card::{User, user};
use super::user::{profile, user_or_self};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::Params;
use crate::reply::{Empty, Reply};
use crate::viewer::{Viewer, Visitor};

/// People.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct UserListBody {
    user_list: Vec<User>,
}

/// A friend with the latest message.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FriendUser {
    #[serde(flatten)]
    user: User,
    /// The latest message between the two, empty when there is none.
    message: String,
    /// 0: the caller received it, 1: the caller sent it.
    #[serde(rename = "msgType")]
    msg_type: i64,
}

/// Friends.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct FriendListBody {
    user_list: Vec<FriendUser>,
}

/// A number of people.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct CountBody {
    count: i64,
}

/// A yes or no.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct ResultBody {
    result: bool,
}

/// Follows a user or stops following; repeating either changes nothing.
#[utoipa::path(post, path = "/douyin/relation/action/", tag = "follow",
    params(
        ("token" = String, Query,),
        ("to_user_id" = i64, Query,),
        ("action_type" = i32, Query, description = "1: follow, 2: stop"),
    ),
    responses((status = 200, body = Reply<Empty>)))]
pub(super) async fn relation_action(
    State(gateway): State<Gateway>,
    Viewer(call): Viewer,
    params: Params,
) -> Result<Reply<Empty>, Failure> {
    let request = FollowUserRequest { user_id: params.required_id("to_user_id")? };
    set_follow(&gateway, &call, request, params.is_undo()?).await
}

/// Follows a user.
#[utoipa::path(post, path = "/douyin/relation/follow/", tag = "follow",
    params(("token" = String, Query,), ("to_user_id" = i64, Query,)),
    responses((status = 200, body = Reply<Empty>)))]
pub(super) async fn relation_follow(
    State(gateway): State<Gateway>,
    Viewer(call): Viewer,
    params: Params,
) -> Result<Reply<Empty>, Failure> {
    let request = FollowUserRequest { user_id: params.required_id("to_user_id")? };
    set_follow(&gateway, &call, request, false).await
}

/// Stops following a user.
#[utoipa::path(post, path = "/douyin/relation/unfollow/", tag = "follow",
    params(("token" = String, Query,), ("to_user_id" = i64, Query,)),
    responses((status = 200, body = Reply<Empty>)))]
pub(super) async fn relation_unfollow(
    State(gateway): State<Gateway>,
    Viewer(call): Viewer,
    params: Params,
) -> Result<Reply<Empty>, Failure> {
    let request = FollowUserRequest { user_id: params.required_id("to_user_id")? };
    set_follow(&gateway, &call, request, true).await
}

/// Whom a user follows, the most recent first.
#[utoipa::path(get, path = "/douyin/relation/follow/list/", tag = "follow",
    params(
        ("user_id" = Option<i64>, Query, description = "absent: the token's user"),
        ("token" = Option<String>, Query,),
    ),
    responses((status = 200, body = Reply<UserListBody>)))]
pub(super) async fn follow_list(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    base: Base,
    params: Params,
) -> Result<Reply<UserListBody>, Failure> {
    let request = ListFollowsRequest { user_id: user_or_self(&call, &params)?, slice: None };
    Ok(users(&base, gateway.services.follow.list_following(&call, request).await?))
}

/// Who follows a user, the most recent first.
#[utoipa::path(get, path = "/douyin/relation/follower/list/", tag = "follow",
    params(
        ("user_id" = Option<i64>, Query, description = "absent: the token's user"),
        ("token" = Option<String>, Query,),
    ),
    responses((status = 200, body = Reply<UserListBody>)))]
pub(super) async fn follower_list(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    base: Base,
    params: Params,
) -> Result<Reply<UserListBody>, Failure> {
    let request = ListFollowsRequest { user_id: user_or_self(&call, &params)?, slice: None };
    Ok(users(&base, gateway.services.follow.list_followers(&call, request).await?))
}

/// Those the caller follows and is followed by, the latest conversation first.
#[utoipa::path(get, path = "/douyin/relation/friend/list/", tag = "follow",
    params(
        ("user_id" = Option<i64>, Query, description = "ignored: friends are always the token's user's"),
        ("token" = String, Query,),
    ),
    responses((status = 200, body = Reply<FriendListBody>)))]
pub(super) async fn friend_list(
    State(gateway): State<Gateway>,
    Viewer(call): Viewer,
    base: Base,
) -> Result<Reply<FriendListBody>, Failure> {
    let found = gateway.services.follow.list_friends(&call, ListFriendsRequest {}).await?;
    let friend = |friend: proto::Friend| FriendUser {
        user: user(&base, friend.user),
        message: friend.latest_message,
        msg_type: i64::from(friend.sent_by_viewer),
    };
    Ok(Reply::success(FriendListBody { user_list: found.friends.into_iter().map(friend).collect() }))
}

/// How many a user follows.
#[utoipa::path(get, path = "/douyin/relation/follow/count/", tag = "follow",
    params(("user_id" = Option<i64>, Query,), ("token" = Option<String>, Query,)),
    responses((status = 200, body = Reply<CountBody>)))]
pub(super) async fn follow_count(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    params: Params,
) -> Result<Reply<CountBody>, Failure> {
    let user = profile(&gateway, &call, &params).await?;
    Ok(Reply::success(CountBody { count: user.follow_count }))
}

/// How many follow a user.
#[utoipa::path(get, path = "/douyin/relation/follower/count/", tag = "follow",
    params(("user_id" = Option<i64>, Query,), ("token" = Option<String>, Query,)),
    responses((status = 200, body = Reply<CountBody>)))]
pub(super) async fn follower_count(
    State(gateway): State<Gateway>,
    Visitor(call): Visitor,
    params: Params,
) -> Result<Reply<CountBody>, Failure> {
    let user = profile(&gateway, &call, &params).await?;
    Ok(Reply::success(CountBody { count: user.follower_count }))
}

/// Whether the caller follows a user.
#[utoipa::path(get, path = "/douyin/relation/isFollow/", tag = "follow",
    params(("user_id" = Option<i64>, Query,), ("token" = String, Query,)),
    responses((status = 200, body = Reply<ResultBody>)))]
pub(super) async fn is_follow(
    State(gateway): State<Gateway>,
    Viewer(call): Viewer,
    params: Params,
) -> Result<Reply<ResultBody>, Failure> {
    let user = profile(&gateway, &call, &params).await?;
    Ok(Reply::success(ResultBody { result: user.is_followed }))
}

async fn set_follow(
    gateway: &Gateway,
    call: &Call,
    request: FollowUserRequest,
    undo: bool,
) -> Result<Reply<Empty>, Failure> {
    if undo {
        gateway.services.follow.unfollow_user(call, request).await?;
    } else {
        gateway.services.follow.follow_user(call, request).await?;
    }
    Ok(Reply::success(Empty {}))
}

fn users(base: &Base, list: UserList) -> Reply<UserListBody> {
    let user_list = list.users.into_iter().map(|found| user(base, Some(found))).collect();
    Reply::success(UserListBody { user_list })
}
