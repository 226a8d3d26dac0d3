//! Comments.

use e2e::{Platform, shape};
use serde_json::Value;

const LIST: &str = "/douyin/comment/list/";
const COUNT: &str = "/douyin/comment/count/";

/// Servers of this API differ: "`comment` in add reply", "comment order", "comment/list token".
#[tokio::test]
async fn an_added_comment_is_returned_and_listed_at_once_newest_first() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.video(&ann, "clip").await;
    let mut added = Vec::new();
    for text in ["first", "  trimmed ", "<b>&\"' 小明 🎉"] {
        let answer = platform.comment(&bob, video, text).await.ok();
        shape::comment(&answer["comment"]);
        assert_eq!(shape::text(&answer["comment"], "content"), text.trim());
        assert_eq!(answer["comment"]["user"]["id"], bob.id);
        added.insert(0, answer["comment"].clone());
    }
    for (by, list) in [
        ("bob", platform.see(&bob, LIST, &[("video_id", &video)]).await),
        ("nobody", platform.get(LIST, &[("video_id", &video)]).await),
    ] {
        assert_eq!(Value::Array(list.list("comment_list")), Value::Array(added.clone()), "{by}");
    }
    assert_eq!(platform.get(COUNT, &[("video_id", &video)]).await.ok()["comment_count"], 3);
    assert_eq!(platform.watch(&ann, video).await["comment_count"], 3);
    platform.finish().await;
}

/// Servers of this API differ: "delete another's comment".
#[tokio::test]
async fn only_its_author_deletes_a_comment_and_only_under_its_video() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.video(&ann, "clip").await;
    let other = platform.video(&ann, "other").await;
    let comment = shape::integer(&platform.comment(&bob, video, "mine").await.ok()["comment"], "id");
    platform.uncomment(&ann, video, comment).await.refused(100_208);
    platform.uncomment(&bob, other, comment).await.refused(120_002);
    platform.uncomment(&bob, video, comment + 1).await.refused(120_002);
    assert_eq!(platform.watch(&ann, other).await["comment_count"], 0);
    let deleted = platform.uncomment(&bob, video, comment).await.ok();
    assert!(deleted["comment"].is_null());
    platform.uncomment(&bob, video, comment).await.refused(120_002);
    assert!(platform.get(LIST, &[("video_id", &video)]).await.list("comment_list").is_empty());
    assert_eq!(platform.watch(&ann, video).await["comment_count"], 0);
    platform.finish().await;
}

#[tokio::test]
async fn a_comment_has_1_to_255_characters_after_trimming() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    platform.comment(&ann, video, &"长".repeat(255)).await.ok();
    platform.comment(&ann, video, &"长".repeat(256)).await.refused(100_003);
    for empty in ["", " ", "\t\r\n"] {
        platform.comment(&ann, video, empty).await.refused(100_002);
    }
    platform.comment(&ann, video, "a\0b").await.refused(100_003);
    platform.comment(&ann, video + 1, "text").await.refused(120_001);
    platform.get(LIST, &[("video_id", &(video + 1))]).await.refused(120_001);
    platform.get(COUNT, &[("video_id", &(video + 1))]).await.refused(120_001);
    assert_eq!(platform.watch(&ann, video).await["comment_count"], 1);
    platform.finish().await;
}
