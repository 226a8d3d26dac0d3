//! Who sees a video: each visibility, each viewer, each address, the bytes included.

use std::time::Duration;

use e2e::{Platform, User, clip, eventually};
use reqwest::Method;
use serde_json::{Value, json};

const VISIBILITIES: [&str; 4] = ["public", "followers", "friends", "private"];

/// The addresses of everything a video consists of.
fn addresses(detail: &Value) -> Vec<String> {
    match detail {
        Value::String(text) if text.contains("/media/") => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(addresses).collect(),
        Value::Object(members) => members.values().flat_map(addresses).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// Whether a viewer finds a video by each route.
async fn routes(
    platform: &Platform,
    viewer: Option<&User>,
    author: &User,
    video: i64,
) -> Vec<(&'static str, bool)> {
    let token = viewer.map_or("", |viewer| viewer.token.as_str());
    let listed = async |path: &str| {
        let list = platform.get(path, &[("user_id", &author.id), ("token", &token)]).await.list("video_list");
        list.iter().any(|found| found["id"] == video)
    };
    let status = async |path: &str| platform.api(viewer, Method::GET, path, Value::Null).await.status == 200;
    let mut routes = vec![
        ("list", listed("/douyin/publish/list/").await),
        ("liked", listed("/douyin/favorite/list/").await),
        ("detail", status(&format!("/videos/{video}")).await),
        ("segments", status(&format!("/videos/{video}/master.m3u8")).await),
        ("captions", status(&format!("/videos/{video}/captions/en.m3u8")).await),
    ];
    let pairs: e2e::Pairs<'_> = &[("video_id", &video), ("token", &token)];
    routes.push(("comments", platform.get("/douyin/comment/list/", pairs).await.code() == 0));
    if let Some(viewer) = viewer {
        routes.push(("like", platform.like(viewer, video, 1).await.code() == 0));
        routes.push(("comment", platform.comment(viewer, video, "text").await.code() == 0));
    }
    routes
}

#[tokio::test]
async fn a_video_and_its_bytes_are_for_those_it_is_for() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let (friend, follower) = (platform.register("friend").await, platform.register("follower").await);
    let stranger = platform.register("stranger").await;
    for (who, whom) in [(&friend, &ann), (&ann, &friend), (&follower, &ann)] {
        platform.follow(who, whom, 1).await.ok();
    }
    for visibility in VISIBILITIES {
        let video = platform.publish_for(&ann, clip::minute(), visibility).await;
        let detail = platform.rendered(&ann, video).await;
        let track = platform.request(Method::PUT, &format!("/api/v1/videos/{video}/captions/en"));
        let track = track.bearer_auth(&ann.token).body("WEBVTT\n\n00:01.000 --> 00:02.000\nhello\n");
        assert_eq!(track.send().await.expect("an answer").status(), 204);
        platform.like(&ann, video, 1).await.ok();
        let (public, followers, friends) =
            (visibility == "public", visibility == "followers", visibility == "friends");
        for (viewer, sees) in [
            (Some(&ann), true),
            (Some(&friend), public || followers || friends),
            (Some(&follower), public || followers),
            (Some(&stranger), public),
            (None, public),
        ] {
            let name = viewer.map_or("nobody", |viewer| viewer.name.as_str());
            for (route, leads) in routes(&platform, viewer, &ann, video).await {
                assert_eq!(leads, sees, "{visibility}, {name}, {route}");
            }
            let token = viewer.map_or("", |viewer| viewer.token.as_str());
            let feed = platform.get("/douyin/feed/", &[("token", &token)]).await.list("video_list");
            assert_eq!(feed.iter().any(|found| found["id"] == video), public, "{visibility}, {name}, feed");
        }
        for address in addresses(&detail) {
            let answer = platform.fetch(&address).await;
            assert_eq!(answer.status(), 200, "{visibility} {address}");
            let (bare, signature) = address.split_once('?').unwrap_or((&address, ""));
            assert_eq!(signature.is_empty(), public, "{address}");
            let cached = answer.headers()["cache-control"].to_str().expect("text").to_owned();
            assert_eq!(cached.starts_with("public"), public, "{visibility} {cached}");
            if !public {
                let (until, _) = signature.split_once('&').expect("two");
                let later = format!("{bare}?exp=99999999999&{}", signature.split_once('&').expect("two").1);
                for wrong in [bare.to_owned(), format!("{address}x"), format!("{bare}?{until}"), later] {
                    assert_eq!(platform.fetch(&wrong).await.status(), 404, "{wrong}");
                }
            }
        }
    }
    platform.finish().await;
}

#[tokio::test]
async fn what_is_narrowed_is_hidden_at_once_and_its_addresses_end() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.publish_for(&ann, clip::plain(), "public").await;
    let path = format!("/videos/{video}");
    let public = addresses(&platform.rendered(&ann, video).await);
    platform.api(Some(&ann), Method::PATCH, &path, json!({ "visibility": "private" })).await.ok(204);
    assert!(platform.get("/douyin/feed/", &[]).await.list("video_list").is_empty(), "at once");
    platform.api(None, Method::GET, &path, Value::Null).await.failed(404, "video_not_found");
    eventually("the public addresses end", Duration::from_secs(60), async || {
        for address in &public {
            if platform.fetch(address).await.status() != 404 {
                return None;
            }
        }
        Some(())
    })
    .await;
    let signed = addresses(&platform.detail(&ann, video).await);
    assert!(signed.len() == public.len() && signed.iter().all(|address| address.contains("&sig=")));
    platform.api(Some(&ann), Method::PATCH, &path, json!({ "visibility": "public" })).await.ok(204);
    eventually("it is in the feed again", Duration::from_secs(60), async || {
        let feed = platform.get("/douyin/feed/", &[]).await.list("video_list");
        feed.iter().any(|found| found["id"] == video).then_some(())
    })
    .await;
    for address in addresses(&platform.detail(&ann, video).await) {
        assert_eq!(platform.fetch(&address).await.status(), 200, "{address}");
    }
    platform.finish().await;
}
