//! What people do all day, by the modern API: watch, like, comment, follow, write; in pages, and not twice over.

use std::time::Duration;

use e2e::{Platform, User, eventually};
use reqwest::{Method, Response};
use serde_json::{Value, json};

async fn get(platform: &Platform, by: Option<&User>, path: &str) -> Value {
    platform.api(by, Method::GET, path, Value::Null).await.ok(200).json
}

/// A whole list, by pages of so many.
async fn all(platform: &Platform, by: Option<&User>, path: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(platform, by, &format!("{path}?limit={limit}{cursor}")).await;
        let rows = page["items"].as_array().expect("a list").clone();
        assert!(
            rows.len() <= limit.max(30)
                && (rows.len() == limit || page["next_cursor"].is_null() || path.starts_with("/feeds"))
        );
        items.extend(rows);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

#[tokio::test]
async fn people_follow_watch_like_and_say_things() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let cat = platform.register("cat").await;
    let video = platform.video(&ann, "clip").await;
    let put = async |by: &User, path: &str| platform.api(Some(by), Method::PUT, path, Value::Null).await;
    let take = async |by: &User, path: &str| platform.api(Some(by), Method::DELETE, path, Value::Null).await;
    let (follow, like) = (format!("/users/{}/follow", ann.id), format!("/videos/{video}/like"));
    for _ in 0..2 {
        put(&bob, &follow).await.ok(204);
        put(&bob, &like).await.ok(204);
    }
    put(&bob, &format!("/users/{}/follow", bob.id)).await.failed(400, "self_follow");
    put(&bob, "/users/999/follow").await.failed(404, "user_not_found");
    put(&bob, "/videos/999/like").await.failed(404, "video_not_found");
    let seen = get(&platform, Some(&bob), &format!("/users/{}", ann.id)).await;
    let told = ["follower_count", "video_count", "received_like_count", "is_followed"]
        .map(|name| seen[name].clone());
    assert_eq!(told, [json!(1), json!(1), json!(1), json!(true)]);
    assert_eq!(get(&platform, None, &format!("/users/{}", ann.id)).await["is_followed"], false);
    let feed = get(&platform, Some(&bob), "/feeds/newest").await;
    let card = &feed["items"][0];
    assert_eq!(
        (&card["id"], &card["is_liked"], &card["author"]["is_followed"]),
        (&json!(video), &json!(true), &json!(true))
    );
    let following = get(&platform, Some(&bob), "/feeds/following").await;
    assert_eq!(following["items"][0]["id"], video);
    assert_eq!(get(&platform, Some(&ann), "/feeds/following").await["items"], json!([]));
    for address in ["play_url", "cover_url"] {
        assert_eq!(platform.fetch(card[address].as_str().expect("an address")).await.status(), 200);
    }
    for path in [format!("/users/{}/videos", ann.id), format!("/users/{}/likes", bob.id)] {
        assert_eq!(get(&platform, None, &path).await["items"][0]["id"], video, "{path}");
    }
    let bookmark = format!("/videos/{video}/bookmark");
    for _ in 0..2 {
        put(&bob, &bookmark).await.ok(204);
    }
    put(&bob, "/videos/999/bookmark").await.failed(404, "video_not_found");
    assert_eq!(get(&platform, Some(&bob), "/account/bookmarks").await["items"][0]["id"], video);
    assert_eq!(get(&platform, Some(&ann), "/account/bookmarks").await["items"], json!([]));
    let path = format!("/videos/{video}");
    assert_eq!(get(&platform, Some(&bob), &path).await["is_bookmarked"], true);
    let change = async |by: &User, body: Value| platform.api(Some(by), Method::PATCH, &path, body).await;
    change(&bob, json!({ "title": "mine" })).await.failed(404, "video_not_found");
    assert_eq!(
        change(&ann, json!({ "title": " " })).await.failed(400, "bad_parameter").json["field"],
        "title"
    );
    change(&ann, json!({ "title": "another title" })).await.ok(204);
    eventually("no page keeps the old title", Duration::from_secs(5), async || {
        let old = platform.get("/douyin/feed/", &[]).await.list("video_list");
        let new =
            [get(&platform, None, "/feeds/newest").await, get(&platform, Some(&bob), "/feeds/newest").await];
        let is_new = old[0]["title"] == "another title";
        (is_new && new.iter().all(|page| page["items"][0]["title"] == "another title")).then_some(())
    })
    .await;
    for _ in 0..2 {
        take(&bob, &bookmark).await.ok(204);
    }
    assert_eq!(get(&platform, Some(&bob), "/account/bookmarks").await["items"], json!([]));
    let view = async |by: &User, watched_ms: i64| {
        let path = format!("/videos/{video}/view");
        platform.api(Some(by), Method::PUT, &path, json!({ "watched_ms": watched_ms })).await
    };
    assert_eq!(view(&bob, -1).await.failed(400, "invalid").json["field"], "watched_ms");
    for (watched_ms, views) in [(10, 0), (9_000_000, 1), (9_000_000, 1)] {
        view(&bob, watched_ms).await.ok(204);
        assert_eq!(get(&platform, None, &format!("/videos/{video}")).await["view_count"], views);
    }
    let comments = format!("/videos/{video}/comments");
    let say = async |by: &User, content: &str| {
        platform.api(Some(by), Method::POST, &comments, json!({ "content": content })).await
    };
    let first = say(&bob, " first <b>!</b> ").await.ok(201).json;
    assert_eq!((&first["content"], &first["author"]["name"]), (&json!("first <b>!</b>"), &json!("bob")));
    assert_eq!(say(&bob, " ").await.failed(400, "bad_parameter").json["field"], "content");
    assert_eq!(say(&bob, &"x".repeat(256)).await.failed(400, "invalid").json["field"], "content");
    assert_eq!(get(&platform, None, &comments).await["items"][0], {
        let mut one = first.clone();
        one["author"]["is_followed"] = json!(false);
        one
    });
    let one = format!("{comments}/{}", first["id"]);
    let reply = async |to: &Value| {
        let body = json!({ "content": "indeed", "parent_id": to });
        platform.api(Some(&ann), Method::POST, &comments, body).await
    };
    let second = reply(&first["id"]).await.ok(201).json;
    assert_eq!(second["parent_id"], first["id"]);
    reply(&second["id"]).await.failed(404, "comment_not_found");
    assert_eq!(reply(&json!(0)).await.failed(400, "bad_parameter").json["field"], "parent_id");
    for _ in 0..2 {
        put(&ann, &format!("{one}/like")).await.ok(204);
    }
    let seen = get(&platform, Some(&ann), &comments).await;
    assert_eq!(seen["items"].as_array().map(Vec::len), Some(1));
    let seen = &seen["items"][0];
    assert_eq!((&seen["reply_count"], &seen["like_count"]), (&json!(1), &json!(1)));
    assert_eq!(seen["is_liked"], true);
    assert_eq!(get(&platform, None, &format!("{one}/replies")).await["items"][0]["content"], "indeed");
    take(&ann, &format!("{one}/like")).await.ok(204);
    take(&cat, &one).await.failed(403, "permission_denied");
    take(&bob, &one).await.ok(204);
    take(&bob, &one).await.failed(404, "comment_not_found");
    let third = say(&bob, "rude").await.ok(201).json;
    take(&ann, &format!("{comments}/{}", third["id"])).await.ok(204);
    take(&bob, &format!("{comments}/x")).await.failed(400, "bad_parameter");
    put(&ann, &format!("/users/{}/follow", bob.id)).await.ok(204);
    let write = format!("/users/{}/messages", ann.id);
    let sent =
        platform.api(Some(&bob), Method::POST, &write, json!({ "content": "hello" })).await.ok(201).json;
    assert_eq!((&sent["sender_id"], &sent["receiver_id"]), (&json!(bob.id), &json!(ann.id)));
    let open = async |path: &str| get(&platform, Some(&ann), path).await["items"].clone();
    let talks = "/account/conversations";
    let [talk, requests] = [open(talks).await, open("/account/conversations?requests=true").await];
    assert_eq!(requests, json!([]), "ann follows bob");
    assert_eq!((&talk[0]["user"]["name"], &talk[0]["unread_count"]), (&json!("bob"), &json!(1)));
    assert_eq!(talk[0]["latest_message"], sent);
    let read = format!("/users/{}/messages/read", bob.id);
    let up_to = async |message: &Value| {
        platform.api(Some(&ann), Method::PUT, &read, json!({ "message_id": message })).await
    };
    assert_eq!(up_to(&json!(999)).await.failed(400, "invalid").json["field"], "message_id");
    up_to(&sent["id"]).await.ok(204);
    assert_eq!(open(talks).await[0]["unread_count"], 0);
    platform
        .api(Some(&ann), Method::POST, &format!("/users/{}/messages", cat.id), json!({ "content": "hi" }))
        .await
        .ok(201);
    let asked = get(&platform, Some(&cat), "/account/conversations?requests=true").await;
    assert_eq!(asked["items"][0]["user"]["name"], "ann");
    let friends = get(&platform, Some(&ann), "/account/friends").await;
    assert_eq!(friends["items"][0]["user"]["name"], "bob");
    assert_eq!(friends["items"][0]["latest_message"], json!({ "content": "hello", "is_own": false }));
    for _ in 0..2 {
        take(&bob, &follow).await.ok(204);
        take(&bob, &like).await.ok(204);
    }
    let seen = get(&platform, Some(&bob), &format!("/videos/{video}")).await;
    assert_eq!(
        (&seen["like_count"], &seen["is_liked"], &seen["comment_count"]),
        (&json!(0), &json!(false), &json!(0))
    );
    platform.finish().await;
}

#[tokio::test]
async fn people_say_who_they_are_and_every_page_says_it_too() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    platform.video(&ann, "clip").await;
    let change = async |body: Value| platform.api(Some(&ann), Method::PATCH, "/account", body).await;
    let path = format!("/users/{}", ann.id);
    assert_eq!(get(&platform, None, &path).await["display_name"], "ann");
    change(json!({ "display_name": " Ann 安 ", "signature": "1 \"two\" {3} \\u0034" })).await.ok(204);
    let seen = get(&platform, None, &path).await;
    assert_eq!((&seen["name"], &seen["display_name"]), (&json!("ann"), &json!("Ann 安")));
    for by in [None, Some(&bob)] {
        eventually("the feed says it", Duration::from_secs(5), async || {
            let feed = get(&platform, by, "/feeds/newest").await;
            (feed["items"][0]["author"]["display_name"] == "Ann 安").then_some(())
        })
        .await;
    }
    let page = platform.get("/douyin/feed/", &[]).await.list("video_list");
    let author = &page[0]["author"];
    assert_eq!((&author["name"], &author["signature"]), (&json!("ann"), &json!("1 \"two\" {3} \\u0034")));
    for (body, field) in [
        (json!({ "display_name": "x".repeat(65) }), "display_name"),
        (json!({ "display_name": "a\u{202e}b" }), "display_name"),
        (json!({ "signature": "x".repeat(256) }), "signature"),
        (json!({ "signature": "a\u{0}" }), "signature"),
    ] {
        assert_eq!(change(body).await.failed(400, "invalid").json["field"], field);
    }
    change(json!({ "display_name": "" })).await.ok(204);
    let seen = get(&platform, None, &path).await;
    assert_eq!((&seen["display_name"], &seen["signature"]), (&json!("ann"), &json!("1 \"two\" {3} \\u0034")));
    platform.finish().await;
}

#[tokio::test]
async fn lists_come_in_pages_and_a_cursor_is_of_one_list() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let (video, other) = (platform.video(&ann, "clip").await, platform.video(&ann, "another").await);
    let comments = format!("/videos/{video}/comments");
    for number in 0..7 {
        let body = json!({ "content": format!("number {number}") });
        platform.api(Some(&ann), Method::POST, &comments, body.clone()).await.ok(201);
        platform.api(Some(&ann), Method::POST, &format!("/users/{}/messages", bob.id), body).await.ok(201);
    }
    let newest_first: Vec<_> = (0..7).rev().map(|number| json!(format!("number {number}"))).collect();
    for limit in [1, 3, 7, 50] {
        for (by, path) in [(None, comments.clone()), (Some(&bob), format!("/users/{}/messages", ann.id))] {
            let found: Vec<_> =
                all(&platform, by, &path, limit).await.iter().map(|one| one["content"].clone()).collect();
            assert_eq!(found, newest_first, "{path} by {limit}");
        }
    }
    assert_eq!(all(&platform, None, "/feeds/newest", 50).await.len(), 2);
    // What comes meanwhile moves nothing.
    let page = get(&platform, None, &format!("{comments}?limit=3")).await;
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    platform.api(Some(&bob), Method::POST, &comments, json!({ "content": "late" })).await.ok(201);
    let next = get(&platform, None, &format!("{comments}?limit=3&cursor={cursor}")).await;
    assert_eq!(next["items"][0]["content"], "number 3");
    let elsewhere = format!("/videos/{other}/comments");
    for (path, query, field) in [
        (&elsewhere, format!("cursor={cursor}"), "cursor"),
        (&comments, "cursor=x".into(), "cursor"),
        (&comments, format!("cursor=1{cursor}"), "cursor"),
        (&comments, "limit=0".into(), "limit"),
        (&comments, "limit=51".into(), "limit"),
        (&comments, "limit=many".into(), "limit"),
    ] {
        let told = platform.api(None, Method::GET, &format!("{path}?{query}"), Value::Null).await;
        assert_eq!(told.failed(400, "bad_parameter").json["field"], field, "{query}");
    }
    let messages = format!("/users/{}/messages", bob.id);
    let own = get(&platform, Some(&ann), &format!("{messages}?limit=1")).await;
    let stranger = platform.register("cyd").await;
    let path = format!("{messages}?cursor={}", own["next_cursor"].as_str().expect("a cursor"));
    platform.api(Some(&stranger), Method::GET, &path, Value::Null).await.failed(400, "bad_parameter");
    platform.finish().await;
}

#[tokio::test]
async fn an_answer_that_is_known_is_not_sent_again() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    let path = format!("/api/v1/videos/{video}");
    let ask = async |known: &str| {
        let request = platform.request(Method::GET, &path).header("if-none-match", known);
        request.send().await.expect("an answer")
    };
    let first = ask("\"other\"").await;
    assert_eq!(
        (first.status().as_u16(), &first.headers()["cache-control"]),
        (200, &"private, no-cache".parse().expect("text"))
    );
    let name = first.headers()["etag"].to_str().expect("text").to_owned();
    for known in [name.clone(), format!("W/{name}"), format!("\"x\", {name}"), "*".into()] {
        let told = ask(&known).await;
        assert_eq!(
            (told.status().as_u16(), told.headers()["etag"].to_str().ok()),
            (304, Some(name.as_str()))
        );
        assert!(told.bytes().await.expect("a body").is_empty());
    }
    platform.like(&ann, video, 1).await.ok();
    assert_eq!(ask(&name).await.status(), 200, "it has changed");
    platform.finish().await;
}

#[tokio::test]
async fn what_a_body_says_wrong_is_named() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    let path = format!("/api/v1/videos/{video}/comments");
    for (kind, body, field) in [
        ("application/json", "{\"content\":5}", "content"),
        ("application/json", "{\"content\":\"a\",\"by\":1}", "by"),
        ("application/json", "{}", "content"),
        ("application/json", "[]", "request body"),
        ("application/json", "{\"content\"", "request body"),
        ("application/json", "", "request body"),
        ("text/plain", "{\"content\":\"a\"}", "Content-Type"),
        ("application/x-www-form-urlencoded", "content=a", "Content-Type"),
    ] {
        let request = platform.request(Method::POST, &path).bearer_auth(&ann.token);
        let told = request.header("content-type", kind).body(body).send().await.expect("an answer");
        assert_eq!(told.status(), 400, "{body}");
        let told: Value = told.json().await.expect("JSON");
        assert_eq!((&told["reason"], &told["field"]), (&json!("bad_parameter"), &json!(field)), "{body}");
    }
    let request = platform.request(Method::POST, &path).bearer_auth(&ann.token);
    let large = request.header("content-type", "application/json").body(vec![b' '; 70_000]);
    assert_eq!(large.send().await.expect("an answer").status(), 413);
    platform.finish().await;
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let platform = Platform::with(&[("DYTT_LIMITS__ENABLED", "true")]).await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let path = format!("/users/{}/messages", bob.id);
    let mut accepted = 0;
    let refused = loop {
        let told = platform.api(Some(&ann), Method::POST, &path, json!({ "content": "again" })).await;
        if told.status != 201 {
            break told;
        }
        accepted += 1;
        assert_eq!(told.header("ratelimit-policy"), "\"route\";q=60;w=60");
        assert!(told.header("ratelimit").starts_with("\"route\";r="), "{told:?}");
        assert!(accepted < 200, "it is limited");
    };
    assert!(accepted >= 30, "a burst passes: {accepted}");
    let wait: u64 = refused.failed(429, "rate_limited").header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    platform
        .api(Some(&bob), Method::POST, &format!("/users/{}/messages", ann.id), json!({ "content": "hi" }))
        .await
        .ok(201);
    platform.api(Some(&ann), Method::GET, "/account", Value::Null).await.ok(200);
    platform.finish().await;
}

/// One request that may be sent again, by its name.
async fn once(platform: &Platform, by: &User, path: &str, key: &str, body: &Value) -> Response {
    let request = platform.request(Method::POST, &format!("/api/v1{path}")).bearer_auth(&by.token);
    request.header("idempotency-key", key).json(body).send().await.expect("an answer")
}

#[tokio::test]
async fn a_request_with_a_name_is_done_once_and_answered_alike() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.video(&ann, "clip").await;
    let path = format!("/videos/{video}/comments");
    let body = json!({ "content": "once" });
    let first = once(&platform, &ann, &path, "one", &body).await;
    assert_eq!((first.status().as_u16(), first.headers().get("idempotency-replayed")), (201, None));
    let first = first.bytes().await.expect("a body");
    for _ in 0..4 {
        let again = once(&platform, &ann, &path, "one", &body).await;
        assert_eq!(
            (again.status().as_u16(), &again.headers()["idempotency-replayed"]),
            (201, &"true".parse().expect("text"))
        );
        assert_eq!(again.headers()["content-type"], "application/json; charset=utf-8");
        assert_eq!(again.bytes().await.expect("a body"), first);
    }
    let reason = async |told: Response| {
        let status = told.status().as_u16();
        (status, told.json::<Value>().await.expect("JSON")["reason"].as_str().expect("a word").to_owned())
    };
    let other = json!({ "content": "twice" });
    assert_eq!(reason(once(&platform, &ann, &path, "one", &other).await).await, (422, "key_reused".into()));
    assert_eq!(once(&platform, &bob, &path, "one", &other).await.status(), 201, "names are an account's own");
    // What was wrong stays wrong, in the same words.
    let wrong = json!({ "content": "" });
    let told = once(&platform, &ann, &path, "two", &wrong).await.text().await.expect("text");
    let again = once(&platform, &ann, &path, "two", &wrong).await;
    assert_eq!((again.status().as_u16(), again.text().await.expect("text")), (400, told));
    for key in [" ", "x y", &"k".repeat(65)] {
        assert_eq!(
            reason(once(&platform, &ann, &path, key, &body).await).await,
            (400, "bad_parameter".into()),
            "{key}"
        );
    }
    // A hundred at once: one is done, the others are told so or to ask again.
    let mut all = tokio::task::JoinSet::new();
    let platform = std::sync::Arc::new(platform);
    for _ in 0..100 {
        let (platform, ann, path) = (std::sync::Arc::clone(&platform), ann.clone(), path.clone());
        all.spawn(async move {
            once(&platform, &ann, &path, "crowd", &json!({ "content": "of a crowd" })).await.status().as_u16()
        });
    }
    let statuses = all.join_all().await;
    assert!(
        statuses.iter().all(|status| [201, 409].contains(status)) && statuses.contains(&201),
        "{statuses:?}"
    );
    let list = get(&platform, None, &format!("{path}?limit=50")).await;
    let texts: Vec<_> =
        list["items"].as_array().expect("a list").iter().map(|one| one["content"].clone()).collect();
    assert_eq!(texts, ["of a crowd", "twice", "once"]);
    std::sync::Arc::into_inner(platform).expect("is alone").finish().await;
}
