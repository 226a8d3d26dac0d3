//! What a published clip becomes: every size, pictures, segments; and how its author is told.

use e2e::{Platform, clip};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_clip_is_offered_in_sizes_with_pictures_and_its_author_is_told_how_far_it_is() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.publish_for(&ann, clip::tall(), "public").await;
    let detail = platform.rendered(&ann, video).await;
    let renditions = detail["renditions"].as_array().expect("a list");
    let sizes: Vec<_> = renditions.iter().map(|one| (one["name"].clone(), one["width"].clone())).collect();
    assert_eq!(
        sizes,
        [("480p", 480), ("720p", 720), ("1080p", 1080)].map(|(name, width)| (json!(name), json!(width)))
    );
    for rendition in renditions {
        let bytes = platform
            .fetch(rendition["url"].as_str().expect("an address"))
            .await
            .bytes()
            .await
            .expect("bytes");
        assert_eq!(rendition["bytes"], bytes.len());
        let stream = &clip::probe(&bytes)["streams"][0];
        assert_eq!((&stream["width"], &stream["height"]), (&rendition["width"], &rendition["height"]));
        assert_eq!((&stream["codec_name"], &stream["pix_fmt"]), (&json!("h264"), &json!("yuv420p")));
    }
    assert_eq!(detail["play_url"], renditions[1]["url"], "720p is what plays when nothing is known");
    let feed = platform.get("/douyin/feed/", &[]).await.list("video_list");
    assert_eq!(feed[0]["play_url"], renditions[1]["url"]);
    for (picture, kind) in [
        (&detail["cover"]["jpeg_url"], "image/jpeg"),
        (&detail["cover"]["webp_url"], "image/webp"),
        (&detail["cover"]["small_jpeg_url"], "image/jpeg"),
        (&detail["cover"]["small_webp_url"], "image/webp"),
        (&detail["preview_url"], "image/webp"),
        (&detail["storyboard"]["url"], "image/jpeg"),
    ] {
        let answer = platform.fetch(picture.as_str().expect("an address")).await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["content-type"].to_str().ok()),
            (200, Some(kind))
        );
    }
    assert!(detail["thumbhash"].as_str().is_some_and(|hash| (10..80).contains(&hash.len())), "{detail}");
    assert_eq!(detail["hls_url"], Value::Null, "a short clip needs none");
    let path = format!("/videos/{video}/timeline");
    let told = platform.api(Some(&ann), Method::GET, &path, Value::Null).await.ok(200).json;
    let events = told["events"].as_array().expect("a list").iter();
    let names: Vec<_> = events.clone().map(|event| event["name"].as_str().expect("a word")).collect();
    let made = ["rendition"; 3];
    assert_eq!(names, [&["received", "checked", "playable"][..], &made, &["done"]].concat());
    assert!(events.map(|event| event["at"].as_i64().expect("a time")).is_sorted());
    platform.finish().await;
}

#[tokio::test]
async fn a_turned_clip_is_upright_in_every_size() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.publish_for(&ann, clip::turned(), "public").await;
    let detail = platform.rendered(&ann, video).await;
    let rendition = &detail["renditions"][0];
    assert_eq!((&rendition["width"], &rendition["height"]), (&json!(320), &json!(568)));
    platform.finish().await;
}

#[tokio::test]
async fn a_long_clip_also_comes_in_segments() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.publish_for(&ann, clip::minute(), "private").await;
    let detail = platform.rendered(&ann, video).await;
    let master = detail["hls_url"].as_str().expect("an address").to_owned();
    let read = async |url: &str| {
        let answer = platform.client().get(url).bearer_auth(&ann.token).send().await.expect("an answer");
        assert_eq!(answer.headers()["content-type"], "application/vnd.apple.mpegurl");
        answer.text().await.expect("text")
    };
    let list = read(&master).await;
    let lines: Vec<&str> = list.lines().collect();
    let place = lines.iter().position(|line| *line == "720p.m3u8").expect("a rendition");
    assert!(lines[place - 1].contains("BANDWIDTH=") && lines[place - 1].contains("CODECS=\"avc1."));
    let media = read(&master.replace("master.m3u8", "720p.m3u8")).await;
    let address = media.lines().find(|line| line.starts_with("http")).expect("the segments' file");
    assert!(address.contains("&sig="), "it is private: {address}");
    let range = media.lines().find_map(|line| line.strip_prefix("#EXT-X-BYTERANGE:")).expect("a range");
    let (count, start) = range.split_once('@').expect("two numbers");
    let (count, start): (u64, u64) = (count.parse().expect("a number"), start.parse().expect("a number"));
    let wanted = format!("bytes={start}-{}", start + count - 1);
    let part = platform.client().get(address).header("range", wanted).send().await.expect("an answer");
    assert_eq!((part.status().as_u16(), part.content_length()), (206, Some(count)));
    assert_eq!(platform.client().get(&master).send().await.expect("an answer").status(), 404, "nobody's");
    platform.finish().await;
}

/// Titles, places and device names are in nothing that is stored once the original is gone.
#[tokio::test]
async fn what_a_file_tells_of_its_maker_is_in_no_object() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.publish_for(&ann, clip::tagged(), "public").await;
    platform.rendered(&ann, video).await;
    let keys = platform.objects();
    assert!(keys.len() >= 7 && keys.iter().all(|key| key.starts_with("p/")), "{keys:?}");
    for key in keys {
        let bytes = platform.object(&key);
        for canary in [&b"CANARY"[..], b"+12.3456", b"Lavf", b"x264 - core"] {
            let found = bytes.windows(canary.len()).any(|window| window == canary);
            assert!(!found, "{} is in {key}", String::from_utf8_lossy(canary));
        }
    }
    platform.finish().await;
}

#[tokio::test]
async fn who_uploaded_what_is_no_clip_is_told_why() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let upload = platform.begin_upload(&ann, clip::sound().len()).await;
    platform.append(&ann, &upload, 0, clip::sound(), &[]).await.ok(204);
    let body = json!({ "upload": upload.strip_prefix("/uploads/").expect("a name"), "title": "sound" });
    let refused =
        platform.api(Some(&ann), Method::POST, "/videos", body).await.failed(415, "unsupported_media");
    assert_eq!(refused.json["detail"], "this file cannot be used: it has no video track");
    platform.leaves_only(&[]).await;
    platform.finish().await;
}
