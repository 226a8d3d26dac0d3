//! Tags: videos are found by the words of their titles, by who may see them and as long as they stand there.

use domain::{UserId, Visibility};

use super::fixture::{NOW, On, World, on_both, tag, title};
use crate::{NewVideo, Slice};

async fn found(world: &World, name: &str, viewer: Option<UserId>) -> Vec<i64> {
    let list = world.store.tagged_videos(tag(name), viewer, Slice::NEWEST).await.expect("a list");
    list.into_iter().map(|card| card.id).collect()
}

async fn videos_are_found_by_their_tags_newest_first(on: On) {
    let world = World::new(on).await;
    let (author, guest) = (world.user("author").await, world.user("guest").await);
    let publish = async |text: &str, visibility| {
        let video = NewVideo { title: title(text), visibility, ..world.ready(author) };
        world.store.publish(video, NOW).await.expect("publish")
    };
    let first = publish("my #Cat and #猫咪", Visibility::Public).await;
    let second = publish("#cat again #CAT", Visibility::Public).await;
    let own = publish("#cat at home", Visibility::Private).await;
    assert_eq!(found(&world, "cat", Some(guest)).await, [second.get(), first.get()]);
    assert_eq!(found(&world, "CAT", Some(author)).await, [own.get(), second.get(), first.get()]);
    assert_eq!(found(&world, "猫咪", None).await, [first.get()]);
    assert_eq!(found(&world, "dog", None).await, [0; 0]);
    let trending = world.store.trending_tags().await.expect("a list");
    let trending: Vec<_> = trending.iter().map(|row| (row.name.as_str(), row.videos)).collect();
    assert_eq!(trending, [("Cat", 2), ("猫咪", 1)], "as they were typed first; of what everybody sees");
    world.store.set_title(author, second, title("a #dog")).await.expect("change");
    assert_eq!(found(&world, "cat", Some(guest)).await, [first.get()]);
    assert_eq!(found(&world, "dog", Some(guest)).await, [second.get()]);
    world.store.delete_video(author, second, NOW).await.expect("delete");
    assert_eq!(found(&world, "dog", Some(guest)).await, [0; 0]);
    let job = world.claim_settle().await;
    while world.store.forget_reactions(second).await.expect("forget") {}
    world.store.video_gone(job.attempt, second).await.expect("end");
    let left = world.texts("SELECT CAST(video_id AS CHAR) AS text FROM video_tag ORDER BY id").await;
    assert_eq!(left, [first, first, own].map(|video| video.to_string()));
    world.is_sound().await;
}

on_both!(videos_are_found_by_their_tags_newest_first);
