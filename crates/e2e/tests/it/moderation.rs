//! Moderation: what is reported, hidden, restored and removed, and that all of it is written down.

use std::time::Duration;

use e2e::{Platform, Told, User, clip, eventually};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn send(platform: &Platform, by: &User, method: Method, path: &str, body: Value) -> Told {
    platform.api(Some(by), method, path, body).await
}

async fn get(platform: &Platform, by: &User, path: &str) -> Value {
    send(platform, by, Method::GET, path, Value::Null).await.ok(200).json
}

#[tokio::test]
async fn what_is_reported_is_judged_and_a_hidden_video_is_gone_with_its_bytes_until_it_is_restored() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let root = platform.register("root").await;
    assert_eq!(platform.command(&["user", "admin", "root"]).await.code, Some(0));
    let video = platform.publish_for(&ann, clip::plain(), "public").await;
    let reports = format!("/videos/{video}/reports");
    let report = async |reason: &str, detail: &str| {
        let body = json!({ "reason": reason, "detail": detail });
        send(&platform, &bob, Method::POST, &reports, body).await
    };
    assert_eq!(report("boring", "").await.failed(400, "invalid").json["field"], "reason");
    assert_eq!(report("spam", &"x".repeat(256)).await.failed(400, "invalid").json["field"], "detail");
    for _ in 0..2 {
        report("violence", "look at second 3").await.ok(204);
    }
    send(&platform, &bob, Method::POST, &format!("/users/{}/reports", ann.id), json!({ "reason": "other" }))
        .await
        .ok(204);
    send(&platform, &bob, Method::GET, "/admin/reports", Value::Null).await.failed(403, "permission_denied");
    let open = get(&platform, &root, "/admin/reports").await;
    let [person, of_video] = &open["items"].as_array().expect("a list")[..] else { panic!("{open}") };
    assert_eq!((&person["user_name"], &person["video_id"]), (&json!("ann"), &Value::Null));
    assert_eq!(
        (&of_video["by"], &of_video["reason"], &of_video["detail"], &of_video["video_id"]),
        (&json!("bob"), &json!("violence"), &json!("look at second 3"), &json!(video))
    );
    let verdict = format!("/admin/reports/{}/verdict", person["id"]);
    let told = send(&platform, &root, Method::PUT, &verdict, json!({ "verdict": "maybe" })).await;
    assert_eq!(told.failed(400, "invalid").json["field"], "verdict");
    send(&platform, &root, Method::PUT, &verdict, json!({ "verdict": "dismissed" })).await.ok(204);

    let one = format!("/videos/{video}");
    let media = get(&platform, &bob, &one).await["play_url"].as_str().expect("a file").to_owned();
    assert_eq!(reqwest::get(&media).await.expect("an answer").status(), StatusCode::OK);
    let hidden = format!("/admin/videos/{video}/hidden");
    let hide = async |by: &User, reason: &str| {
        send(&platform, by, Method::PUT, &hidden, json!({ "reason": reason })).await
    };
    hide(&ann, "why").await.failed(403, "permission_denied");
    assert_eq!(hide(&root, " ").await.failed(400, "invalid").json["field"], "reason");
    for _ in 0..2 {
        hide(&root, "too cruel").await.ok(204);
    }
    send(&platform, &bob, Method::GET, &one, Value::Null).await.failed(404, "video_not_found");
    assert_eq!(get(&platform, &ann, &one).await["visibility"], "hidden");
    let back = send(&platform, &ann, Method::PATCH, &one, json!({ "visibility": "public" })).await;
    back.failed(403, "video_hidden");
    eventually("its bytes are no longer served", Duration::from_secs(10), async || {
        let status = reqwest::get(&media).await.expect("an answer").status();
        (status == StatusCode::NOT_FOUND).then_some(())
    })
    .await;
    assert_eq!(get(&platform, &root, "/admin/reports").await["items"], json!([]));
    assert_eq!(get(&platform, &root, "/admin/reports?verdict=upheld").await["items"][0]["video_id"], video);
    for _ in 0..2 {
        send(&platform, &root, Method::DELETE, &hidden, Value::Null).await.ok(204);
    }
    eventually("it is shown again", Duration::from_secs(10), async || {
        let told = send(&platform, &bob, Method::GET, &one, Value::Null).await;
        (told.status == 200).then_some(())
    })
    .await;

    let comments = format!("/videos/{video}/comments");
    let said =
        send(&platform, &bob, Method::POST, &comments, json!({ "content": "rude" })).await.ok(201).json;
    let comment = format!("{comments}/{}", said["id"]);
    send(&platform, &ann, Method::POST, &format!("{comment}/reports"), json!({ "reason": "harassment" }))
        .await
        .ok(204);
    let open = get(&platform, &root, "/admin/reports").await;
    assert_eq!(
        (&open["items"][0]["excerpt"], &open["items"][0]["user_name"]),
        (&json!("rude"), &json!("bob"))
    );
    send(&platform, &root, Method::DELETE, &format!("/admin{comment}"), Value::Null).await.ok(204);
    assert_eq!(get(&platform, &ann, &comments).await["items"], json!([]));
    assert_eq!(get(&platform, &root, "/admin/reports").await["items"], json!([]));

    let audit = get(&platform, &root, "/admin/audit").await;
    let lines: Vec<_> =
        audit["items"].as_array().expect("a list").iter().map(|line| &line["action"]).collect();
    assert_eq!(lines, ["removed", "restored", "hid", "dismissed"]);
    assert_eq!(audit["items"][0]["detail"], "rude");
    platform.finish().await;
}
