//! Sessions of the modern API: opened, renewed, seen, ended from elsewhere; and cookies, for our own pages alone.

use std::time::Duration;

use e2e::{Platform, Told, User, eventually};
use reqwest::header::SET_COOKIE;
use reqwest::{Method, Response};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";
/// A revocation holds everywhere within this.
const ENDED_WITHIN: Duration = Duration::from_secs(5);

async fn register(platform: &Platform, name: &str) -> Value {
    let body = json!({ "username": name, "password": PASSWORD, "device": "a test" });
    platform.api(None, Method::POST, "/accounts", body).await.ok(201).json
}

/// Whoever holds an access token.
fn bearer(opened: &Value) -> User {
    User {
        id: opened["user_id"].as_i64().expect("a number"),
        token: opened["access_token"].as_str().expect("a token").into(),
        name: String::new(),
    }
}

async fn renew(platform: &Platform, opened: &Value) -> Told {
    let body = json!({ "renewal_token": opened["renewal_token"] });
    platform.api(None, Method::POST, "/sessions/renewal", body).await
}

async fn ends(platform: &Platform, user: &User) {
    eventually("the session has ended", ENDED_WITHIN, async || {
        let told = platform.api(Some(user), Method::GET, "/account", Value::Null).await;
        (told.status == 401).then(|| told.failed(401, "token_invalid"))
    })
    .await;
}

#[tokio::test]
async fn a_session_is_renewed_and_a_renewal_that_was_stolen_ends_it() {
    let platform = Platform::start().await;
    let first = register(&platform, "ann").await;
    assert_eq!((&first["access_expires_in"], &first["session_id"]), (&json!(900), &json!(1)));
    let own = platform.api(Some(&bearer(&first)), Method::GET, "/account", Value::Null).await.ok(200).json;
    assert_eq!((&own["name"], &own["id"]), (&json!("ann"), &first["user_id"]));
    let second = renew(&platform, &first).await.ok(200).json;
    assert_ne!(second["renewal_token"], first["renewal_token"]);
    platform.api(Some(&bearer(&second)), Method::GET, "/account", Value::Null).await.ok(200);
    // An answer may be lost, and two windows may ask at once: for seconds the same renewal serves again.
    renew(&platform, &first).await.ok(200);
    let third = renew(&platform, &second).await.ok(200).json;
    // Two generations ago is somebody else's.
    renew(&platform, &first).await.failed(401, "token_invalid");
    ends(&platform, &bearer(&third)).await;
    renew(&platform, &third).await.failed(401, "token_invalid");
    let access = json!({ "renewal_token": third["access_token"] });
    platform.api(None, Method::POST, "/sessions/renewal", access).await.failed(401, "token_invalid");
    let mut swapped = bearer(&first);
    swapped.token = first["renewal_token"].as_str().expect("a token").into();
    platform.api(Some(&swapped), Method::GET, "/account", Value::Null).await.failed(401, "token_invalid");
    platform.finish().await;
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_and_all_at_once() {
    let platform = Platform::start().await;
    let phone = register(&platform, "ann").await;
    let login = json!({ "username": "ann", "password": PASSWORD, "device": "laptop\u{7}" });
    let laptop = platform.api(None, Method::POST, "/sessions", login.clone()).await.ok(201).json;
    let other = register(&platform, "bob").await;
    let listed =
        platform.api(Some(&bearer(&laptop)), Method::GET, "/sessions", Value::Null).await.ok(200).json;
    let rows: Vec<_> = listed["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| (&row["device"], &row["is_current"]))
        .collect();
    assert_eq!(rows, [(&json!("laptop"), &json!(true)), (&json!("a test"), &json!(false))]);
    let path = format!("/sessions/{}", phone["session_id"]);
    platform
        .api(Some(&bearer(&other)), Method::DELETE, &path, Value::Null)
        .await
        .failed(404, "session_not_found");
    platform.api(Some(&bearer(&laptop)), Method::DELETE, &path, Value::Null).await.ok(204);
    ends(&platform, &bearer(&phone)).await;
    renew(&platform, &phone).await.failed(401, "token_invalid");
    platform
        .api(Some(&bearer(&laptop)), Method::DELETE, &path, Value::Null)
        .await
        .failed(404, "session_not_found");
    platform.api(Some(&bearer(&laptop)), Method::DELETE, "/session", Value::Null).await.ok(204);
    ends(&platform, &bearer(&laptop)).await;
    let again = platform.api(None, Method::POST, "/sessions", login.clone()).await.ok(201).json;
    let douyin =
        platform.post("/douyin/user/login/", &[("username", &"ann"), ("password", &PASSWORD)]).await.ok();
    let douyin = User { token: douyin["token"].as_str().expect("a token").into(), ..bearer(&again) };
    platform.api(Some(&bearer(&again)), Method::DELETE, "/sessions", Value::Null).await.ok(204);
    ends(&platform, &bearer(&again)).await;
    ends(&platform, &douyin).await;
    platform.api(Some(&bearer(&other)), Method::GET, "/account", Value::Null).await.ok(200);
    platform.finish().await;
}

#[tokio::test]
async fn a_password_is_a_good_one_and_its_change_ends_what_was_opened_with_the_old() {
    let platform = Platform::start().await;
    let opened = register(&platform, "ann").await;
    for (username, password, field) in [
        ("bob", "1234567", "password"),
        ("bob", "Password1", "password"),
        ("Robert12", "robert12", "password"),
        ("", PASSWORD, "username"),
        ("a\u{202e}b", PASSWORD, "username"),
    ] {
        let body = json!({ "username": username, "password": password });
        let told = platform.api(None, Method::POST, "/accounts", body).await;
        assert_eq!((told.status, &told.json["field"]), (400, &json!(field)), "{username} {password}");
    }
    let taken = json!({ "username": "ANN", "password": PASSWORD });
    platform.api(None, Method::POST, "/accounts", taken).await.failed(409, "username_taken");
    for body in [
        json!({ "username": "ann", "password": "wrong" }),
        json!({ "username": "nobody", "password": PASSWORD }),
    ] {
        platform.api(None, Method::POST, "/sessions", body).await.failed(401, "wrong_password");
    }
    let ann = bearer(&opened);
    let change = |old: &str, new: &str| json!({ "old_password": old, "new_password": new });
    let path = "/account/password";
    platform
        .api(Some(&ann), Method::PUT, path, change("wrong", "another good one"))
        .await
        .failed(401, "wrong_password");
    let weak = platform
        .api(Some(&ann), Method::PUT, path, change(PASSWORD, "12345678"))
        .await
        .failed(400, "invalid");
    assert_eq!(weak.json["field"], "new_password");
    let fresh =
        platform.api(Some(&ann), Method::PUT, path, change(PASSWORD, "another good one")).await.ok(200).json;
    ends(&platform, &ann).await;
    platform.api(Some(&bearer(&fresh)), Method::GET, "/account", Value::Null).await.ok(200);
    let login = |password: &str| json!({ "username": "ann", "password": password });
    platform.api(None, Method::POST, "/sessions", login(PASSWORD)).await.failed(401, "wrong_password");
    platform.api(None, Method::POST, "/sessions", login("another good one")).await.ok(201);
    platform.finish().await;
}

async fn asked(
    platform: &Platform,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Value,
) -> Response {
    let mut request = platform.request(method, &format!("/api/v1{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !body.is_null() {
        request = request.json(&body);
    }
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn cookies_serve_pages_of_this_server_and_no_others() {
    let platform = Platform::start().await;
    let origin = platform.url("");
    let ours = ("origin", origin.as_str());
    let body = json!({ "username": "ann", "password": PASSWORD, "cookies": true });
    for headers in [&[][..], &[("origin", "http://evil.example")], &[("origin", "null")]] {
        assert_eq!(asked(&platform, Method::POST, "/accounts", headers, body.clone()).await.status(), 403);
    }
    let opened = asked(&platform, Method::POST, "/accounts", &[ours], body).await;
    assert_eq!(opened.status(), 201);
    let set: Vec<String> =
        opened.headers().get_all(SET_COOKIE).iter().map(|one| one.to_str().expect("text").into()).collect();
    assert_eq!(set.len(), 2);
    for cookie in &set {
        assert!(cookie.contains("; HttpOnly; SameSite=Lax") && !cookie.contains("Domain"), "{cookie}");
    }
    let told: Value = opened.json().await.expect("JSON");
    assert_eq!(
        (&told["access_token"], &told["renewal_token"]),
        (&Value::Null, &Value::Null),
        "scripts get none"
    );
    let pair = |cookie: &str| cookie.split(';').next().expect("a pair").to_owned();
    let (access, renewal) = (pair(&set[0]), pair(&set[1]));
    let cookie = ("cookie", access.as_str());
    assert_eq!(asked(&platform, Method::GET, "/account", &[cookie], Value::Null).await.status(), 200);
    let follow = "/users/1/follow";
    for headers in [
        &[cookie][..],
        &[cookie, ("origin", "http://evil.example")],
        &[cookie, ("sec-fetch-site", "cross-site")],
    ] {
        let refused = asked(&platform, Method::PUT, follow, headers, Value::Null).await;
        assert_eq!(refused.status(), 403);
        assert_eq!(refused.json::<Value>().await.expect("JSON")["reason"], "cross_site");
    }
    let own = asked(&platform, Method::PUT, follow, &[cookie, ours], Value::Null).await;
    assert_eq!(own.json::<Value>().await.expect("JSON")["reason"], "self_follow", "it is asked as ann");
    let both = format!("{access}; {renewal}");
    let renewed =
        asked(&platform, Method::POST, "/sessions/renewal", &[("cookie", &both), ours], json!({})).await;
    assert_eq!(renewed.status(), 200);
    let stolen = asked(&platform, Method::POST, "/sessions/renewal", &[("cookie", &both)], json!({})).await;
    assert_eq!(stolen.status(), 403);
    let left = asked(&platform, Method::DELETE, "/session", &[cookie, ours], Value::Null).await;
    assert_eq!(left.status(), 204);
    assert!(
        left.headers()
            .get_all(SET_COOKIE)
            .iter()
            .all(|one| one.to_str().expect("text").contains("Max-Age=0"))
    );
    assert_eq!(asked(&platform, Method::GET, "/account", &[cookie], Value::Null).await.status(), 401);
    platform.finish().await;
}
