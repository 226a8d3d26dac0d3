//! The feed: order, pages, cursors, and who sees it how.

use e2e::{Platform, shape};
use serde_json::Value;

const FEED: &str = "/douyin/feed/";

fn next_time(page: &Value) -> i64 {
    shape::integer(page, "next_time")
}

#[tokio::test]
async fn an_empty_feed_is_a_list_and_a_moment() {
    let platform = Platform::start().await;
    let page = platform.get(FEED, &[]).await.ok();
    assert!(shape::list(&page, "video_list").is_empty());
    assert!(next_time(&page) > 1_600_000_000_000, "milliseconds: {page}");
    platform.finish().await;
}

/// Servers of this API differ: "feed page", "feed order" and "next_time".
#[tokio::test]
async fn pages_follow_each_other_without_a_gap_or_a_repetition() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let mut published = Vec::new();
    for number in 0..32 {
        published.push(platform.video(&ann, &format!("clip {number}")).await);
    }
    // What changes a video must not move it.
    platform.like(&ann, published[0], 1).await.ok();
    platform.comment(&ann, published[1], "late").await.ok();
    published.reverse();
    let first = platform.get(FEED, &[]).await.ok();
    assert_eq!(shape::ids(shape::list(&first, "video_list")), published[..30]);
    let second = platform.get(FEED, &[("latest_time", &next_time(&first))]).await.ok();
    assert_eq!(shape::ids(shape::list(&second, "video_list")), published[30..]);
    let third = platform.get(FEED, &[("latest_time", &next_time(&second))]).await.ok();
    assert!(shape::list(&third, "video_list").is_empty());
    let again = platform.get(FEED, &[("latest_time", &next_time(&third))]).await.ok();
    // The same videos: what of them was encoded meanwhile plays from elsewhere.
    assert_eq!(shape::ids(shape::list(&again, "video_list")), published[..30], "the app starts over");
    for video in shape::list(&first, "video_list") {
        shape::video(video);
    }
    platform.finish().await;
}

/// Seconds, garbage, and GuGo's RFC 3339 text.
#[tokio::test]
async fn a_cursor_may_be_seconds_or_nonsense() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    let huge = u64::MAX;
    for cursor in [
        "0",
        "",
        "-1",
        "x",
        "2023-08-01T12:00:00Z",
        "1e309",
        "9223372036854775808",
        "9223372036854775807",
        "1.5",
        "%ff",
        "ＺＺ",
        "253402300799999",
        "4102444800",
    ] {
        let list = platform.get(FEED, &[("latest_time", &cursor)]).await.list("video_list");
        assert_eq!(shape::ids(&list), [video], "{cursor}");
    }
    let list = platform.get(FEED, &[("latest_time", &huge)]).await.list("video_list");
    assert_eq!(list.len(), 1);
    for past in ["1", "1600000000", "1600000000000"] {
        let list = platform.get(FEED, &[("latest_time", &past)]).await.list("video_list");
        assert!(list.is_empty(), "{past}");
    }
    platform.finish().await;
}

/// Servers of this API differ: "feed with bad token".
#[tokio::test]
async fn a_bad_token_sees_the_feed_as_nobody() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    platform.like(&ann, video, 1).await.ok();
    assert_eq!(platform.watch(&ann, video).await["is_favorite"], true);
    for token in ["", "nonsense", "a.b.c", "%ff"] {
        let list = platform.get(FEED, &[("token", &token)]).await.list("video_list");
        assert_eq!((list.len(), &list[0]["is_favorite"]), (1, &Value::Bool(false)), "{token}");
    }
    platform.finish().await;
}
