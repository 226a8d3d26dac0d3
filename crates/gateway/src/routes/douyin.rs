//! The Douyin API: its paths, words and JSON. Every endpoint answers under both spellings of its path, and
//! every list may also be asked for by POST, because some clients do.

mod card;
mod comment;
pub(crate) mod feed;
mod follow;
mod like;
mod message;
mod user;
mod video;

use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::routing::MethodRouter;
use serde::Serialize;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::admission::Class;
use crate::edge::Guard;
use crate::reply::Empty;
use crate::{Gateway, params};

pub(super) fn routes(gateway: &Gateway) -> OpenApiRouter<Gateway> {
    let most = gateway.config.max_upload_bytes + params::MAX_BODY_BYTES as u64;
    let upload = DefaultBodyLimit::max(usize::try_from(most).unwrap_or(usize::MAX));
    let small = OpenApiRouter::new()
        .routes(list::<feed::FeedBody, _, _>(gateway, routes!(feed::feed), feed::feed))
        .routes(action::<user::AccountBody>(gateway, Class::Login, routes!(user::register)))
        .routes(action::<user::AccountBody>(gateway, Class::Login, routes!(user::login)))
        .routes(list::<user::UserBody, _, _>(gateway, routes!(user::user), user::user))
        .routes(list::<card::VideoListBody, _, _>(gateway, routes!(video::publish_list), video::publish_list))
        .routes(action::<Empty>(gateway, Class::Social, routes!(like::favorite_action)))
        .routes(list::<card::VideoListBody, _, _>(gateway, routes!(like::favorite_list), like::favorite_list))
        .routes(action::<comment::CommentBody>(gateway, Class::Social, routes!(comment::comment_action)))
        .routes(list::<comment::CommentListBody, _, _>(
            gateway,
            routes!(comment::comment_list),
            comment::comment_list,
        ))
        .routes(list::<comment::CommentCountBody, _, _>(
            gateway,
            routes!(comment::comment_count),
            comment::comment_count,
        ))
        .routes(action::<Empty>(gateway, Class::Social, routes!(follow::relation_action)))
        .routes(action::<Empty>(gateway, Class::Social, routes!(follow::relation_follow)))
        .routes(action::<Empty>(gateway, Class::Social, routes!(follow::relation_unfollow)))
        .routes(list::<follow::UserListBody, _, _>(
            gateway,
            routes!(follow::follow_list),
            follow::follow_list,
        ))
        .routes(list::<follow::UserListBody, _, _>(
            gateway,
            routes!(follow::follower_list),
            follow::follower_list,
        ))
        .routes(list::<follow::FriendListBody, _, _>(
            gateway,
            routes!(follow::friend_list),
            follow::friend_list,
        ))
        .routes(list::<follow::CountBody, _, _>(gateway, routes!(follow::follow_count), follow::follow_count))
        .routes(list::<follow::CountBody, _, _>(
            gateway,
            routes!(follow::follower_count),
            follow::follower_count,
        ))
        .routes(list::<follow::ResultBody, _, _>(gateway, routes!(follow::is_follow), follow::is_follow))
        .routes(list::<message::MessageListBody, _, _>(
            gateway,
            routes!(message::message_chat),
            message::message_chat,
        ))
        .routes(action::<Empty>(gateway, Class::Social, routes!(message::message_action)));
    let publish = action::<Empty>(gateway, Class::Upload, routes!(video::publish_action));
    small.merge(OpenApiRouter::new().routes(publish).layer(upload))
}

/// A route that changes something; `T` is what its answer has besides the envelope, also when it fails.
fn action<T: Default + Serialize + 'static>(
    gateway: &Gateway,
    class: Class,
    route: UtoipaMethodRouter<Gateway>,
) -> UtoipaMethodRouter<Gateway> {
    UtoipaMethodRouterExt::layer(route, Guard::new::<T>(gateway, class))
}

/// A route that only reads, and answers POST too.
fn list<T, H, A>(
    gateway: &Gateway,
    (schemas, paths, route): UtoipaMethodRouter<Gateway>,
    handler: H,
) -> UtoipaMethodRouter<Gateway>
where
    T: Default + Serialize + 'static,
    H: Handler<A, Gateway>,
    A: 'static,
{
    let route: MethodRouter<Gateway> = route.post(handler);
    action::<T>(gateway, Class::Read, (schemas, paths, route))
}
