//! Search: what is published is found at once, in Chinese and English, by who may see it.

use e2e::{Platform, clip};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn what_is_published_is_found_at_once_and_what_is_private_by_nobody_else() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.publish_for(&ann, clip::plain(), "public").await;
    let path = format!("/videos/{video}");
    let titled = json!({ "title": "周末的美食节 #Cats <b>cooking</b>" });
    platform.api(Some(&ann), Method::PATCH, &path, titled).await.ok(204);
    let named = json!({ "display_name": "王小美" });
    platform.api(Some(&ann), Method::PATCH, "/account", named).await.ok(204);
    let get = async |path: &str| platform.api(None, Method::GET, path, Value::Null).await;
    for typed in ["%E7%BE%8E%E9%A3%9F", "%E8%8A%82", "COOK", "cats+cooking"] {
        let found = get(&format!("/search/videos?q={typed}")).await.ok(200).json;
        assert_eq!(found["items"][0]["id"], video, "{typed}");
    }
    for typed in ["%E5%B0%8F%E7%BE%8E", "ann", "AN"] {
        let found = get(&format!("/search/people?q={typed}")).await.ok(200).json;
        assert_eq!(found["items"][0]["id"], ann.id, "{typed}");
    }
    let found = get("/search/tags?q=%23ca").await.ok(200).json;
    assert_eq!(found["items"], json!([{ "name": "Cats", "video_count": 1 }]));
    for path in ["/search/videos?q=", "/search/people", "/search/tags?q=%21"] {
        assert_eq!(get(path).await.failed(400, "bad_parameter").json["field"], "q", "{path}");
    }
    let long = "x".repeat(101);
    assert_eq!(get(&format!("/search/videos?q={long}")).await.failed(400, "invalid").json["field"], "q");
    // What an index would take for its own language is looked for like any other text.
    for typed in
        ["%22", "cook*%20OR%20dog", "-cooking", "cats)%20AND%20(", "NEAR(cats)", "+cats%20%3Ecooking%20dog~"]
    {
        let status = get(&format!("/search/videos?q={typed}")).await.status;
        assert!([200, 400].contains(&status), "{typed}: {status}");
    }
    assert_eq!(get("/search/videos?q=NEAR+cats").await.ok(200).json["items"], json!([]));
    platform.api(Some(&ann), Method::PATCH, &path, json!({ "visibility": "private" })).await.ok(204);
    assert_eq!(get("/search/videos?q=cooking").await.ok(200).json["items"], json!([]));
    platform.finish().await;
}
