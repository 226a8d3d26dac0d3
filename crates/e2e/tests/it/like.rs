//! Likes ("favorite").

use e2e::{Platform, shape};

const LIST: &str = "/douyin/favorite/list/";

/// Servers of this API differ: "duplicate like" and "unlike when not liked".
#[tokio::test]
async fn repeating_a_like_or_its_undoing_changes_nothing() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.video(&ann, "clip").await;
    for (action, count) in [(2, 0), (1, 1), (1, 1), (1, 1), (2, 0), (2, 0), (1, 1)] {
        platform.like(&bob, video, action).await.ok();
        let seen = platform.watch(&bob, video).await;
        assert_eq!((&seen["favorite_count"], &seen["is_favorite"]), (&count.into(), &(count == 1).into()));
        assert_eq!(platform.profile(&bob, &ann).await["total_favorited"], count);
        assert_eq!(platform.profile(&bob, &bob).await["favorite_count"], count);
    }
    platform.finish().await;
}

/// The flags are the caller's, not the list owner's.
#[tokio::test]
async fn another_persons_list_shows_the_callers_flags() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.video(&ann, "clip").await;
    platform.like(&bob, video, 1).await.ok();
    let by_ann = platform.see(&ann, LIST, &[("user_id", &bob.id)]).await.list("video_list");
    let by_bob = platform.see(&bob, LIST, &[("user_id", &bob.id)]).await.list("video_list");
    let by_nobody = platform.get(LIST, &[("user_id", &bob.id)]).await.list("video_list");
    let flags = [by_ann, by_bob, by_nobody].map(|list| shape::boolean(&list[0], "is_favorite"));
    assert_eq!(flags, [false, true, false]);
    platform.get(LIST, &[]).await.refused(100_002);
    platform.get(LIST, &[("user_id", &77)]).await.refused(110_001);
    platform.finish().await;
}
