//! The shape of the modern API: who is asked, what failures look like, what it says of itself.

use e2e::{Platform, clip};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn failures_are_problems_with_the_status_that_says_it() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.video(&ann, "clip").await;
    let path = format!("/videos/{video}");
    let private = json!({ "visibility": "private" });
    let nobody = platform.api(None, Method::PATCH, &path, private.clone()).await.failed(401, "token_missing");
    assert_eq!(nobody.header("www-authenticate"), "Bearer");
    let mut forged = ann.clone();
    forged.token.push('x');
    for method in [Method::GET, Method::DELETE] {
        platform.api(Some(&forged), method, &path, Value::Null).await.failed(401, "token_invalid");
    }
    platform.api(Some(&bob), Method::PATCH, &path, private).await.failed(404, "video_not_found");
    platform.api(Some(&bob), Method::DELETE, &path, Value::Null).await.failed(404, "video_not_found");
    let wrong = platform.api(Some(&ann), Method::PATCH, &path, json!({ "visibility": "some" })).await;
    assert_eq!(wrong.failed(400, "invalid").json["field"], "visibility");
    let unknown = platform.api(Some(&ann), Method::PATCH, &path, json!({ "visible": true })).await;
    assert_eq!(unknown.failed(400, "bad_parameter").json["field"], "visible");
    for number in ["0", "-1", "x", "9223372036854775808"] {
        let told = platform.api(Some(&ann), Method::GET, &format!("/videos/{number}"), Value::Null).await;
        assert_eq!(told.failed(400, "bad_parameter").status, 400, "{number}");
    }
    platform.api(Some(&ann), Method::GET, "/videos/999999", Value::Null).await.failed(404, "video_not_found");
    let problem =
        platform.api(None, Method::GET, "/nothing/here", Value::Null).await.failed(404, "not_found");
    assert_eq!(problem.json["type"], "about:blank");
    platform.api(None, Method::PUT, "/uploads", Value::Null).await.failed(405, "wrong_method");
    let traced = platform.api(None, Method::DELETE, &path, Value::Null).await.failed(401, "token_missing");
    assert_eq!(traced.json["trace_id"], traced.header("x-trace-id"));
    // A token in an address is the other face's.
    let asked = platform.request(Method::DELETE, &format!("/api/v1{path}?token={}", ann.token)).send().await;
    assert_eq!(asked.expect("an answer").status(), 401);
    platform.finish().await;
}

#[tokio::test]
async fn only_an_administrator_sees_and_ends_jobs() {
    let platform = Platform::start().await;
    let (ann, root) = (platform.register("ann").await, platform.register("root").await);
    platform.publish(&ann.token, clip::long_webm(), "webm").await.ok();
    for user in [&ann, &root] {
        let asked = platform.api(Some(user), Method::GET, "/admin/jobs", Value::Null).await;
        asked.failed(403, "permission_denied");
    }
    assert_ne!(platform.command(&["user", "admin", "nobody here"]).await.code, Some(0));
    let made = platform.command(&["user", "admin", "root"]).await;
    assert_eq!((made.code, made.stdout.trim()), (Some(0), "`root` is an administrator"), "{made:?}");
    let jobs = platform.api(Some(&root), Method::GET, "/admin/jobs", Value::Null).await.ok(200).json;
    let job = &jobs["jobs"][0];
    assert_eq!(job["kind"], "transcode");
    let cancel = format!("/admin/jobs/{}/cancel", job["id"]);
    platform.api(Some(&ann), Method::POST, &cancel, Value::Null).await.failed(403, "permission_denied");
    platform.api(Some(&root), Method::POST, &cancel, Value::Null).await.ok(204);
    platform
        .api(Some(&root), Method::POST, "/admin/jobs/999/cancel", Value::Null)
        .await
        .failed(404, "job_not_found");
    let told = platform.api(Some(&ann), Method::GET, "/videos/1/timeline", Value::Null).await.ok(200).json;
    let last = told["events"].as_array().expect("events").last().expect("one").clone();
    assert_eq!((&last["name"], &last["detail"]), (&json!("refused"), &json!("cancelled")));
    platform.finish().await;
}

#[tokio::test]
async fn it_describes_itself() {
    let platform = Platform::start().await;
    let told = platform.api(None, Method::GET, "/openapi.json", Value::Null).await.ok(200).json;
    assert!(told["openapi"].as_str().expect("a version").starts_with("3.1"));
    for (path, methods) in [
        ("/api/v1/uploads", &["post", "options"][..]),
        ("/api/v1/uploads/{name}", &["head", "patch", "delete"]),
        ("/api/v1/videos", &["post"]),
        ("/api/v1/videos/{id}", &["get", "patch", "delete"]),
        ("/api/v1/videos/{id}/captions/{language}", &["get", "put", "delete"]),
        ("/api/v1/admin/jobs", &["get"]),
    ] {
        for method in methods {
            assert!(told["paths"][path][method].is_object(), "{method} {path}");
        }
    }
    assert_eq!(told["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    platform.finish().await;
}
