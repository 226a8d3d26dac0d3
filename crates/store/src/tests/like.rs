//! Likes: what they count, what repeating them does, and the list of what a user likes.

use domain::{Error, UserId, VideoId};

use super::fixture::{NOW, On, World, never, no_user, no_video, on_both};
use crate::Slice;

/// (the video's likes, what this user likes, what this user's videos received)
async fn counts(world: &World, video: VideoId, user: UserId) -> (i64, i64, i64) {
    let feed = world.feed(never(), None).await;
    let likes = feed.iter().find(|card| card.id == video.get()).expect("the video").like_count;
    let card = world.store.user_card(user, None).await.expect("a card");
    (likes, card.liked_count, card.received_like_count)
}

async fn a_like_counts_for_the_video_and_for_both_people(on: On) {
    let world = World::new(on).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let video = world.video(author).await;
    world.store.like_video(fan, video, NOW).await.expect("like");
    assert_eq!(counts(&world, video, fan).await, (1, 1, 0));
    assert_eq!(counts(&world, video, author).await, (1, 0, 1));
    world.is_sound().await;
}

async fn a_second_like_changes_nothing(on: On) {
    let world = World::new(on).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let video = world.video(author).await;
    world.store.like_video(fan, video, NOW).await.expect("like");
    let before = world.dump().await;
    world.store.like_video(fan, video, NOW).await.expect("like again");
    assert_eq!(world.dump().await, before);
}

async fn a_like_of_ones_own_video_counts_on_both_sides(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let video = world.video(author).await;
    world.store.like_video(author, video, NOW).await.expect("like");
    assert_eq!(counts(&world, video, author).await, (1, 1, 1));
    world.is_sound().await;
    world.store.unlike_video(author, video).await.expect("unlike");
    assert_eq!(counts(&world, video, author).await, (0, 0, 0));
    world.is_sound().await;
}

async fn a_like_taken_back_counts_no_more(on: On) {
    let world = World::new(on).await;
    let (author, fan, other) =
        (world.user("author").await, world.user("fan").await, world.user("other").await);
    let video = world.video(author).await;
    for user in [fan, other] {
        world.store.like_video(user, video, NOW).await.expect("like");
    }
    world.store.unlike_video(fan, video).await.expect("unlike");
    assert_eq!(counts(&world, video, fan).await, (1, 0, 0));
    assert_eq!(counts(&world, video, author).await, (1, 0, 1));
    world.is_sound().await;
}

async fn taking_back_a_like_that_is_not_there_changes_nothing(on: On) {
    let world = World::new(on).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let video = world.video(author).await;
    let before = world.dump().await;
    world.store.unlike_video(fan, video).await.expect("unlike");
    assert_eq!(world.dump().await, before);
}

async fn only_a_published_video_can_be_liked(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let processing = world.processing(author).await;
    let before = world.dump().await;
    for video in [no_video(), processing] {
        for result in
            [world.store.like_video(author, video, NOW).await, world.store.unlike_video(author, video).await]
        {
            assert!(matches!(result, Err(Error::VideoNotFound(id)) if id == video), "{result:?}");
        }
    }
    assert_eq!(world.dump().await, before);
}

async fn a_like_by_nobody_is_refused_whole(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let video = world.video(author).await;
    let before = world.dump().await;
    let result = world.store.like_video(no_user(), video, NOW).await;
    assert!(matches!(result, Err(Error::Internal(_))), "{result:?}");
    assert_eq!(world.dump().await, before);
}

async fn the_latest_like_is_listed_first_even_when_it_is_a_new_one_for_an_old(on: On) {
    let world = World::new(on).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let mut videos = Vec::new();
    for _ in 0..3 {
        videos.push(world.video(author).await);
    }
    for video in [videos[2], videos[0], videos[1]] {
        world.store.like_video(fan, video, NOW).await.expect("like");
    }
    assert_eq!(liked(&world, fan).await, [videos[1], videos[0], videos[2]].map(VideoId::get));
    world.store.unlike_video(fan, videos[2]).await.expect("unlike");
    assert_eq!(liked(&world, fan).await, [videos[1], videos[0]].map(VideoId::get));
    world.store.like_video(fan, videos[2], NOW).await.expect("like");
    assert_eq!(liked(&world, fan).await, [videos[2], videos[1], videos[0]].map(VideoId::get));
}

async fn liked(world: &World, user: UserId) -> Vec<i64> {
    let list = world.store.liked_videos(user, None, Slice::NEWEST).await.expect("a list").rows;
    list.iter().map(|card| card.id).collect()
}

async fn what_an_unknown_user_likes_is_not_found(on: On) {
    let world = World::new(on).await;
    let list = world.store.liked_videos(no_user(), None, Slice::NEWEST).await;
    assert!(matches!(list, Err(Error::UserNotFound(id)) if id == no_user()), "{list:?}");
}

async fn the_list_of_likes_is_marked_for_its_viewer_not_for_its_owner(on: On) {
    let world = World::new(on).await;
    let (author, fan, viewer) =
        (world.user("author").await, world.user("fan").await, world.user("viewer").await);
    let (both, only_fan) = (world.video(author).await, world.video(author).await);
    for (user, video) in [(fan, both), (fan, only_fan), (viewer, both)] {
        world.store.like_video(user, video, NOW).await.expect("like");
    }
    world.store.follow_user(viewer, author, NOW).await.expect("follow");
    for (seen_by, expected) in [
        (Some(viewer), [(only_fan, false, true), (both, true, true)]),
        (Some(fan), [(only_fan, true, false), (both, true, false)]),
        (None, [(only_fan, false, false), (both, false, false)]),
    ] {
        let list = world.store.liked_videos(fan, seen_by, Slice::NEWEST).await.expect("a list").rows;
        let flags: Vec<_> =
            list.iter().map(|card| (card.id, card.is_liked, card.author.is_followed)).collect();
        assert_eq!(flags, expected.map(|(id, liked, followed)| (id.get(), liked, followed)), "{seen_by:?}");
    }
}

on_both!(
    a_like_counts_for_the_video_and_for_both_people,
    a_second_like_changes_nothing,
    a_like_of_ones_own_video_counts_on_both_sides,
    a_like_taken_back_counts_no_more,
    taking_back_a_like_that_is_not_there_changes_nothing,
    only_a_published_video_can_be_liked,
    a_like_by_nobody_is_refused_whole,
    the_latest_like_is_listed_first_even_when_it_is_a_new_one_for_an_old,
    what_an_unknown_user_likes_is_not_found,
    the_list_of_likes_is_marked_for_its_viewer_not_for_its_owner
);
