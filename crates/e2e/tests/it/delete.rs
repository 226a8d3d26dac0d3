//! Deleting a video: out of sight at once, every byte of it gone within a minute, also when the program dies.

use std::time::Duration;

use e2e::{Platform, clip, eventually};
use reqwest::Method;
use serde_json::Value;

const GONE_WITHIN: Duration = Duration::from_secs(60);

async fn nothing_is_left(platform: &Platform) {
    eventually("every object is gone", GONE_WITHIN, async || platform.objects().is_empty().then_some(()))
        .await;
}

#[tokio::test]
async fn a_deleted_video_is_gone_for_all_with_its_counts_and_bytes() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.video(&ann, "clip").await;
    let detail = platform.rendered(&ann, video).await;
    platform.like(&bob, video, 1).await.ok();
    platform.comment(&bob, video, "first").await.ok();
    let path = format!("/videos/{video}");
    platform.api(Some(&ann), Method::DELETE, &path, Value::Null).await.ok(204);
    assert!(platform.get("/douyin/feed/", &[]).await.list("video_list").is_empty(), "at once");
    for viewer in [Some(&ann), Some(&bob), None] {
        platform.api(viewer, Method::GET, &path, Value::Null).await.failed(404, "video_not_found");
    }
    platform.like(&bob, video, 2).await.refused(120_001);
    platform.api(Some(&ann), Method::DELETE, &path, Value::Null).await.failed(404, "video_not_found");
    nothing_is_left(&platform).await;
    let played = detail["play_url"].as_str().expect("an address");
    assert_eq!(platform.fetch(played).await.status(), 404);
    assert_eq!(platform.profile(&bob, &ann).await["work_count"], 0);
    assert_eq!(platform.profile(&bob, &ann).await["total_favorited"], 0);
    assert_eq!(platform.profile(&bob, &bob).await["favorite_count"], 0);
    platform.finish().await;
}

#[tokio::test]
async fn a_video_that_is_still_being_made_can_be_deleted() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    platform.publish(&ann.token, clip::long_webm(), "webm").await.ok();
    let list = platform.see(&ann, "/douyin/publish/list/", &[]).await.list("video_list");
    let path = format!("/videos/{}", list[0]["id"]);
    platform.api(Some(&ann), Method::DELETE, &path, Value::Null).await.ok(204);
    nothing_is_left(&platform).await;
    platform.finish().await;
}

#[tokio::test]
async fn a_deletion_survives_kill_9() {
    let mut platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let mut videos = Vec::new();
    for number in 0..3 {
        videos.push(platform.video(&ann, &format!("clip {number}")).await);
    }
    for video in videos {
        platform.api(Some(&ann), Method::DELETE, &format!("/videos/{video}"), Value::Null).await.ok(204);
    }
    platform.kill();
    platform.restart().await;
    assert!(platform.get("/douyin/feed/", &[]).await.list("video_list").is_empty());
    nothing_is_left(&platform).await;
    platform.finish().await;
}
