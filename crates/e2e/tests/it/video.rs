//! Publishing and an author's own list.

use e2e::{Platform, Upload, clip, shape};
use serde_json::Value;

const PUBLISH: &str = "/douyin/publish/action/";
const LIST: &str = "/douyin/publish/list/";

/// Playable before the answer.
#[tokio::test]
async fn a_published_clip_is_in_list_and_feed_at_once_and_plays() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "My first clip 🎉").await;
    for seen in
        [platform.watch(&ann, video).await, platform.see(&ann, LIST, &[]).await.list("video_list").remove(0)]
    {
        shape::video(&seen);
        assert_eq!((&seen["author"]["id"], &seen["author"]["work_count"]), (&ann.id.into(), &1.into()));
        for (address, kind) in [("play_url", "video/mp4"), ("cover_url", "image/jpeg")] {
            let object = platform.fetch(shape::text(&seen, address)).await;
            assert_eq!(
                (object.status().as_u16(), &object.headers()["content-type"]),
                (200, &kind.parse().expect("text"))
            );
        }
    }
    platform.finish().await;
}

/// Servers of this API differ: "publish token".
#[tokio::test]
async fn token_and_title_may_stand_anywhere_and_parts_in_any_order() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let (token, clip) = (&ann.token, clip::plain());
    let forms = [
        Upload::new().file(clip).text("token", token).text("title", "0"),
        Upload::new().text("token", token).text("title", "1").file(clip),
        Upload::new().text("title", "2").file(clip).text("token", token),
        Upload::new()
            .text("user_id", 77)
            .text("title", "")
            .text("title", "3")
            .text("title", "x")
            .file(clip)
            .text("token", token),
    ];
    for form in forms {
        platform.upload(PUBLISH, form).await.ok();
    }
    platform.upload(&format!("{PUBLISH}?token={token}&title=4"), Upload::new().file(clip)).await.ok();
    platform.upload(&format!("{PUBLISH}?title=5"), Upload::new().file(clip).text("token", token)).await.ok();
    let titles = platform.see(&ann, LIST, &[]).await.list("video_list");
    let titles: Vec<&str> = titles.iter().map(|video| shape::text(video, "title")).collect();
    assert_eq!(titles, ["5", "4", "3", "2", "1", "0"]);
    platform.finish().await;
}

/// Of two files the first counts.
#[tokio::test]
async fn a_second_file_in_one_form_is_never_a_second_video() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let small = b"a second file".to_vec();
    let form = Upload::new().file(clip::plain()).file(small).text("token", &ann.token).text("title", "one");
    platform.upload(PUBLISH, form).await.ok();
    let list = platform.see(&ann, LIST, &[]).await.list("video_list");
    assert_eq!(list.len(), 1);
    platform.rendered(&ann, shape::ids(&list)[0]).await;
    let files = platform.files();
    let form = Upload::new().file(b"no video".to_vec()).file(clip::plain());
    let answer = platform.upload(PUBLISH, form.text("token", &ann.token).text("title", "two")).await;
    assert_ne!(answer.code(), 0);
    platform.leaves_only(&files).await;
    platform.finish().await;
}

/// Servers of this API differ: "user without user_id" for lists.
#[tokio::test]
async fn a_list_is_of_the_author_asked_for_with_the_callers_flags() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let (first, second) = (platform.video(&ann, "first").await, platform.video(&ann, "second").await);
    platform.like(&ann, first, 1).await.ok();
    platform.follow(&bob, &ann, 1).await.ok();
    let by_bob = platform.see(&bob, LIST, &[("user_id", &ann.id)]).await.list("video_list");
    assert_eq!(shape::ids(&by_bob), [second, first], "newest first");
    let flags =
        |video: &Value| (shape::boolean(video, "is_favorite"), shape::boolean(&video["author"], "is_follow"));
    assert_eq!(flags(&by_bob[1]), (false, true));
    let by_nobody = platform.get(LIST, &[("user_id", &ann.id)]).await.list("video_list");
    assert_eq!(flags(&by_nobody[1]), (false, false));
    assert!(platform.see(&bob, LIST, &[]).await.list("video_list").is_empty());
    platform.get(LIST, &[]).await.refused(100_002);
    platform.get(LIST, &[("user_id", &99)]).await.refused(110_001);
    platform.finish().await;
}

#[tokio::test]
async fn a_title_has_1_to_255_characters() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let title = "题".repeat(255);
    let video = platform.video(&ann, &title).await;
    assert_eq!(platform.watch(&ann, video).await["title"], title);
    platform.rendered(&ann, video).await;
    let files = platform.files();
    for (title, code) in [
        ("题".repeat(256), 100_003),
        (String::new(), 100_002),
        ("  ".into(), 100_002),
        ("a\0b".into(), 100_003),
    ] {
        platform.publish(&ann.token, clip::plain(), &title).await.refused(code);
    }
    platform
        .upload(PUBLISH, Upload::new().file(clip::plain()).text("token", &ann.token))
        .await
        .refused(100_002);
    platform.leaves_only(&files).await;
    assert_eq!(platform.profile(&ann, &ann).await["work_count"], 1);
    platform.finish().await;
}

#[tokio::test]
async fn silent_and_turned_clips_play_at_once() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    for (title, clip) in [("silent", clip::silent()), ("turned", clip::turned())] {
        platform.publish(&ann.token, clip, title).await.ok();
        let video = platform.see(&ann, "/douyin/feed/", &[]).await.list("video_list").remove(0);
        assert_eq!(video["title"], title);
        let played = platform.fetch(shape::text(&video, "play_url")).await;
        assert_eq!(played.status(), 200, "{title}");
        let probed = clip::probe(&played.bytes().await.expect("the clip"));
        assert_eq!(probed["streams"][0]["codec_name"], "h264");
    }
    platform.finish().await;
}
