//! Blocks and mutes over both APIs: between two people there is nothing, in whatever process they ask.

use std::time::Duration;

use e2e::{Platform, User, clip, eventually};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn who_is_blocked_finds_nothing_and_others_everything() {
    let platform = Platform::start().await;
    let (ann, bob, guest) =
        (platform.register("ann").await, platform.register("bob").await, platform.register("guest").await);
    let video = platform.publish_for(&ann, clip::plain(), "public").await;
    let api = async |user: &User, method: Method, path: &str, body: Value| {
        platform.api(Some(user), method, path, body).await
    };
    let anns = format!("/users/{}", ann.id);
    let follow = format!("{anns}/follow");
    api(&bob, Method::PUT, &follow, Value::Null).await.ok(204);
    let bobs = format!("/users/{}", bob.id);
    api(&ann, Method::PUT, &format!("{bobs}/block"), Value::Null).await.ok(204);
    for (method, path, body) in [
        (Method::GET, anns.clone(), Value::Null),
        (Method::GET, format!("{anns}/relation"), Value::Null),
        (Method::GET, format!("{anns}/videos"), Value::Null),
        (Method::GET, format!("{anns}/followers"), Value::Null),
        (Method::PUT, follow.clone(), Value::Null),
        (Method::POST, format!("{anns}/messages"), json!({ "content": "hi" })),
        (Method::GET, format!("/videos/{video}"), Value::Null),
        (Method::PUT, format!("/videos/{video}/like"), Value::Null),
        (Method::GET, format!("/videos/{video}/comments"), Value::Null),
        (Method::POST, format!("/videos/{video}/comments"), json!({ "content": "hi" })),
    ] {
        let asked = api(&bob, method, &path, body).await;
        assert_eq!(asked.status, 404, "{path}: {}", asked.json);
    }
    let ids = |list: &Value| {
        list["items"].as_array().expect("a list").iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
    };
    for path in ["/feeds/newest", "/search/people?q=ann"] {
        let list = async |user: &User| ids(&api(user, Method::GET, path, Value::Null).await.ok(200).json);
        assert_eq!(list(&bob).await, [Value::Null; 0], "{path}");
        let expected = if path.starts_with("/feeds") { json!(video) } else { json!(ann.id) };
        eventually("others find it", Duration::from_secs(5), async || {
            (list(&guest).await == [expected.clone()]).then_some(())
        })
        .await;
    }
    // The Douyin API knows nothing of blocks, and keeps to them.
    let feed = platform.get("/douyin/feed/", &[("token", &bob.token)]).await.ok();
    assert_eq!(feed["video_list"], json!([]));
    let feed = platform.get("/douyin/feed/", &[("token", &guest.token)]).await.ok();
    assert_eq!(feed["video_list"][0]["id"], video);
    let blocked = api(&ann, Method::GET, "/account/blocks", Value::Null).await.ok(200).json;
    assert_eq!(ids(&blocked), [json!(bob.id)]);
    let relation = api(&ann, Method::GET, &format!("{bobs}/relation"), Value::Null).await.ok(200).json;
    assert_eq!(
        relation,
        json!({ "is_followed": false, "follows": false, "is_blocked": true, "is_muted": false, "is_requested": false })
    );
    api(&ann, Method::PUT, &format!("{anns}/block"), Value::Null).await.failed(400, "invalid");
    api(&ann, Method::DELETE, &format!("{bobs}/block"), Value::Null).await.ok(204);
    api(&bob, Method::PUT, &follow, Value::Null).await.ok(204);
    api(&bob, Method::PUT, &format!("{anns}/mute"), Value::Null).await.ok(204);
    assert_eq!(
        ids(&api(&bob, Method::GET, "/feeds/following", Value::Null).await.ok(200).json),
        [Value::Null; 0]
    );
    api(&bob, Method::GET, &format!("/videos/{video}"), Value::Null).await.ok(200);
    api(&bob, Method::DELETE, &format!("{anns}/mute"), Value::Null).await.ok(204);
    assert_eq!(
        ids(&api(&bob, Method::GET, "/feeds/following", Value::Null).await.ok(200).json),
        [json!(video)]
    );
    platform.finish().await;
}
