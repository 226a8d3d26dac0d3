//! How the site is doing: what it holds, where its services run, and what took long.

use e2e::{Platform, clip, is_cluster};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn an_administrator_sees_what_is_stored_where_services_run_and_what_took_long() {
    let platform = Platform::start().await;
    let root = platform.register("root").await;
    assert_eq!(platform.command(&["user", "admin", "root"]).await.code, Some(0));
    let video = platform.publish_for(&root, clip::plain(), "private").await;
    platform.rendered(&root, video).await;
    let get = async |path: &str| {
        platform.api(Some(&root), Method::GET, &format!("/admin/{path}"), Value::Null).await.ok(200).json
    };
    let storage = get("storage").await;
    assert_eq!((&storage["people"], &storage["videos"]), (&json!(1), &json!(1)));
    let detail = platform.detail(&root, video).await;
    let kinds = storage["kinds"].as_array().expect("a list");
    let bytes = |kind: &str| {
        kinds.iter().find(|one| one["kind"] == kind).map_or(0, |one| one["bytes"].as_i64().expect("bytes"))
    };
    for rendition in detail["renditions"].as_array().expect("a list") {
        assert_eq!(json!(bytes(rendition["name"].as_str().expect("a name"))), rendition["bytes"]);
    }
    assert_eq!(
        storage["bytes"],
        json!(kinds.iter().map(|one| one["bytes"].as_i64().expect("bytes")).sum::<i64>())
    );
    let services = get("services").await;
    let items = services["items"].as_array().expect("a list");
    for service in ["user", "feed", "video", "like", "comment", "follow", "message", "media"] {
        let instances: Vec<_> = items.iter().filter(|one| one["service"] == service).collect();
        assert_eq!(instances.len() > 1, is_cluster(), "{service}: {services}");
        for one in instances {
            assert_eq!((&one["health"], &one["version"]), (&json!(1.0), &json!("v1")), "{one}");
            assert!(one["weight"].as_u64() > Some(0) && one["started_at"].as_i64() > Some(0), "{one}");
            assert_eq!(one["address"].is_string(), is_cluster(), "{one}");
        }
    }
    let slow = get("slow-requests").await;
    let slow = slow["items"].as_array().expect("a list");
    assert!(slow.is_sorted_by(|one, next| one["milliseconds"].as_f64() >= next["milliseconds"].as_f64()));
    // Which of two gateways answers is nobody's to choose.
    if !is_cluster() {
        let register =
            slow.iter().find(|one| one["route"] == "/douyin/user/register/").expect("it hashed a password");
        assert_eq!((&register["method"], &register["status"]), (&json!("POST"), &json!(200)));
        assert_eq!(register["trace_id"].as_str().map(str::len), Some(32));
        assert!(!slow.iter().any(|one| one["route"].as_str().is_none_or(|route| route.contains("uploads/"))));
    }
    platform.finish().await;
}
