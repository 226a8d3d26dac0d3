//! Pages of the feed that are kept: nobody can tell but by the clock. What changed shows at once to who changed
//! it, and what is one viewer's stays theirs.

use std::time::Duration;

use e2e::{Answer, Platform, User, eventually, shape};
use reqwest::Method;
use serde_json::Value;

const FEED: &str = "/douyin/feed/";
const DEADLINE: Duration = Duration::from_secs(10);

/// A video's likes and followers of its author, each with whether they are also the viewer's.
fn seen(video: &Value) -> (i64, bool, i64, bool) {
    let author = &video["author"];
    let (likes, is_liked) = (shape::integer(video, "favorite_count"), shape::boolean(video, "is_favorite"));
    (likes, is_liked, shape::integer(author, "follower_count"), shape::boolean(author, "is_follow"))
}

/// The feed as who is not logged in sees it.
async fn feed(platform: &Platform) -> Vec<Value> {
    platform.get(FEED, &[]).await.list("video_list")
}

/// Has the newest page kept: it is asked for by nobody and by somebody, twice.
async fn keep(platform: &Platform, viewer: &User) {
    for _ in 0..2 {
        feed(platform).await;
        platform.see(viewer, FEED, &[]).await.ok();
    }
}

/// What others did is seen by nobody a moment later.
async fn eventually_seen(platform: &Platform, expected: (i64, bool, i64, bool)) {
    eventually("nobody sees what changed", DEADLINE, async || {
        (seen(&feed(platform).await[0]) == expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_like_and_a_follow_show_at_once_to_who_did_them() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.video(&ann, "clip").await;
    keep(&platform, &bob).await;
    platform.like(&bob, video, 1).await.ok();
    assert_eq!(seen(&platform.watch(&bob, video).await), (1, true, 0, false));
    platform.follow(&bob, &ann, 1).await.ok();
    assert_eq!(seen(&platform.watch(&bob, video).await), (1, true, 1, true));
    eventually_seen(&platform, (1, false, 1, false)).await;
    platform.like(&bob, video, 2).await.ok();
    assert_eq!(seen(&platform.watch(&bob, video).await), (0, false, 1, true));
    platform.follow(&bob, &ann, 2).await.ok();
    assert_eq!(seen(&platform.watch(&bob, video).await), (0, false, 0, false));
    eventually_seen(&platform, (0, false, 0, false)).await;
    platform.finish().await;
}

#[tokio::test]
async fn a_published_video_shows_at_once_to_everybody() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let mut published = Vec::new();
    for title in ["one", "二", "3 \"quoted\" \\ 🎬"] {
        keep(&platform, &bob).await;
        published.insert(0, platform.video(&ann, title).await);
        assert_eq!(shape::ids(&feed(&platform).await), published);
        let list = platform.see(&bob, FEED, &[]).await.list("video_list");
        assert_eq!((shape::ids(&list), shape::text(&list[0], "title")), (published.clone(), title));
        list.iter().for_each(shape::video);
    }
    platform.finish().await;
}

#[tokio::test]
async fn two_viewers_and_nobody_take_turns_and_see_their_own_marks() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let (one, two) = (platform.video(&ann, "one").await, platform.video(&bob, "two").await);
    platform.like(&ann, one, 1).await.ok();
    platform.follow(&ann, &bob, 1).await.ok();
    platform.like(&bob, two, 1).await.ok();
    platform.follow(&bob, &ann, 1).await.ok();
    for _ in 0..3 {
        assert_eq!(seen(&platform.watch(&ann, one).await), (1, true, 1, false));
        assert_eq!(seen(&platform.watch(&bob, one).await), (1, false, 1, true));
        assert_eq!(seen(&platform.watch(&bob, two).await), (1, true, 1, false));
        assert_eq!(seen(&platform.watch(&ann, two).await), (1, false, 1, true));
        let marks = |video: &Value| {
            shape::boolean(video, "is_favorite") || shape::boolean(&video["author"], "is_follow")
        };
        assert!(!feed(&platform).await.iter().any(marks), "nobody has marks");
    }
    platform.finish().await;
}

#[tokio::test]
async fn links_are_of_the_host_that_was_asked() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    platform.video(&ann, "clip").await;
    keep(&platform, &ann).await;
    for host in ["one.example", "two.example:8080", "one.example", platform.http()] {
        for token in ["", &ann.token] {
            let request = platform.request(Method::GET, FEED).header("host", host).query(&[("token", token)]);
            let list = Answer::read(request.send().await.expect("an answer")).await.list("video_list");
            let (video, author) = (&list[0], &list[0]["author"]);
            for link in
                [&video["play_url"], &video["cover_url"], &author["avatar"], &author["background_image"]]
            {
                let link = link.as_str().expect("a link");
                assert!(link.starts_with(&format!("http://{host}/")), "{link}");
            }
        }
    }
    platform.finish().await;
}

/// Each client's clock is another millisecond, and still the page is kept once.
#[tokio::test]
async fn a_clock_asks_for_what_is_kept_for_everybody() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    feed(&platform).await;
    for later in 1..=20 {
        let clock = 4_102_444_800_000_i64 + later;
        let list = platform.get(FEED, &[("latest_time", &clock)]).await.list("video_list");
        assert_eq!(shape::ids(&list), [video]);
    }
    let metrics = platform.fetch(&format!("http://{}/metrics", platform.admin())).await;
    let metrics = metrics.text().await.expect("metrics");
    assert!(metrics.contains("dytt_feed_pages_total{outcome=\"new\"} 1\n"), "{metrics}");
    platform.finish().await;
}
