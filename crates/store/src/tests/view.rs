//! Views: each viewer is counted once, when they have watched enough.

use std::time::Duration;

use domain::{Error, UserId, VideoId, Visibility};

use super::fixture::{NOW, On, World, no_video, on_both};
use crate::NewVideo;

async fn a_view_counts_once_for_each_who_watched_enough(on: On) {
    let world = World::new(on).await;
    let (author, ada, bob) = (world.user("author").await, world.user("ada").await, world.user("bob").await);
    let publish = async |duration_ms| {
        let video = NewVideo { duration_ms, ..world.ready(author) };
        world.store.publish(video, NOW).await.expect("publish")
    };
    let (long, short, hidden) = (publish(60_000).await, publish(4000).await, publish(60_000).await);
    let watch = async |viewer: UserId, video: VideoId, millis| {
        world.store.watch_video(viewer, video, Duration::from_millis(millis), NOW).await
    };
    let views = async |video| world.store.video(video, None).await.expect("a video").view_count;
    watch(ada, long, 2999).await.expect("watch");
    assert_eq!(views(long).await, 0);
    for _twice in 0..2 {
        watch(ada, long, 3000).await.expect("watch");
        watch(ada, long, 10).await.expect("watch");
        assert_eq!(views(long).await, 1);
    }
    watch(bob, long, u64::MAX).await.expect("watch");
    watch(bob, short, 2000).await.expect("watch");
    assert_eq!((views(long).await, views(short).await), (2, 1));
    let longest = world.texts("SELECT CAST(MAX(watched_ms) AS CHAR) AS text FROM video_view").await;
    assert_eq!(longest, ["60000"], "nobody watches more of a video than there is");
    world.store.set_visibility(author, hidden, Visibility::Private, NOW).await.expect("hide");
    for video in [no_video(), hidden] {
        let wrong = watch(ada, video, 5000).await;
        assert!(matches!(wrong, Err(Error::VideoNotFound(_))), "{wrong:?}");
    }
    world.is_sound().await;
}

on_both!(a_view_counts_once_for_each_who_watched_enough);
