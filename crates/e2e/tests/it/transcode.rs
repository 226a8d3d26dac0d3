//! Uploads that have to be re-encoded: accepted at once, visible to their author, to everybody when they play.

use std::time::Duration;

use e2e::{Platform, User, clip, eventually, shape};
use serde_json::Value;

const LIST: &str = "/douyin/publish/list/";
const ENCODED_WITHIN: Duration = Duration::from_secs(90);

async fn listed(platform: &Platform, by: &User, author: &User) -> Vec<Value> {
    platform.see(by, LIST, &[("user_id", &author.id)]).await.list("video_list")
}

/// Waits until everybody sees it.
async fn in_feed(platform: &Platform, title: &str) -> Value {
    eventually("the video is in the feed", ENCODED_WITHIN, async || {
        let feed = platform.get("/douyin/feed/", &[]).await.list("video_list");
        feed.into_iter().find(|video| video["title"] == title)
    })
    .await
}

async fn plays(platform: &Platform, video: &Value) {
    let played = platform.fetch(shape::text(video, "play_url")).await;
    assert_eq!(
        (played.status().as_u16(), &played.headers()["content-type"]),
        (200, &"video/mp4".parse().expect("text"))
    );
    let bytes = played.bytes().await.expect("the clip");
    let probed = clip::probe(&bytes);
    let codecs: Vec<&str> =
        shape::list(&probed, "streams").iter().map(|one| shape::text(one, "codec_name")).collect();
    assert!(
        codecs.contains(&"h264") && codecs.iter().all(|codec| ["h264", "aac"].contains(codec)),
        "{codecs:?}"
    );
    let boxes = clip::boxes(&bytes);
    assert!(boxes.iter().position(|name| name == "moov") < boxes.iter().position(|name| name == "mdat"));
}

/// Nothing of what was uploaded is left.
async fn sources_are_gone(platform: &Platform) {
    eventually("the uploads are gone", Duration::from_secs(20), async || {
        let left = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "bin");
        (!platform.files().iter().any(left)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_webm_is_its_authors_at_once_and_everybodys_when_it_plays() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    platform.publish(&ann.token, clip::long_webm(), "webm").await.ok();
    let mine = listed(&platform, &ann, &ann).await;
    shape::video(&mine[0]);
    assert_eq!(mine[0]["title"], "webm");
    assert_eq!(platform.fetch(shape::text(&mine[0], "cover_url")).await.status(), 200);
    let early = platform.fetch(shape::text(&mine[0], "play_url")).await;
    assert_eq!(early.status(), 404, "not yet");
    let wait: u64 = early.headers()["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=60).contains(&wait));
    assert!(listed(&platform, &bob, &ann).await.is_empty());
    assert!(platform.get("/douyin/feed/", &[]).await.list("video_list").is_empty());
    assert_eq!(platform.profile(&bob, &ann).await["work_count"], 0);
    // What nobody can see nobody can like, but its author.
    let video = shape::integer(&mine[0], "id");
    platform.like(&bob, video, 1).await.refused(120_001);
    platform.comment(&bob, video, "first").await.refused(120_001);
    let ready = in_feed(&platform, "webm").await;
    assert_eq!(ready["play_url"], mine[0]["play_url"], "the address was right from the beginning");
    plays(&platform, &ready).await;
    assert_eq!(listed(&platform, &bob, &ann).await.len(), 1);
    assert_eq!(platform.profile(&bob, &ann).await["work_count"], 1);
    platform.like(&bob, video, 1).await.ok();
    sources_are_gone(&platform).await;
    platform.finish().await;
}

#[tokio::test]
async fn hevc_and_vp9_become_h264_in_the_order_they_are_ready() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    platform.publish(&ann.token, clip::hevc(), "hevc").await.ok();
    platform.publish(&ann.token, clip::webm(), "vp9").await.ok();
    for title in ["hevc", "vp9"] {
        plays(&platform, &in_feed(&platform, title).await).await;
    }
    sources_are_gone(&platform).await;
    platform.finish().await;
}

/// Each job ends exactly once.
#[tokio::test]
async fn a_job_survives_kill_9_and_ends_after_the_restart() {
    let mut platform = Platform::start().await;
    let ann = platform.register("ann").await;
    platform.publish(&ann.token, clip::long_webm(), "interrupted").await.ok();
    eventually("the job is at work", Duration::from_secs(30), async || {
        platform.work().iter().any(|path| path.ends_with("720p.mp4")).then_some(())
    })
    .await;
    platform.kill();
    platform.restart().await;
    let ready = in_feed(&platform, "interrupted").await;
    plays(&platform, &ready).await;
    assert_eq!(listed(&platform, &ann, &ann).await.len(), 1);
    sources_are_gone(&platform).await;
    platform.finish().await;
}

/// A job under way is given back, and its half-made file is gone.
#[tokio::test]
async fn a_graceful_stop_gives_the_job_back_at_once() {
    let mut platform = Platform::start().await;
    let ann = platform.register("ann").await;
    platform.publish(&ann.token, clip::long_webm(), "given back").await.ok();
    let began = std::time::Instant::now();
    platform.stop().await;
    assert!(began.elapsed() < Duration::from_secs(5), "a job does not hold the stop: {:?}", began.elapsed());
    assert!(platform.work().is_empty(), "{:?}", platform.work());
    platform.restart().await;
    plays(&platform, &in_feed(&platform, "given back").await).await;
    platform.finish().await;
}
