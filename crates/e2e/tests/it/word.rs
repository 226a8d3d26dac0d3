//! Words a site does not want to read: what has them waits for whoever published the video, or is not taken.

use std::time::Duration;

use e2e::{Platform, User, clip, eventually};
use reqwest::Method;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_comment_waits_and_a_title_is_refused() {
    let platform = Platform::start().await;
    let (root, ann, bob) =
        (platform.register("root").await, platform.register("ann").await, platform.register("bob").await);
    assert_eq!(platform.command(&["user", "admin", "root"]).await.code, Some(0));
    let api = async |by: &User, method: Method, path: &str, body: Value| {
        platform.api(Some(by), method, path, body).await
    };
    let video = platform.publish_for(&ann, clip::plain(), "public").await;
    for (word, action) in [("://", "hold"), ("赌博", "refuse")] {
        let body = json!({ "word": word, "action": action });
        api(&ann, Method::POST, "/admin/words", body.clone()).await.failed(403, "permission_denied");
        api(&root, Method::POST, "/admin/words", body).await.ok(201);
    }
    let wrong = api(&root, Method::POST, "/admin/words", json!({ "word": "x", "action": "eat" })).await;
    assert_eq!(wrong.failed(400, "invalid").json["field"], "action");
    let comments = format!("/videos/{video}/comments");
    let link = json!({ "content": "see HTTPS://example.org" });
    eventually("the words are known", SOON, async || {
        let told = api(&bob, Method::POST, &comments, link.clone()).await;
        (told.status == 202).then_some(told.json)
    })
    .await;
    let refused = api(&bob, Method::POST, &comments, json!({ "content": "线上赌博网" })).await;
    assert_eq!(refused.failed(400, "invalid").json["field"], "content");
    for (path, field) in [(format!("/videos/{video}"), "title"), ("/account".into(), "signature")] {
        let body = json!({ field: "来赌博" });
        let told = eventually("its service knows the words", SOON, async || {
            let told = api(&ann, Method::PATCH, &path, body.clone()).await;
            (told.status != 204).then_some(told)
        })
        .await;
        assert_eq!(told.failed(400, "invalid").json["field"], field);
    }
    // Clients of the other face are told so.
    platform.comment(&bob, video, "or http://a").await.refused(120_012);
    let shown =
        async |by: &User| api(by, Method::GET, &comments, Value::Null).await.ok(200).json["items"].clone();
    let before = shown(&bob).await.as_array().expect("a list").len();
    let held =
        api(&ann, Method::GET, "/account/held-comments", Value::Null).await.ok(200).json["items"].clone();
    assert_eq!((&held[0]["content"], &held[0]["word"]), (&json!("or http://a"), &json!("://")));
    assert_eq!(held.as_array().expect("a list").len(), 2);
    let one = format!("/held-comments/{}", held[1]["id"]);
    api(&bob, Method::PUT, &one, Value::Null).await.failed(404, "held_comment_not_found");
    api(&ann, Method::PUT, &one, Value::Null).await.ok(204);
    api(&ann, Method::PUT, &one, Value::Null).await.failed(404, "held_comment_not_found");
    let now = shown(&bob).await;
    assert_eq!((now.as_array().expect("a list").len(), &now[0]["content"]), (before + 1, &link["content"]));
    let one = format!("/held-comments/{}", held[0]["id"]);
    api(&root, Method::DELETE, &one, Value::Null).await.ok(204);
    let left = api(&root, Method::GET, "/admin/held-comments", Value::Null).await.ok(200).json;
    assert_eq!(left["items"], json!([]));
    let words = api(&root, Method::GET, "/admin/words", Value::Null).await.ok(200).json;
    for word in words["items"].as_array().expect("a list") {
        api(&root, Method::DELETE, &format!("/admin/words/{}", word["id"]), Value::Null).await.ok(204);
    }
    eventually("the words are forgotten", SOON, async || {
        (api(&bob, Method::POST, &comments, link.clone()).await.status == 201).then_some(())
    })
    .await;
    platform.finish().await;
}
