//! Links to a video that is for nobody else.

use std::time::{Duration, SystemTime};

use e2e::{Platform, clip};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn whoever_has_the_link_watches_until_it_ends() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.publish_for(&ann, clip::plain(), "private").await;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time");
    let until = |more: u64| json!({ "expires_at": (now + Duration::from_secs(more)).as_millis() as u64 });
    let shares = format!("/videos/{video}/shares");
    let share = async |by, body| platform.api(Some(by), Method::POST, &shares, body).await;
    share(&bob, until(60)).await.failed(404, "video_not_found");
    for wrong in [until(0), until(366 * 24 * 3600), json!({ "expires_at": -1 })] {
        assert_eq!(share(&ann, wrong).await.failed(400, "invalid").json["field"], "expires_at");
    }
    let made = share(&ann, until(600)).await.ok(201).json;
    let link = format!("/shares/{}", made["word"].as_str().expect("a word"));
    for viewer in [None, Some(&bob)] {
        let seen = platform.api(viewer, Method::GET, &link, Value::Null).await.ok(200).json;
        assert_eq!(seen["id"], video);
        let film = platform.fetch(seen["play_url"].as_str().expect("an address")).await;
        assert_eq!(film.status(), 200);
        assert_eq!(clip::probe(&film.bytes().await.expect("a body"))["format"]["nb_streams"], 2);
        platform
            .api(viewer, Method::GET, &format!("/videos/{video}"), Value::Null)
            .await
            .failed(404, "video_not_found");
    }
    assert!(!platform.log().contains(made["word"].as_str().expect("a word")));
    let listed = platform.api(Some(&ann), Method::GET, &shares, Value::Null).await.ok(200).json;
    assert_eq!((&listed["items"][0]["id"], &listed["items"][0]["word"]), (&made["id"], &Value::Null));
    let one = format!("{shares}/{}", made["id"]);
    platform.api(Some(&bob), Method::DELETE, &one, Value::Null).await.failed(404, "share_not_found");
    platform.api(Some(&ann), Method::DELETE, &one, Value::Null).await.ok(204);
    platform.api(None, Method::GET, &link, Value::Null).await.failed(404, "share_not_found");
    platform.finish().await;
}
