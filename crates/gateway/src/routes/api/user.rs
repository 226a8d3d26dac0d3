//! People: who they are, what they publish and like, whom they follow.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use proto::{
    AnswerFollowRequest, ChangeProfileRequest, FollowUserRequest, GetAccountRequest, GetUserRequest,
    ListBookmarksRequest, ListFollowRequestsRequest, ListFollowsRequest, ListFriendsRequest,
    ListLikedVideosRequest, ListVideosRequest, OwnAccount, User, UserList,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Id, Json};
use super::done;
use super::list::{Items, Page};
use super::rule::{Account, Anybody};
use super::video::{Card, card, shown_name};
use crate::Gateway;
use crate::address::Base;
use crate::error::Failure;
use crate::params::Params;
use crate::reply;

/// A person as the caller sees them.
#[derive(Serialize, ToSchema)]
pub(super) struct Person {
    id: i64,
    /// What they log in with: unique.
    name: String,
    /// What they call themselves: their name, or anything.
    display_name: String,
    /// What they say of themselves; may be empty.
    signature: String,
    following_count: i64,
    follower_count: i64,
    /// Videos that everybody can see.
    video_count: i64,
    /// Videos this person likes.
    liked_count: i64,
    /// Likes of own videos.
    received_like_count: i64,
    /// Whether the caller follows them.
    is_followed: bool,
    /// Whether who wants to follow them has to ask. What a private person shows, only followers see.
    is_private: bool,
    /// A square of 512 pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
    /// 1280 by 720 pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    background_url: Option<String>,
}

/// Somebody who follows the caller and is followed back.
#[derive(Serialize, ToSchema)]
struct Friend {
    user: Person,
    /// The latest message between the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_message: Option<LatestMessage>,
}

#[derive(Serialize, ToSchema)]
struct LatestMessage {
    content: String,
    /// Whether the caller wrote it.
    is_own: bool,
}

/// Friends, the latest conversation first, at most 500.
#[derive(Serialize, ToSchema)]
struct Friends {
    items: Vec<Friend>,
}

/// Who is logged in.
#[derive(Serialize, ToSchema)]
struct Own {
    #[serde(flatten)]
    person: Person,
    /// Whether they administrate.
    is_admin: bool,
    /// Whether they can log in without the identity provider.
    has_password: bool,
}

/// Who is logged in.
#[utoipa::path(get, path = "/api/v1/account", tag = "account", responses((status = 200, body = Own)))]
pub(super) async fn own(
    State(gateway): State<Gateway>,
    Account(call): Account,
    base: Base,
) -> Result<Response, Failure> {
    let found = gateway.services.user.get_account(&call, GetAccountRequest {}).await?;
    let OwnAccount { user, is_admin, has_password } = found;
    let person = person(&base, user.unwrap_or_default());
    Ok(reply::list(StatusCode::OK, &Own { person, is_admin, has_password }))
}

/// What to change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    /// At most 64 characters; empty for the name again.
    display_name: Option<String>,
    /// At most 255 characters.
    signature: Option<String>,
    /// True: who wants to follow has to ask, and what was public is for followers. False shows nothing again by itself.
    is_private: Option<bool>,
}

/// Changes what one is called and says of oneself, and whether anybody may follow.
#[utoipa::path(patch, path = "/api/v1/account", tag = "account", request_body = Profile,
    responses((status = 204)))]
pub(super) async fn change(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Json(Profile { display_name, signature, is_private }): Json<Profile>,
) -> Result<Response, Failure> {
    gateway
        .services
        .user
        .change_profile(&call, ChangeProfileRequest { display_name, signature, is_private })
        .await?;
    Ok(done())
}

/// A person.
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "user", params(("id" = i64, Path)),
    responses((status = 200, body = Person)))]
pub(super) async fn get(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    Id(user_id): Id,
    base: Base,
) -> Result<Response, Failure> {
    let found = gateway.services.user.get_user(&call, GetUserRequest { user_id }).await?;
    Ok(reply::list(StatusCode::OK, &person(&base, found)))
}

/// What a person has published and the caller may see; own ones also while they are made.
#[utoipa::path(get, path = "/api/v1/users/{id}/videos", tag = "user",
    params(("id" = i64, Path), ("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Card>)))]
pub(super) async fn videos(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    Id(author_id): Id,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, format!("videos/{author_id}"))?;
    let request = ListVideosRequest { author_id, slice: Some(page.slice) };
    let found = gateway.services.video.list_videos(&call, request).await?;
    Ok(page.answer(&gateway, found.videos.into_iter().map(|one| card(&base, one)), found.next))
}

/// What a person likes and the caller may see, the latest like first.
#[utoipa::path(get, path = "/api/v1/users/{id}/likes", tag = "user",
    params(("id" = i64, Path), ("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Card>)))]
pub(super) async fn likes(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    Id(user_id): Id,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, format!("likes/{user_id}"))?;
    let request = ListLikedVideosRequest { user_id, slice: Some(page.slice) };
    let found = gateway.services.like.list_liked_videos(&call, request).await?;
    Ok(page.answer(&gateway, found.videos.into_iter().map(|one| card(&base, one)), found.next))
}

/// Whom a person follows, the latest first.
#[utoipa::path(get, path = "/api/v1/users/{id}/following", tag = "user",
    params(("id" = i64, Path), ("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Person>)))]
pub(super) async fn following(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    Id(user_id): Id,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, format!("following/{user_id}"))?;
    let request = ListFollowsRequest { user_id, slice: Some(page.slice) };
    Ok(people(&gateway, &base, &page, gateway.services.follow.list_following(&call, request).await?))
}

/// Who follows a person, the latest first.
#[utoipa::path(get, path = "/api/v1/users/{id}/followers", tag = "user",
    params(("id" = i64, Path), ("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Person>)))]
pub(super) async fn followers(
    State(gateway): State<Gateway>,
    Anybody(call): Anybody,
    Id(user_id): Id,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, format!("followers/{user_id}"))?;
    let request = ListFollowsRequest { user_id, slice: Some(page.slice) };
    Ok(people(&gateway, &base, &page, gateway.services.follow.list_followers(&call, request).await?))
}

/// Those the caller follows who follow back.
#[utoipa::path(get, path = "/api/v1/account/friends", tag = "account",
    responses((status = 200, body = Friends)))]
pub(super) async fn friends(
    State(gateway): State<Gateway>,
    Account(call): Account,
    base: Base,
) -> Result<Response, Failure> {
    let found = gateway.services.follow.list_friends(&call, ListFriendsRequest {}).await?;
    let friend = |friend: proto::Friend| Friend {
        user: person(&base, friend.user.unwrap_or_default()),
        latest_message: (!friend.latest_message.is_empty())
            .then_some(LatestMessage { content: friend.latest_message, is_own: friend.sent_by_viewer }),
    };
    Ok(reply::list(StatusCode::OK, &Friends { items: found.friends.into_iter().map(friend).collect() }))
}

/// What the caller has bookmarked and may still see, the latest first.
#[utoipa::path(get, path = "/api/v1/account/bookmarks", tag = "account",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Card>)))]
pub(super) async fn bookmarks(
    State(gateway): State<Gateway>,
    Account(call): Account,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, format!("bookmarks/{}", call.viewer()?))?;
    let request = ListBookmarksRequest { slice: Some(page.slice) };
    let found = gateway.services.like.list_bookmarks(&call, request).await?;
    Ok(page.answer(&gateway, found.videos.into_iter().map(|one| card(&base, one)), found.next))
}

/// Who asks to follow the caller, the latest first.
#[utoipa::path(get, path = "/api/v1/account/follow-requests", tag = "account",
    params(("cursor" = Option<String>, Query), ("limit" = Option<u8>, Query)),
    responses((status = 200, body = Items<Person>)))]
pub(super) async fn follow_requests(
    State(gateway): State<Gateway>,
    Account(call): Account,
    base: Base,
    params: Params,
) -> Result<Response, Failure> {
    let page = Page::of(&gateway, &params, "follow-requests".to_owned())?;
    let request = ListFollowRequestsRequest { slice: Some(page.slice) };
    Ok(people(&gateway, &base, &page, gateway.services.follow.list_follow_requests(&call, request).await?))
}

/// Lets a person follow who asks to.
#[utoipa::path(put, path = "/api/v1/account/follow-requests/{id}", tag = "account",
    params(("id" = i64, Path, description = "who asks")), responses((status = 204)))]
pub(super) async fn accept_follow(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(user_id): Id,
) -> Result<Response, Failure> {
    gateway.services.follow.answer_follow(&call, AnswerFollowRequest { user_id, accept: true }).await?;
    Ok(done())
}

/// Does not let a person follow who asks to; they are not told.
#[utoipa::path(delete, path = "/api/v1/account/follow-requests/{id}", tag = "account",
    params(("id" = i64, Path, description = "who asks")), responses((status = 204)))]
pub(super) async fn refuse_follow(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(user_id): Id,
) -> Result<Response, Failure> {
    gateway.services.follow.answer_follow(&call, AnswerFollowRequest { user_id, accept: false }).await?;
    Ok(done())
}

/// Follows a person; a second time changes nothing. Who is private is asked: 202.
#[utoipa::path(put, path = "/api/v1/users/{id}/follow", tag = "user", params(("id" = i64, Path)),
    responses((status = 204), (status = 202)))]
pub(super) async fn follow(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(user_id): Id,
) -> Result<Response, Failure> {
    let followed = gateway.services.follow.follow_user(&call, FollowUserRequest { user_id }).await?;
    Ok(if followed.is_requested { StatusCode::ACCEPTED.into_response() } else { done() })
}

/// Stops following a person; a second time changes nothing.
#[utoipa::path(delete, path = "/api/v1/users/{id}/follow", tag = "user", params(("id" = i64, Path)),
    responses((status = 204)))]
pub(super) async fn unfollow(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(user_id): Id,
) -> Result<Response, Failure> {
    gateway.services.follow.unfollow_user(&call, FollowUserRequest { user_id }).await?;
    Ok(done())
}

pub(super) fn people(gateway: &Gateway, base: &Base, page: &Page, found: UserList) -> Response {
    page.answer(gateway, found.users.into_iter().map(|user| person(base, user)), found.next)
}

pub(super) fn person(base: &Base, user: User) -> Person {
    Person {
        avatar_url: base.picture(&user.avatar_key),
        background_url: base.picture(&user.background_key),
        is_private: user.is_private,
        id: user.id,
        display_name: shown_name(&user),
        name: user.name,
        signature: user.signature,
        following_count: user.follow_count,
        follower_count: user.follower_count,
        video_count: user.work_count,
        liked_count: user.liked_count,
        received_like_count: user.received_like_count,
        is_followed: user.is_followed,
    }
}
