//! Uploads that must fail: understandably, and leaving nothing.

use std::path::PathBuf;

use e2e::{Platform, Upload, User, clip, is_cluster, raw, shape};
use tokio::io::AsyncWriteExt;

const PUBLISH: &str = "/douyin/publish/action/";
const LIST: &str = "/douyin/publish/list/";

/// A platform with a published clip whose file others may try to steal.
async fn platform_with_a_clip() -> (Platform, User) {
    let platform = Platform::with(&[("DYTT_MEDIA__MAX_BYTES", "3000000")]).await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "honest").await;
    // What is there from now on is there to stay.
    platform.rendered(&ann, video).await;
    (platform, ann)
}

/// A clip on a disk of the platform's: somebody else's; where these are in a bucket, one beside it.
fn stolen(platform: &Platform) -> PathBuf {
    if !is_cluster() {
        return platform.files()[0].canonicalize().expect("a path");
    }
    let file = platform.folder().join("stolen.mp4");
    std::fs::write(&file, clip::plain()).expect("written");
    file.canonicalize().expect("a path")
}

#[tokio::test]
async fn what_is_no_playable_video_is_refused_with_a_reason() {
    let (platform, ann) = platform_with_a_clip().await;
    let files = platform.files();
    let stolen = stolen(&platform).display().to_string();
    let tagged = clip::tagged();
    let playlist = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{stolen}\n#EXT-X-ENDLIST\n");
    let dash = format!(
        "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\"><Period><AdaptationSet>\
         <Representation id=\"1\"><BaseURL>file://{stolen}</BaseURL></Representation></AdaptationSet></Period></MPD>"
    );
    let table: [(&str, Vec<u8>); 16] = [
        ("empty", Vec::new()),
        ("one byte", vec![0]),
        ("text", b"hello, I am a video, honestly".to_vec()),
        ("a page", b"<html><script>alert(1)</script></html>".to_vec()),
        ("zeros", vec![0; 100_000]),
        ("no index", tagged[..tagged.len() / 2].to_vec()),
        ("first bytes", tagged[..40].to_vec()),
        ("garbage after ftyp", [&tagged[..32], &[0xff_u8; 50_000][..]].concat()),
        ("a playlist", playlist.into_bytes()),
        ("a manifest", dash.into_bytes()),
        ("a concatenation", format!("ffconcat version 1.0\nfile '{stolen}'\n").into_bytes()),
        ("a session", b"v=0\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n".to_vec()),
        ("a picture", clip::picture().to_vec()),
        ("sound", clip::sound().to_vec()),
        ("a huge picture", clip::huge().to_vec()),
        ("a claim", [&tagged[..32], b"\xff\xff\xff\xffmdat" as &[u8], &[1; 5000]].concat()),
    ];
    for (name, bytes) in table {
        let answer = platform.publish(&ann.token, bytes, name).await;
        assert_eq!(answer.code(), 100_007, "{name}: {}", answer.json);
        let answer = answer.refused(100_007);
        assert!(answer.message().starts_with("this file cannot be used: "), "{name}: {}", answer.message());
        assert!(!answer.json.to_string().contains(&stolen), "{}", answer.json);
        platform.leaves_only(&files).await;
    }
    let list = platform.see(&ann, LIST, &[]).await.list("video_list");
    assert_eq!(list.len(), 1, "and none of them is listed");
    platform.finish().await;
}

/// Servers of this API differ: "upload limit".
#[tokio::test]
async fn an_upload_over_the_limit_is_refused_in_the_envelope() {
    let (platform, ann) = platform_with_a_clip().await;
    let files = platform.files();
    for bytes in [3_000_001, 6_000_000] {
        let clip = [clip::plain(), &vec![0; bytes - clip::plain().len()]].concat();
        let first = Upload::new().file(clip.clone()).text("token", &ann.token).text("title", "large");
        let answer = platform.upload(PUBLISH, first).await.refused(100_006);
        assert!(answer.message().contains("too large"), "{}", answer.message());
        let last = Upload::new().text("token", &ann.token).text("title", "large").file(clip);
        platform.upload(PUBLISH, last).await.refused(100_006);
        platform.leaves_only(&files).await;
    }
    platform.finish().await;
}

#[tokio::test]
async fn a_form_that_lacks_something_says_what() {
    let (platform, ann) = platform_with_a_clip().await;
    let files = platform.files();
    let (token, clip) = (&ann.token, clip::plain());
    let table = [
        ("data", 100_002, Upload::new().text("token", token).text("title", "x")),
        ("data", 100_002, Upload::new().text("token", token).text("title", "x").text("file", "x")),
        ("title", 100_002, Upload::new().text("token", token).file(clip)),
        ("title", 100_002, Upload::new().text("token", token).file(clip).text("title", " ")),
        ("", 100_004, Upload::new().file(clip).text("title", "x")),
        ("", 100_004, Upload::new().file(clip).text("title", "x").text("token", "nonsense")),
        ("", 100_004, Upload::new().text("token", "nonsense").file(clip).text("title", "x")),
        ("", 100_004, Upload::new().text("token", format!("{token}x")).file(clip).text("title", "x")),
    ];
    for (named, code, form) in table {
        let answer = platform.upload(PUBLISH, form).await.refused(code);
        assert!(answer.message().starts_with(named), "{}", answer.message());
        platform.leaves_only(&files).await;
    }
    let bad_query = platform.upload(&format!("{PUBLISH}?token=nonsense"), Upload::new().file(clip)).await;
    bad_query.refused(100_004);
    // Not even multipart.
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/mixed; boundary=x",
    ] {
        let request =
            [raw::post(&format!("{PUBLISH}?token={token}&title=x"), kind, 3).into_bytes(), b"a=b".to_vec()]
                .concat();
        let (status, json) = raw::parsed(&raw::exchange(&platform, &request).await);
        assert_eq!((status, shape::integer(&json, "status_code")), (200, 100_002), "{kind}");
    }
    platform.post(&format!("{PUBLISH}?token={token}"), &[]).await.refused(100_002);
    platform.leaves_only(&files).await;
    platform.finish().await;
}

#[tokio::test]
async fn hostile_parts_are_refused_or_ignored() {
    let (platform, ann) = platform_with_a_clip().await;
    let files = platform.files();
    let many = vec![("name=\"x\"", &b"x"[..]); 10_000];
    let (status, json) = raw::parsed(&raw::exchange(&platform, &raw::post_form(PUBLISH, &many)).await);
    assert_eq!((status, shape::integer(&json, "status_code")), (200, 100_002));
    let long_title = "t".repeat(100_000);
    let parts: [(&str, &[u8]); 2] =
        [("name=\"token\"", ann.token.as_bytes()), ("name=\"title\"", long_title.as_bytes())];
    let (status, json) = raw::parsed(&raw::exchange(&platform, &raw::post_form(PUBLISH, &parts)).await);
    assert_eq!((status, shape::integer(&json, "status_code")), (200, 100_006));
    let not_text: [(&str, &[u8]); 3] = [
        ("name=\"token\"", ann.token.as_bytes()),
        ("name=\"title\"", b"\xff\xfe"),
        ("name=\"data\"; filename=\"a\"", clip::plain()),
    ];
    let (status, json) = raw::parsed(&raw::exchange(&platform, &raw::post_form(PUBLISH, &not_text)).await);
    assert_eq!((status, shape::integer(&json, "status_code")), (200, 100_002));
    platform.leaves_only(&files).await;
    platform.finish().await;
}

/// A file's name is the sender's word: it names nothing here.
#[tokio::test]
async fn a_hostile_file_name_is_ignored() {
    let (platform, ann) = platform_with_a_clip().await;
    let long = format!("name=\"data\"; filename=\"{}.mp4\"", "n".repeat(10_240));
    for (number, head) in [
        "name=\"data\"; filename=\"../../../../escaped.mp4\"",
        "name=\"data\"; filename=\"/tmp/escaped.mp4\"",
        "name=\"data\"; filename=\"C:\\\\escaped.mp4\"",
        "name=\"data\"; filename=\"a%00.mp4\"",
        "name=\"data\"; filename=\"; rm -rf ~; .mp4\"",
        "name=\"data\"; filename=\"\"",
        "name=\"data\"; filename*=UTF-8''%2e%2e%2fescaped.mp4",
        "name=\"data\"",
        &long,
    ]
    .into_iter()
    .enumerate()
    {
        let title = format!("named {number}");
        let parts: [(&str, &[u8]); 3] = [
            (head, clip::plain()),
            ("name=\"token\"", ann.token.as_bytes()),
            ("name=\"title\"", title.as_bytes()),
        ];
        let (status, json) = raw::parsed(&raw::exchange(&platform, &raw::post_form(PUBLISH, &parts)).await);
        assert_eq!((status, shape::integer(&json, "status_code")), (200, 0), "{head:.60}");
    }
    let nul: [(&str, &[u8]); 1] = [("name=\"data\"; filename=\"a\0b.mp4\"", clip::plain())];
    let answer = raw::exchange(&platform, &raw::post_form(PUBLISH, &nul)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let escaped = platform.folder().join("escaped.mp4");
    assert!(!escaped.exists() && !std::path::Path::new("/tmp/escaped.mp4").exists());
    platform.finish().await;
}

#[tokio::test]
async fn an_upload_cut_anywhere_leaves_nothing() {
    let (platform, ann) = platform_with_a_clip().await;
    let files = platform.files();
    let parts: [(&str, &[u8]); 3] = [
        ("name=\"data\"; filename=\"a\"", clip::plain()),
        ("name=\"token\"", ann.token.as_bytes()),
        ("name=\"title\"", b"cut"),
    ];
    let request = raw::post_form(PUBLISH, &parts);
    let head = request.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head") + 4;
    let inside = [
        head,
        head + 1,
        head + 20,
        head + 95,
        head + 200,
        head + 10_000,
        request.len() - 200,
        request.len() - 60,
        request.len() - 4,
    ];
    for at in [0, 1, 50].into_iter().chain(inside) {
        // Said to be over, and torn off.
        let answer = raw::cut(&platform, &request[..at]).await;
        let succeeded = answer.contains("\"status_code\":0");
        assert!(!succeeded, "cut at {at}: {answer}");
        let mut torn = raw::connect(&platform).await;
        raw::send(&mut torn, &request[..at]).await;
        torn.set_zero_linger().expect("a reset on close");
        drop(torn);
    }
    platform.leaves_only(&files).await;
    assert_eq!(platform.see(&ann, LIST, &[]).await.list("video_list").len(), 1);
    platform.finish().await;
}

/// Once whole, an upload is published even when its sender has left.
#[tokio::test]
async fn an_upload_whose_sender_leaves_after_the_last_byte_is_whole_or_absent() {
    let (platform, ann) = platform_with_a_clip().await;
    let parts: [(&str, &[u8]); 3] = [
        ("name=\"data\"; filename=\"a\"", clip::plain()),
        ("name=\"token\"", ann.token.as_bytes()),
        ("name=\"title\"", b"left"),
    ];
    // When the end comes together with the head, the sender has left before anybody looked: that one is absent,
    // which `finish` checks, and the next may be whole.
    let mut whole = false;
    for _ in 0..10 {
        let mut stream = raw::connect(&platform).await;
        raw::send(&mut stream, &raw::post_form(PUBLISH, &parts)).await;
        stream.flush().await.expect("sent");
        drop(stream);
        let until = std::time::Instant::now() + std::time::Duration::from_secs(3);
        while !whole && std::time::Instant::now() < until {
            whole = platform.see(&ann, LIST, &[]).await.list("video_list").len() > 1;
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        if whole {
            break;
        }
    }
    assert!(whole, "none of ten was whole");
    platform.finish().await;
}

/// A reader that waits for the end of a part's head must not hold what has no end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_without_an_end_is_cut_off() {
    let platform = Platform::start().await;
    let kind = format!("multipart/form-data; boundary={}", raw::BOUNDARY);
    for start in [format!("--{}\r\nX-Long: ", raw::BOUNDARY), String::new()] {
        let mut stream = raw::connect(&platform).await;
        raw::send(&mut stream, raw::post(PUBLISH, &kind, 64 << 20).as_bytes()).await;
        raw::send(&mut stream, start.as_bytes()).await;
        let mut taken = 0;
        while taken < 64 << 20 && stream.write_all(&[b'a'; 256 * 1024]).await.is_ok() {
            taken += 256 * 1024;
        }
        assert!(taken < 32 << 20, "{taken} bytes were taken");
        let answer = raw::rest(&mut stream).await;
        if !answer.is_empty() {
            let (status, json) = raw::parsed(&answer);
            assert_eq!((status, json["status_code"].as_i64()), (200, Some(100_002)), "{json}");
        }
    }
    platform.finish().await;
}
