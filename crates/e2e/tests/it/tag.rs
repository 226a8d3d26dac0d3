//! Tags: what is in a title, what is found by it, and what many use.

use std::time::Duration;

use e2e::{Platform, clip, eventually};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_video_is_found_by_the_tags_of_its_title() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.publish_for(&ann, clip::plain(), "public").await;
    let path = format!("/videos/{video}");
    let body = json!({ "title": "look, #Cats and #猫咪! <b>#Cats</b>" });
    platform.api(Some(&ann), Method::PATCH, &path, body).await.ok(204);
    let get = async |path: &str| platform.api(None, Method::GET, path, Value::Null).await.ok(200).json;
    assert_eq!(get(&path).await["tags"], json!(["Cats", "猫咪"]));
    for name in ["cats", "%23CATS", "%E7%8C%AB%E5%92%AA"] {
        let found = get(&format!("/tags/{name}/videos")).await;
        assert_eq!(found["items"][0]["id"], video, "{name}");
    }
    assert_eq!(get("/tags/dogs/videos").await["items"], json!([]));
    let told = platform.api(None, Method::GET, "/tags/no%20tag/videos", Value::Null).await;
    assert_eq!(told.failed(400, "invalid").json["field"], "tag");
    let trending = get("/tags").await;
    assert_eq!(trending["items"][0], json!({ "name": "Cats", "video_count": 1 }));
    platform.api(Some(&ann), Method::DELETE, &path, Value::Null).await.ok(204);
    eventually("its tags are forgotten", Duration::from_secs(10), async || {
        (get("/tags").await["items"] == json!([])).then_some(())
    })
    .await;
    platform.finish().await;
}
