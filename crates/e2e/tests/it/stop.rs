//! The graceful stop: what is under way ends, nothing can hold it up, and nothing is half done.

use std::time::{Duration, Instant};

use e2e::{Platform, User, clip, eventually, raw, shape, within};
use rustix::process::Signal;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

const LIST: &str = "/douyin/publish/list/";

/// A platform with 3 s of grace and an upload of which the last bytes are missing.
async fn platform_with_half_an_upload(grace: &str) -> (Platform, User, TcpStream, Vec<u8>) {
    let platform = Platform::with(&[("DYTT_SERVER__GRACE_SECONDS", grace)]).await;
    let ann = platform.register("ann").await;
    let parts: [(&str, &[u8]); 3] = [
        ("name=\"token\"", ann.token.as_bytes()),
        ("name=\"title\"", b"slow"),
        ("name=\"data\"; filename=\"a\"", clip::heavy()),
    ];
    let request = raw::post_form("/douyin/publish/action/", &parts);
    let mut upload = raw::connect(&platform).await;
    let half = request.len() / 2;
    raw::send(&mut upload, &request[..half]).await;
    eventually("the upload has begun", Duration::from_secs(10), async || {
        (!platform.files().is_empty()).then_some(())
    })
    .await;
    (platform, ann, upload, request[half..].to_vec())
}

async fn is_draining(platform: &Platform) {
    eventually("readyz says no", Duration::from_secs(5), async || {
        (platform.ready().await == Some(503)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_upload_under_way_finishes_and_meanwhile_nobody_else_is_let_in() {
    let (mut platform, ann, mut upload, rest) = platform_with_half_an_upload("10").await;
    assert_eq!(platform.ready().await, Some(200));
    platform.signal(Signal::TERM);
    is_draining(&platform).await;
    eventually("the port is closed to new ones", Duration::from_secs(5), async || {
        TcpStream::connect(platform.http()).await.is_err().then_some(())
    })
    .await;
    raw::send(&mut upload, &rest).await;
    let (status, json) = raw::parsed(&raw::rest(&mut upload).await);
    assert_eq!((status, shape::integer(&json, "status_code")), (200, 0), "{json}");
    assert_eq!(platform.ended(Duration::from_secs(5)).await.code(), Some(0));
    platform.restart().await;
    assert_eq!(platform.see(&ann, LIST, &[]).await.list("video_list").len(), 1);
    platform.finish().await;
}

#[tokio::test]
async fn an_upload_that_does_not_finish_is_refused_when_the_grace_is_over() {
    let (mut platform, ann, mut upload, _rest) = platform_with_half_an_upload("1").await;
    let began = Instant::now();
    platform.signal(Signal::TERM);
    let answer = raw::rest(&mut upload).await;
    if !answer.is_empty() {
        let (status, json) = raw::parsed(&answer);
        assert_eq!((status, shape::integer(&json, "status_code")), (503, 100_008), "{json}");
    }
    let left = Duration::from_secs(4).saturating_sub(began.elapsed());
    assert_eq!(platform.ended(left).await.code(), Some(0));
    assert!(platform.files().is_empty(), "{:?}", platform.files());
    platform.restart().await;
    assert!(platform.see(&ann, LIST, &[]).await.list("video_list").is_empty());
    platform.finish_with_errors("busy").await;
}

#[tokio::test]
async fn a_silent_peer_cannot_hold_the_stop() {
    let mut platform = Platform::with(&[("DYTT_SERVER__GRACE_SECONDS", "2")]).await;
    let mut silent = Vec::new();
    for begun in [
        "",
        "G",
        "GET /douyin/feed/ HTTP/1.1\r\n",
        "POST /douyin/user/login/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
        "PRI * HTTP/2.0\r\n\r\nSM",
    ] {
        let mut stream = raw::connect(&platform).await;
        raw::send(&mut stream, begun.as_bytes()).await;
        silent.push(stream);
    }
    platform.get("/douyin/feed/", &[]).await.ok();
    platform.signal(Signal::TERM);
    assert_eq!(platform.ended(Duration::from_secs(5)).await.code(), Some(0));
    platform.finish().await;
}

/// A reader that never reads holds its connection no longer than the grace.
#[tokio::test]
async fn a_download_that_is_never_read_cannot_hold_the_stop() {
    let mut platform = Platform::with(&[("DYTT_SERVER__GRACE_SECONDS", "1")]).await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    let video = platform.watch(&ann, video).await;
    let path = shape::text(&video, "play_url").split_once("/media/").expect("a path").1.to_owned();
    let mut stream = raw::connect(&platform).await;
    let request = format!("GET /media/{path} HTTP/1.1\r\nHost: dytt.test\r\n\r\n");
    // Pipelined, so that more has to be sent than any buffer takes.
    raw::send(&mut stream, request.repeat(200).as_bytes()).await;
    let mut first = [0; 12];
    within("the answer begins", Duration::from_secs(5), stream.read_exact(&mut first))
        .await
        .expect("an answer");
    platform.signal(Signal::TERM);
    assert_eq!(platform.ended(Duration::from_secs(8)).await.code(), Some(0));
    platform.finish().await;
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    for (first, second) in [(Signal::TERM, Signal::TERM), (Signal::INT, Signal::INT)] {
        let (mut platform, _ann, upload, _rest) = platform_with_half_an_upload("60").await;
        platform.signal(first);
        is_draining(&platform).await;
        platform.signal(second);
        platform.ended(Duration::from_secs(1)).await;
        drop(upload);
        platform.restart().await;
        platform.finish().await;
    }
}

#[tokio::test]
async fn an_interrupt_is_a_graceful_stop_too() {
    let mut platform = Platform::start().await;
    platform.register("ann").await;
    assert!(platform.is_announced());
    platform.signal(Signal::INT);
    assert_eq!(platform.ended(Duration::from_secs(5)).await.code(), Some(0));
    assert!(!platform.is_announced(), "nobody is sent to a closed port");
    platform.finish().await;
}
