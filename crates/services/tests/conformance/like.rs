//! Likes: counted once, by whom they were given.

use domain::Error;
use proto::{GetUserRequest, LikeVideoRequest, ListLikedVideosRequest};

use crate::world::{World, nobody};

#[tokio::test]
async fn a_second_like_changes_nothing_and_neither_does_a_second_unlike() {
    let world = World::start().await;
    let (ann, bob) = (world.somebody("ann").await, world.somebody("bob").await);
    let request = LikeVideoRequest { video_id: world.clip(&ann, "clip").await };
    let counts = async |liked: i64| {
        let of = async |call: &domain::Call| {
            let user_id = call.viewer().expect("is somebody").get();
            world.user.get_user(call, GetUserRequest { user_id }).await.expect("shows")
        };
        assert_eq!((of(&bob).await.liked_count, of(&ann).await.received_like_count), (liked, liked));
    };
    for _ in 0..2 {
        world.like.like_video(&bob, request).await.expect("likes");
        counts(1).await;
    }
    for _ in 0..2 {
        world.like.unlike_video(&bob, request).await.expect("unlikes");
        counts(0).await;
    }
    world.finish().await;
}

#[tokio::test]
async fn only_who_is_logged_in_can_like_and_only_what_exists() {
    let world = World::start().await;
    let ann = world.somebody("ann").await;
    let request = LikeVideoRequest { video_id: world.clip(&ann, "clip").await };
    assert!(matches!(world.like.like_video(&nobody(), request).await, Err(Error::TokenMissing)));
    let missing = LikeVideoRequest { video_id: 99 };
    assert!(matches!(world.like.like_video(&ann, missing).await, Err(Error::VideoNotFound(_))));
    assert!(matches!(world.like.unlike_video(&ann, missing).await, Err(Error::VideoNotFound(_))));
    let wrong = LikeVideoRequest { video_id: -1 };
    assert!(matches!(world.like.like_video(&ann, wrong).await, Err(Error::BadParameter { .. })));
    world.finish().await;
}

#[tokio::test]
async fn the_most_recent_like_stands_first_with_the_callers_own_flags() {
    let world = World::start().await;
    let (ann, bob) = (world.somebody("ann").await, world.somebody("bob").await);
    let (one, two) = (world.clip(&ann, "one").await, world.clip(&ann, "two").await);
    for video_id in [two, one] {
        world.like.like_video(&bob, LikeVideoRequest { video_id }).await.expect("likes");
    }
    let user_id = bob.viewer().expect("is somebody").get();
    let list = async |call: &domain::Call| {
        world
            .like
            .list_liked_videos(call, ListLikedVideosRequest { user_id, slice: None })
            .await
            .expect("lists")
            .videos
    };
    let ids = |videos: &[proto::Video]| videos.iter().map(|video| video.id).collect::<Vec<_>>();
    assert_eq!(ids(&list(&bob).await), [one, two]);
    assert!(list(&bob).await.iter().all(|video| video.is_liked));
    assert!(list(&ann).await.iter().all(|video| !video.is_liked));
    assert_eq!(ids(&list(&nobody()).await), [one, two]);
    world.finish().await;
}

#[tokio::test]
async fn a_thousand_likes_of_one_person_are_one() {
    let world = World::start().await;
    let (ann, bob) = (world.somebody("ann").await, world.somebody("bob").await);
    let request = LikeVideoRequest { video_id: world.clip(&ann, "clip").await };
    let likes: Vec<_> = (0..1000)
        .map(|_| {
            let likes = world.like.clone();
            tokio::spawn(async move { likes.like_video(&bob, request).await })
        })
        .collect();
    for like in likes {
        like.await.expect("ends").expect("likes");
    }
    let page = world.feed.list_feed(&bob, proto::ListFeedRequest::default()).await.expect("answers");
    assert_eq!(page.videos[0].like_count, 1);
    world.finish().await;
}
