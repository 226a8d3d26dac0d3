//! Follows ("relation"), friends, and the routes only GuGo has.

use e2e::{Pairs, Platform, User, shape};
use serde_json::Value;

const FOLLOWS: &str = "/douyin/relation/follow/list/";
const FOLLOWERS: &str = "/douyin/relation/follower/list/";
const FRIENDS: &str = "/douyin/relation/friend/list/";

/// Servers of this API differ: "duplicate follow" and "unfollow when not following".
#[tokio::test]
async fn repeating_a_follow_or_its_undoing_changes_nothing() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    for (action, count) in [(2, 0), (1, 1), (1, 1), (2, 0), (2, 0), (1, 1)] {
        platform.follow(&ann, &bob, action).await.ok();
        let seen = platform.profile(&ann, &bob).await;
        assert_eq!((&seen["follower_count"], &seen["is_follow"]), (&count.into(), &(count == 1).into()));
        assert_eq!(platform.profile(&ann, &ann).await["follow_count"], count);
        let list = platform.see(&ann, FOLLOWS, &[]).await.list("user_list");
        assert_eq!(list.len(), count);
    }
    platform.finish().await;
}

/// Servers of this API differ: "self-follow".
#[tokio::test]
async fn nobody_follows_themselves_or_somebody_unknown() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let nobody = User { id: 99, ..ann.clone() };
    for action in [1, 2] {
        platform.follow(&ann, &ann, action).await.refused(100_003);
        platform.follow(&ann, &nobody, action).await.refused(110_001);
    }
    platform.follow(&ann, &nobody, 3).await.refused(100_002);
    assert_eq!(platform.profile(&ann, &ann).await["follow_count"], 0);
    platform.finish().await;
}

/// Servers of this API differ: "follow/list user_id".
#[tokio::test]
async fn lists_are_of_the_user_asked_for_with_the_callers_flags() {
    let platform = Platform::start().await;
    let [ann, bob, cat] =
        [platform.register("ann").await, platform.register("bob").await, platform.register("cat").await];
    platform.follow(&bob, &ann, 1).await.ok();
    platform.follow(&bob, &cat, 1).await.ok();
    platform.follow(&ann, &cat, 1).await.ok();
    let by_ann = platform.see(&ann, FOLLOWS, &[("user_id", &bob.id)]).await.list("user_list");
    assert_eq!(shape::ids(&by_ann), [cat.id, ann.id], "the latest first");
    let flags: Vec<bool> = by_ann.iter().map(|user| shape::boolean(user, "is_follow")).collect();
    assert_eq!(flags, [true, false], "what ann follows, not what bob does");
    let by_nobody = platform.get(FOLLOWERS, &[("user_id", &cat.id)]).await.list("user_list");
    assert_eq!(shape::ids(&by_nobody), [ann.id, bob.id]);
    for user in by_ann.iter().chain(&by_nobody) {
        shape::user(user);
    }
    let own = platform.see(&ann, FOLLOWS, &[]).await.list("user_list");
    assert_eq!(shape::ids(&own), [cat.id]);
    for list in [FOLLOWS, FOLLOWERS] {
        platform.get(list, &[]).await.refused(100_002);
        platform.get(list, &[("user_id", &77)]).await.refused(110_001);
        assert!(platform.get(list, &[("user_id", &-1)]).await.refused(100_002).json["user_list"].is_array());
    }
    platform.finish().await;
}

/// Servers of this API differ: "friend list".
#[tokio::test]
async fn friends_are_mutual_with_the_latest_message_in_front() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let mut friends = Vec::new();
    for name in ["bob", "cat", "dan"] {
        let friend = platform.register(name).await;
        platform.follow(&ann, &friend, 1).await.ok();
        platform.follow(&friend, &ann, 1).await.ok();
        friends.push(friend);
    }
    let stranger = platform.register("eve").await;
    platform.follow(&stranger, &ann, 1).await.ok();
    platform.message(&ann, &friends[0], "hello bob").await.ok();
    platform.message(&friends[1], &ann, "hello ann").await.ok();
    // Somebody else's number is not somebody else's list.
    let asked: [Pairs; 3] = [&[], &[("user_id", &ann.id)], &[("user_id", &stranger.id)]];
    for pairs in asked {
        let list = platform.see(&ann, FRIENDS, pairs).await.list("user_list");
        list.iter().for_each(shape::friend);
        assert_eq!(shape::ids(&list), [friends[1].id, friends[0].id, friends[2].id]);
        let talk = |user: &Value| (shape::text(user, "message").to_owned(), shape::integer(user, "msgType"));
        let talks: Vec<_> = list.iter().map(talk).collect();
        assert_eq!(talks, [("hello ann".into(), 0), ("hello bob".into(), 1), (String::new(), 0)]);
    }
    platform.get(FRIENDS, &[("user_id", &ann.id)]).await.refused(100_004);
    platform.finish().await;
}

#[tokio::test]
async fn the_routes_only_gugo_has_work_too() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let follow = async |path: &str| {
        platform.act(&ann, path, &[("to_user_id", &bob.id), ("action_type", &1)]).await.ok();
        let query = [("user_id", &bob.id as e2e::Shown)];
        let result = platform.see(&ann, "/douyin/relation/isFollow/", &query).await.ok();
        let followers = platform.get("/douyin/relation/follower/count/", &query).await.ok();
        let follows = platform.get("/douyin/relation/follow/count/", &[("user_id", &ann.id)]).await.ok();
        let (followers, follows) = (shape::integer(&followers, "count"), shape::integer(&follows, "count"));
        (shape::boolean(&result, "result"), followers, follows)
    };
    assert_eq!(follow("/douyin/relation/follow/").await, (true, 1, 1));
    assert_eq!(follow("/douyin/relation/follow").await, (true, 1, 1));
    assert_eq!(follow("/douyin/relation/unfollow/").await, (false, 0, 0));
    platform.get("/douyin/relation/follow/count/", &[("user_id", &99)]).await.refused(110_001);
    platform.finish().await;
}
