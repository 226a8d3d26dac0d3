//! The store's cards as the contract's messages.

use proto::{User, UserList, Video, VideoList};
use store::{UserCard, VideoCard};

pub(crate) fn user(card: UserCard) -> User {
    User {
        id: card.id,
        name: card.name,
        follow_count: card.follow_count,
        follower_count: card.follower_count,
        is_followed: card.is_followed,
        received_like_count: card.received_like_count,
        work_count: card.work_count,
        liked_count: card.liked_count,
    }
}

pub(crate) fn users(cards: Vec<UserCard>) -> UserList {
    UserList { users: cards.into_iter().map(user).collect() }
}

pub(crate) fn video(card: VideoCard) -> Video {
    Video {
        id: card.id,
        author: Some(user(card.author)),
        title: card.title,
        play_key: card.play_key,
        cover_key: card.cover_key.unwrap_or_default(),
        like_count: card.like_count,
        comment_count: card.comment_count,
        is_liked: card.is_liked,
        ready: card.published_at.is_some(),
        published_at: card.published_at.unwrap_or(0),
    }
}

pub(crate) fn videos(cards: Vec<VideoCard>) -> VideoList {
    VideoList { videos: cards.into_iter().map(video).collect() }
}
