//! Objects over HTTP: addresses, ranges, caching, and what is never served.

use e2e::{Answer, Platform, clip, raw, shape};
use reqwest::{Method, Response};
use serde_json::Value;

async fn platform_with_a_video() -> (Platform, Value) {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    let video = platform.watch(&ann, video).await;
    (platform, video)
}

async fn asked(platform: &Platform, method: Method, url: &str, headers: &[(&str, &str)]) -> Response {
    let request = platform.client().request(method, url);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.expect("an answer")
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn addresses_are_absolute_and_follow_the_requests_host() {
    let (platform, video) = platform_with_a_video().await;
    let own = format!("http://{}/", platform.http());
    for address in [
        shape::text(&video, "play_url"),
        shape::text(&video, "cover_url"),
        shape::text(&video["author"], "avatar"),
    ] {
        assert!(address.starts_with(&own) && !address.contains('?'), "{address}");
    }
    let request = platform.request(Method::GET, "/douyin/feed/").header("host", "192.168.1.77:8080");
    let seen = Answer::read(request.send().await.expect("an answer")).await.list("video_list");
    assert!(shape::text(&seen[0], "play_url").starts_with("http://192.168.1.77:8080/media/"), "{}", seen[0]);
    // Nobody said that this peer is a proxy.
    let request = platform.request(Method::GET, "/douyin/feed/").header("x-forwarded-host", "evil.example");
    let seen = Answer::read(request.send().await.expect("an answer")).await.list("video_list");
    assert!(shape::text(&seen[0], "play_url").starts_with(&own), "{}", seen[0]);
    platform.finish().await;
}

#[tokio::test]
async fn a_configured_address_wins_over_the_requests() {
    let platform = Platform::with(&[("DYTT_SERVER__PUBLIC_URL", "https://video.example")]).await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    let video = platform.watch(&ann, video).await;
    assert!(shape::text(&video, "play_url").starts_with("https://video.example/media/p/"), "{video}");
    assert!(shape::text(&video["author"], "avatar").starts_with("https://video.example/assets/"));
    platform.finish().await;
}

#[tokio::test]
async fn an_object_is_served_whole_and_by_ranges() {
    let (platform, video) = platform_with_a_video().await;
    let url = shape::text(&video, "play_url");
    let whole = asked(&platform, Method::GET, url, &[]).await;
    assert_eq!((whole.status().as_u16(), header(&whole, "accept-ranges")), (200, "bytes"));
    let bytes = whole.bytes().await.expect("the clip");
    let length = bytes.len();
    let head = asked(&platform, Method::HEAD, url, &[]).await;
    assert_eq!((head.status().as_u16(), header(&head, "content-length")), (200, length.to_string().as_str()));
    assert!(head.bytes().await.expect("no body").is_empty());
    for (range, part) in [
        ("bytes=0-0", 0..1),
        ("bytes=0-", 0..length),
        ("bytes=100-199", 100..200),
        ("bytes=-100", length - 100..length),
        (&format!("bytes={}-", length - 1), length - 1..length),
        (&format!("bytes=5-{}", length * 2), 5..length),
    ] {
        let answer = asked(&platform, Method::GET, url, &[("range", range)]).await;
        let told = format!("bytes {}-{}/{length}", part.start, part.end - 1);
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "content-range")),
            (206, told.as_str()),
            "{range}"
        );
        assert_eq!(answer.bytes().await.expect("a part"), bytes[part], "{range}");
    }
    for range in [format!("bytes={length}-"), "bytes=-0".into(), "bytes=99999999999999999999-".into()] {
        let answer = asked(&platform, Method::GET, url, &[("range", &range)]).await;
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "content-range")),
            (416, format!("bytes */{length}").as_str())
        );
    }
    for range in ["bytes=0-1,4-5", "bytes=9-1", "bytes=a-b", "lines=1-2", "bytes"] {
        assert_eq!(asked(&platform, Method::GET, url, &[("range", range)]).await.status(), 200, "{range}");
    }
    platform.finish().await;
}

#[tokio::test]
async fn an_object_never_changes_and_says_so() {
    let (platform, video) = platform_with_a_video().await;
    for (field, kind) in [("play_url", "video/mp4"), ("cover_url", "image/jpeg")] {
        let url = shape::text(&video, field);
        let answer = asked(&platform, Method::GET, url, &[]).await;
        assert_eq!(header(&answer, "content-type"), kind);
        assert_eq!(header(&answer, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        let policy = "default-src 'none'; media-src 'self'; img-src 'self'; sandbox";
        assert_eq!(header(&answer, "content-security-policy"), policy);
        let tag = header(&answer, "etag").to_owned();
        for condition in [tag.clone(), "*".into(), format!("\"other\", {tag}"), format!("W/{tag}")] {
            let unchanged = asked(&platform, Method::GET, url, &[("if-none-match", &condition)]).await;
            assert_eq!((unchanged.status().as_u16(), header(&unchanged, "etag")), (304, tag.as_str()));
        }
        let changed = asked(&platform, Method::GET, url, &[("if-none-match", "\"other\"")]).await;
        assert_eq!(changed.status(), 200);
        for (condition, status) in [(tag.as_str(), 206), ("\"other\"", 200)] {
            let answer =
                asked(&platform, Method::GET, url, &[("range", "bytes=0-9"), ("if-range", condition)]).await;
            assert_eq!(answer.status().as_u16(), status, "{condition}");
        }
    }
    platform.finish().await;
}

#[tokio::test]
async fn nothing_but_public_objects_is_served() {
    let (platform, video) = platform_with_a_video().await;
    let key = shape::text(&video, "play_url").rsplit('/').next().expect("a key").to_owned();
    for path in [
        "/media/",
        "/media/p",
        "/media/p/",
        "/media/o/",
        "/media/../dytt.sqlite",
        "/media/p/../../dytt.sqlite",
        "/media/p/..%2f..%2fdytt.sqlite",
        "/media/%2e%2e/%2e%2e/keys",
        "/media/p/%2e%2e%2f%2e%2e%2fserve.json",
        "/media//etc/passwd",
        "/media/p//etc/passwd",
        "/media/p/..\\..\\dytt.sqlite",
        "/media/p/%00",
        "/media/p/.",
        "/media/p/%c0%ae%c0%ae/x",
        "/assets/../Cargo.toml",
        "/assets/..%2fpage.css",
        "/dytt.sqlite",
        "/objects/",
        &format!("/media/p/{}", key.to_uppercase()),
        &format!("/media/o/{key}"),
        &format!("/media/{key}"),
        &format!("/media/p/{key}%00"),
        &format!("/media/p/{key}/"),
        &format!("/media/p/./{key}"),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: dytt.test\r\nConnection: close\r\n\r\n");
        let answer = raw::exchange(&platform, request.as_bytes()).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(matches!(status, "404" | "400"), "{path}: {answer}");
        assert!(!answer.contains("SQLite") && !answer.contains("root:"), "{path}");
    }
    platform.finish().await;
}

/// What a phone writes into a file stays on the phone.
#[tokio::test]
async fn a_served_clip_starts_fast_and_carries_no_metadata() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let upload = clip::tagged();
    let found = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    let canaries = ["CANARY", "+12.3456", "x264 - core", "Lavf"];
    assert!(canaries.iter().all(|canary| found(upload, canary)), "the upload has them");
    let boxes = clip::boxes(upload);
    assert!(boxes.iter().position(|name| name == "mdat") < boxes.iter().position(|name| name == "moov"));
    platform.publish(&ann.token, upload, "tagged").await.ok();
    let video = platform.see(&ann, "/douyin/feed/", &[]).await.list("video_list").remove(0);
    let served = platform.fetch(shape::text(&video, "play_url")).await.bytes().await.expect("the clip");
    let cover = platform.fetch(shape::text(&video, "cover_url")).await.bytes().await.expect("the cover");
    for canary in canaries {
        assert!(!found(&served, canary) && !found(&cover, canary), "{canary}");
    }
    let boxes = clip::boxes(&served);
    assert!(
        boxes.iter().position(|name| name == "moov") < boxes.iter().position(|name| name == "mdat"),
        "{boxes:?}"
    );
    assert!(cover.starts_with(&[0xff, 0xd8, 0xff]), "a JPEG");
    platform.finish().await;
}
