//! Captions: put by a video's author, listed, served as WebVTT and in HLS.

use e2e::{Platform, clip};
use reqwest::Method;
use serde_json::Value;

const TRACK: &str = "WEBVTT\n\n00:01.000 --> 00:02.000\n<script>hello</script>\n";

async fn put(platform: &Platform, token: &str, video: i64, language: &str, text: impl Into<Vec<u8>>) -> u16 {
    let request = platform.request(Method::PUT, &format!("/api/v1/videos/{video}/captions/{language}"));
    let request = request.bearer_auth(token).header("content-type", "text/vtt").body(text.into());
    request.send().await.expect("an answer").status().as_u16()
}

/// A program of the operator's, which hears the same in everything.
#[tokio::test]
async fn a_transcriber_adds_captions_and_one_that_fails_costs_nothing_else() {
    use std::os::unix::fs::PermissionsExt;
    for (script, tracks) in
        [("printf 'WEBVTT\\n\\n00:00.100 --> 00:00.900\\nla la\\n'", 1), ("exit 3", 0), ("echo la", 0)]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("transcribe");
        std::fs::write(&program, format!("#!/bin/sh\ntest -s \"$1\" || exit 9\n{script}\n"))
            .expect("written");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("made a program");
        let path = program.display().to_string();
        let platform = Platform::with(&[("DYTT_MEDIA__TRANSCRIBER", &path)]).await;
        let ann = platform.register("ann").await;
        let video = platform.publish_for(&ann, clip::plain(), "public").await;
        let detail = platform.rendered(&ann, video).await;
        assert_eq!(detail["captions"].as_array().map(Vec::len), Some(tracks), "{script}");
        platform.finish().await;
    }
}

#[tokio::test]
async fn captions_are_their_authors_to_put_and_everybodys_to_read() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.publish_for(&ann, clip::minute(), "public").await;
    platform.rendered(&ann, video).await;
    for (token, language, text, status) in [
        (&bob.token, "en", TRACK.to_owned(), 404),
        (&ann.token, "en_US", TRACK.to_owned(), 400),
        (&ann.token, "en", "hello".to_owned(), 400),
        (&ann.token, "en", TRACK.repeat(10_000), 413),
        (&ann.token, "en", TRACK.to_owned(), 204),
        (&ann.token, "zh-CN", TRACK.to_owned(), 204),
        (&ann.token, "EN", TRACK.replace("hello", "better"), 204),
    ] {
        assert_eq!(put(&platform, token, video, language, text).await, status, "{language}");
    }
    assert_eq!(put(&platform, &ann.token, video, "en", vec![0xff; 40]).await, 400, "no text");
    let detail = platform.detail(&ann, video).await;
    let tracks = detail["captions"].as_array().expect("a list");
    let mut languages: Vec<_> =
        tracks.iter().map(|track| track["language"].as_str().expect("a tag")).collect();
    languages.sort_unstable();
    assert_eq!(languages, ["en", "zh-cn"]);
    let english = tracks.iter().find(|track| track["language"] == "en").expect("English");
    let answer = platform.fetch(english["url"].as_str().expect("an address")).await;
    let headers = answer.headers().clone();
    assert_eq!(headers["content-type"], "text/vtt; charset=utf-8");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(headers["content-security-policy"].to_str().expect("text").contains("default-src 'none'"));
    assert!(answer.text().await.expect("text").contains("better"), "the later one");
    let master =
        platform.fetch(detail["hls_url"].as_str().expect("an address")).await.text().await.expect("text");
    assert!(master.contains("LANGUAGE=\"zh-cn\"") && master.contains("URI=\"captions/en.m3u8\""), "{master}");
    let path = format!("/videos/{video}/captions/en");
    platform.api(Some(&bob), Method::DELETE, &path, Value::Null).await.failed(404, "video_not_found");
    platform.api(Some(&ann), Method::DELETE, &path, Value::Null).await.ok(204);
    platform.api(Some(&ann), Method::DELETE, &path, Value::Null).await.ok(204);
    assert_eq!(platform.detail(&ann, video).await["captions"].as_array().map(Vec::len), Some(1));
    platform.finish().await;
}
