//! Administration: who may register, who is let in, who is suspended; and that all of it is written down.

use std::time::{Duration, SystemTime};

use e2e::{Platform, Told, User, eventually};
use reqwest::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

async fn register(platform: &Platform, name: &str, invitation: Option<&str>) -> Told {
    let mut body = json!({ "username": name, "password": PASSWORD });
    if let Some(code) = invitation {
        body["invitation"] = json!(code);
    }
    platform.api(None, Method::POST, "/accounts", body).await
}

async fn login(platform: &Platform, name: &str) -> Told {
    let body = json!({ "username": name, "password": PASSWORD });
    platform.api(None, Method::POST, "/sessions", body).await
}

fn bearer(opened: &Value) -> User {
    let token = opened["access_token"].as_str().expect("a token").into();
    User { id: opened["user_id"].as_i64().expect("a number"), token, name: String::new() }
}

/// A platform with this registration policy, and its administrator.
async fn governed(policy: &str) -> (Platform, User) {
    let mut platform = Platform::start().await;
    let root = platform.register("root").await;
    assert_eq!(platform.command(&["user", "admin", "root"]).await.code, Some(0));
    platform.set("DYTT_USERS__REGISTRATION", policy);
    platform.stop().await;
    platform.restart().await;
    (platform, root)
}

async fn decide(platform: &Platform, by: &User, about: i64, standing: &str) -> Told {
    let path = format!("/admin/accounts/{about}/standing");
    platform.api(Some(by), Method::PUT, &path, json!({ "standing": standing, "reason": "because" })).await
}

fn millis(from_now: u64) -> u64 {
    let at = SystemTime::now() + Duration::from_secs(from_now);
    u64::try_from(at.duration_since(SystemTime::UNIX_EPOCH).expect("a time").as_millis()).expect("a number")
}

#[tokio::test]
async fn a_site_by_invitation_lets_in_as_many_as_were_invited() {
    let (platform, root) = governed("invite").await;
    register(&platform, "ann", None).await.failed(403, "invitation_invalid");
    register(&platform, "ann", Some("guessed")).await.failed(403, "invitation_invalid");
    let refused =
        platform.post("/douyin/user/register/", &[("username", &"ann"), ("password", &PASSWORD)]).await;
    assert_eq!(refused.code(), 110_007);
    let invite = async |uses: u64, expires_at: u64| {
        let body = json!({ "uses": uses, "expires_at": expires_at });
        platform.api(Some(&root), Method::POST, "/admin/invitations", body).await
    };
    for (uses, expires_at, field) in [
        (0, millis(60), "uses"),
        (10_001, millis(60), "uses"),
        (1, 5, "expires_at"),
        (1, millis(400 * 86_400), "expires_at"),
    ] {
        assert_eq!(invite(uses, expires_at).await.failed(400, "invalid").json["field"], field);
    }
    let made = invite(2, millis(60)).await.ok(201).json;
    let code = made["code"].as_str().expect("a word");
    register(&platform, "ann", Some(code)).await.ok(201);
    // A name that is taken takes no use.
    register(&platform, "ANN", Some(code)).await.failed(409, "username_taken");
    register(&platform, "bob", Some(code)).await.ok(201);
    register(&platform, "cyd", Some(code)).await.failed(403, "invitation_invalid");
    let other = invite(5, millis(60)).await.ok(201).json;
    let listed = platform.api(Some(&root), Method::GET, "/admin/invitations", Value::Null).await.ok(200).json;
    assert_eq!(listed["items"].as_array().expect("a list").len(), 1, "{listed}");
    let path = format!("/admin/invitations/{}", other["id"]);
    platform.api(Some(&root), Method::DELETE, &path, Value::Null).await.ok(204);
    platform.api(Some(&root), Method::DELETE, &path, Value::Null).await.failed(403, "invitation_invalid");
    register(&platform, "cyd", other["code"].as_str()).await.failed(403, "invitation_invalid");
    platform.finish().await;
}

#[tokio::test]
async fn a_closed_site_takes_nobody_and_one_with_approval_lets_in_one_by_one() {
    let (platform, _root) = governed("closed").await;
    register(&platform, "ann", None).await.failed(403, "registration_closed");
    platform.finish().await;
    let (platform, root) = governed("approval").await;
    let waiting = register(&platform, "ann", None).await.ok(202).json;
    assert_eq!((&waiting["standing"], &waiting["access_token"]), (&json!("pending"), &Value::Null));
    login(&platform, "ann").await.failed(403, "account_pending");
    let body = json!({ "username": "ann", "password": "another guess" });
    platform.api(None, Method::POST, "/sessions", body).await.failed(401, "wrong_password");
    let refused =
        platform.post("/douyin/user/login/", &[("username", &"ann"), ("password", &PASSWORD)]).await;
    assert_eq!(refused.code(), 110_004);
    let path = "/admin/accounts?standing=pending";
    let listed = platform.api(Some(&root), Method::GET, path, Value::Null).await.ok(200).json;
    assert_eq!(listed["items"][0]["name"], "ann");
    decide(&platform, &root, waiting["user_id"].as_i64().expect("a number"), "active").await.ok(204);
    login(&platform, "ann").await.ok(201);
    let listed = platform.api(Some(&root), Method::GET, path, Value::Null).await.ok(200).json;
    assert_eq!(listed["items"], json!([]));
    platform.finish().await;
}

#[tokio::test]
async fn a_suspended_account_is_out_within_seconds_and_every_decision_is_written_down() {
    let (platform, root) = governed("open").await;
    let ann = bearer(&register(&platform, "ann", None).await.ok(201).json);
    let bob = platform.register("bob").await;
    decide(&platform, &bob, ann.id, "suspended").await.failed(403, "permission_denied");
    decide(&platform, &root, root.id, "suspended").await.failed(400, "invalid");
    decide(&platform, &root, 999, "suspended").await.failed(404, "user_not_found");
    assert_eq!(
        decide(&platform, &root, ann.id, "banished").await.failed(400, "invalid").json["field"],
        "standing"
    );
    let path = format!("/admin/accounts/{}/standing", ann.id);
    let no_reason = json!({ "standing": "suspended", "reason": " " });
    let told = platform.api(Some(&root), Method::PUT, &path, no_reason).await.failed(400, "invalid");
    assert_eq!(told.json["field"], "reason");
    decide(&platform, &root, ann.id, "suspended").await.ok(204);
    eventually("they are out", Duration::from_secs(5), async || {
        let told = platform.api(Some(&ann), Method::GET, "/account", Value::Null).await;
        (told.status == 401).then_some(())
    })
    .await;
    login(&platform, "ann").await.failed(403, "account_suspended");
    decide(&platform, &root, ann.id, "active").await.ok(204);
    login(&platform, "ann").await.ok(201);
    let audit =
        platform.api(Some(&root), Method::GET, "/admin/audit?limit=1", Value::Null).await.ok(200).json;
    let next = format!("/admin/audit?cursor={}", audit["next_cursor"].as_str().expect("more"));
    let before = platform.api(Some(&root), Method::GET, &next, Value::Null).await.ok(200).json;
    let subject = json!(format!("user {}", ann.id));
    for (line, action) in [(&audit["items"][0], "active"), (&before["items"][0], "suspended")] {
        assert_eq!(
            (&line["by"], &line["action"], &line["subject"]),
            (&json!("root"), &json!(action), &subject)
        );
        assert_eq!(line["detail"], "because");
    }
    assert_eq!(
        before["items"].as_array().expect("a list").len(),
        1,
        "what was refused is not there: {before}"
    );
    platform.api(Some(&bob), Method::GET, "/admin/audit", Value::Null).await.failed(403, "permission_denied");
    platform.finish().await;
}
