//! The JSON objects that several endpoints share.

use proto::VideoList;
use serde::Serialize;
use utoipa::ToSchema;

use crate::address::Base;
use crate::reply::Reply;

const DEFAULT_SIGNATURE: &str = "这个人很懒，什么都没有留下";

/// A person as the caller sees them.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct User {
    id: i64,
    name: String,
    /// How many this user follows.
    follow_count: i64,
    /// How many follow this user.
    follower_count: i64,
    /// Whether the caller follows this user.
    is_follow: bool,
    avatar: String,
    background_image: String,
    signature: String,
    /// Likes received over all own videos.
    total_favorited: i64,
    /// Videos published.
    work_count: i64,
    /// Videos this user likes.
    favorite_count: i64,
}

/// A video as the caller sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Video {
    id: i64,
    author: User,
    /// Answers 404 with Retry-After while the video is still processing.
    play_url: String,
    cover_url: String,
    favorite_count: i64,
    comment_count: i64,
    /// Whether the caller likes it.
    is_favorite: bool,
    title: String,
}

/// Videos.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct VideoListBody {
    pub video_list: Vec<Video>,
}

pub(super) fn user(base: &Base, user: Option<proto::User>) -> User {
    let user = user.unwrap_or_default();
    let said = Some(user.signature).filter(|signature| !signature.is_empty());
    let signature = said.unwrap_or_else(|| DEFAULT_SIGNATURE.into());
    User {
        id: user.id,
        name: user.name,
        follow_count: user.follow_count,
        follower_count: user.follower_count,
        is_follow: user.is_followed,
        avatar: base.picture(&user.avatar_key).unwrap_or_else(|| base.asset("avatar.png")),
        background_image: base.picture(&user.background_key).unwrap_or_else(|| base.asset("background.jpg")),
        signature,
        total_favorited: user.received_like_count,
        work_count: user.work_count,
        favorite_count: user.liked_count,
    }
}

pub(super) fn video(base: &Base, video: proto::Video) -> Video {
    Video {
        id: video.id,
        author: user(base, video.author),
        play_url: base.object(&video.play_key),
        cover_url: base.cover(&video.cover_key),
        favorite_count: video.like_count,
        comment_count: video.comment_count,
        is_favorite: video.is_liked,
        title: video.title,
    }
}

/// How many whole numbers, and yes or no, a video's JSON has.
pub(super) const VALUES: usize = 11;

/// Those of a video, in the order of its JSON.
pub(super) fn values(video: &proto::Video) -> [i64; VALUES] {
    let nobody = proto::User::default();
    let author = video.author.as_ref().unwrap_or(&nobody);
    [
        video.id,
        author.id,
        author.follow_count,
        author.follower_count,
        author.is_followed.into(),
        author.received_like_count,
        author.work_count,
        author.liked_count,
        video.like_count,
        video.comment_count,
        video.is_liked.into(),
    ]
}

pub(super) fn videos(base: &Base, list: VideoList) -> Reply<VideoListBody> {
    let video_list = list.videos.into_iter().map(|found| video(base, found)).collect();
    Reply::success(VideoListBody { video_list })
}
