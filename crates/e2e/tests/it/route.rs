//! Every route: both spellings, the ways a parameter can arrive, and what is no route at all.

use e2e::{Answer, Pairs, Platform, shape};
use reqwest::Method;
use serde_json::Value;

/// Each route: method, path, whether it demands a token.
pub const ROUTES: [(&str, &str, bool); 22] = [
    ("GET", "feed", false),
    ("POST", "user/register", false),
    ("POST", "user/login", false),
    ("GET", "user", true),
    ("POST", "publish/action", true),
    ("GET", "publish/list", false),
    ("POST", "favorite/action", true),
    ("GET", "favorite/list", false),
    ("POST", "comment/action", true),
    ("GET", "comment/list", false),
    ("GET", "comment/count", false),
    ("POST", "relation/action", true),
    ("POST", "relation/follow", true),
    ("POST", "relation/unfollow", true),
    ("GET", "relation/follow/list", false),
    ("GET", "relation/follower/list", false),
    ("GET", "relation/friend/list", true),
    ("GET", "relation/follow/count", false),
    ("GET", "relation/follower/count", false),
    ("GET", "relation/isFollow", true),
    ("GET", "message/chat", true),
    ("POST", "message/action", true),
];

/// Servers of this API differ: "trailing slash": no redirect, whatever the spelling; the client here follows none.
#[tokio::test]
async fn every_route_answers_both_spellings_directly() {
    let platform = Platform::start().await;
    for (method, path, _) in ROUTES {
        let method: Method = method.parse().expect("a method");
        for spelled in
            ["/douyin/PATH/", "/douyin/PATH", "//douyin//PATH//", "/douyin/PATH/?", "/douyin/PATH?x=1"]
        {
            let spelled = spelled.replace("PATH", path);
            let request = platform.request(method.clone(), &spelled).header("content-length", "0");
            let answer = Answer::read(request.send().await.expect("an answer")).await;
            assert_eq!(answer.http, 200, "{method} {spelled}: {}", answer.json);
        }
    }
    platform.finish().await;
}

#[tokio::test]
async fn every_list_answers_post_and_no_action_answers_get() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    for (method, path, _) in ROUTES {
        let path = format!("/douyin/{path}/");
        if method == "GET" {
            let pairs: Pairs = &[("video_id", &1), ("to_user_id", &1)];
            let (by_get, by_post) =
                (platform.see(&ann, &path, pairs).await, platform.act(&ann, &path, pairs).await);
            assert_eq!((by_get.http, by_get.code()), (by_post.http, by_post.code()), "{path}");
        } else {
            let answer = platform.get(&path, &[]).await;
            assert_eq!(answer.http, 405, "{path}");
            assert_ne!(answer.code(), 0);
        }
    }
    platform.finish().await;
}

#[tokio::test]
async fn a_token_is_demanded_exactly_where_the_contract_says() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    platform.video(&ann, "clip").await;
    let pairs: Pairs = &[("user_id", &1), ("video_id", &1), ("to_user_id", &1), ("token", &"nonsense")];
    for (method, path, demanded) in ROUTES {
        let path = format!("/douyin/{path}/");
        if path.starts_with("/douyin/user/") && method == "POST" || path.contains("publish/action") {
            continue;
        }
        for pairs in [pairs, &pairs[..3]] {
            let answer = if method == "GET" {
                platform.get(&path, pairs).await
            } else {
                platform.post(&path, pairs).await
            };
            assert_eq!(answer.code(), if demanded { 100_004 } else { 0 }, "{path}");
        }
    }
    platform.finish().await;
}

#[tokio::test]
async fn what_is_no_route_is_404_in_the_envelope() {
    let platform = Platform::start().await;
    for path in [
        "/douyin/",
        "/douyin/feeds/",
        "/douyin/feed/x/",
        "/nothing",
        "/douyin/user/delete/",
        "/%ff",
        "/media/",
    ] {
        let answer = platform.get(path, &[]).await;
        assert_eq!(answer.http, 404, "{path}");
        assert_ne!(answer.code(), 0);
    }
    platform.finish().await;
}

/// Servers of this API differ: "POST params".
#[tokio::test]
async fn a_parameter_may_stand_in_query_form_or_multipart() {
    let platform = Platform::start().await;
    let path = "/douyin/user/register/";
    let credentials = |name: &'static str| [("username", name), ("password", "a password")];
    let pairs = credentials("query");
    let pairs = pairs.each_ref().map(|(name, value)| (*name, value as e2e::Shown));
    platform.post(path, &pairs).await.ok();
    platform.post_form(path, &[("username", &"form"), ("password", &"a password")]).await.ok();
    platform.post_multipart(path, &[("username", &"multipart"), ("password", &"a password")]).await.ok();
    // The demo suite sends everything twice; the query wins over the form.
    let both = platform.request(Method::POST, &format!("{path}?username=both")).form(&credentials("form2"));
    let both = Answer::read(both.send().await.expect("an answer")).await.ok();
    let login =
        platform.post("/douyin/user/login/", &[("username", &"both"), ("password", &"a password")]).await;
    assert_eq!(login.ok()["user_id"], both["user_id"]);
    // An empty value is none: the form's counts.
    let empty = platform.request(Method::POST, &format!("{path}?username=")).form(&credentials("filled"));
    Answer::read(empty.send().await.expect("an answer")).await.ok();
    platform.post(path, &[("username", &"filled"), ("password", &"a password")]).await.refused(110_002);
    platform.finish().await;
}

#[tokio::test]
async fn of_a_repeated_key_the_first_that_is_not_empty_counts() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let path = "/douyin/message/action/";
    let pairs: Pairs = &[
        ("content", &""),
        ("content", &"one"),
        ("content", &"two"),
        ("to_user_id", &bob.id),
        ("action_type", &1),
    ];
    platform.act(&ann, path, pairs).await.ok();
    assert_eq!(platform.chat(&bob, &ann, 0).await[0]["content"], "one");
    platform.finish().await;
}

#[tokio::test]
async fn a_bearer_header_is_a_token_and_one_in_the_query_comes_first() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let asked = async |path: &str, header: String| {
        let request = platform.request(Method::GET, path).header("authorization", header);
        Answer::read(request.send().await.expect("an answer")).await
    };
    for scheme in ["Bearer", "bearer"] {
        let answer = asked("/douyin/user/", format!("{scheme} {}", ann.token)).await.ok();
        assert_eq!(answer["user"]["id"], ann.id);
    }
    let first =
        asked(&format!("/douyin/user/?token={}", bob.token), format!("Bearer {}", ann.token)).await.ok();
    assert_eq!(first["user"]["id"], bob.id);
    asked("/douyin/user/", format!("Basic {}", ann.token)).await.refused(100_004);
    asked("/douyin/user/", "Bearer".into()).await.refused(100_004);
    platform.finish().await;
}

#[tokio::test]
async fn only_the_token_decides_who_acts() {
    let platform = Platform::start().await;
    let [ann, bob, cat] =
        [platform.register("ann").await, platform.register("bob").await, platform.register("cat").await];
    let video = platform.video(&ann, "clip").await;
    let forged: [(&str, e2e::Shown); 4] =
        [("user_id", &ann.id), ("actor_id", &ann.id), ("from_user_id", &ann.id), ("author_id", &ann.id)];
    let forge = async |path: &str, pairs: Pairs<'_>| {
        let pairs: Vec<_> = forged.iter().chain(pairs).copied().collect();
        platform.act(&bob, path, &pairs).await.ok()
    };
    let comment = forge(
        "/douyin/comment/action/",
        &[("video_id", &video), ("action_type", &1), ("comment_text", &"me")],
    )
    .await;
    assert_eq!(comment["comment"]["user"]["id"], bob.id);
    forge("/douyin/favorite/action/", &[("video_id", &video), ("action_type", &1)]).await;
    assert_eq!(platform.profile(&ann, &ann).await["favorite_count"], 0);
    forge("/douyin/relation/action/", &[("to_user_id", &cat.id), ("action_type", &1)]).await;
    assert_eq!(platform.profile(&ann, &ann).await["follow_count"], 0);
    forge("/douyin/message/action/", &[("to_user_id", &cat.id), ("action_type", &1), ("content", &"me")])
        .await;
    assert_eq!(platform.chat(&cat, &bob, 0).await.len(), 1);
    assert!(platform.chat(&cat, &ann, 0).await.is_empty());
    let friends = forge("/douyin/relation/friend/list/", &[]).await;
    assert!(shape::list(&friends, "user_list").is_empty());
    platform.finish().await;
}

/// The demo suite prints ids as floats.
#[tokio::test]
async fn whole_numbers_may_be_spelled_as_floats() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    assert_eq!(video, 1);
    for (id, action) in [("1e+00", "1"), ("1e 00", "1.0"), ("1.0", "1e0"), ("+1", "1"), ("10e-1", "01")] {
        platform.like(&ann, video, 2).await.ok();
        let pairs: Pairs = &[("video_id", &id), ("action_type", &action)];
        platform.act(&ann, "/douyin/favorite/action/", pairs).await.ok();
        assert_eq!(platform.watch(&ann, video).await["favorite_count"], 1, "{id}");
    }
    // A plus sign that nobody encoded arrives as a space.
    let path = format!("/douyin/comment/list/?video_id=1e+00&token={}", ann.token);
    assert_eq!(platform.get(&path, &[]).await.ok()["comment_list"], Value::Array(Vec::new()));
    platform.finish().await;
}

#[tokio::test]
async fn no_failure_ever_looks_like_a_success() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    for (method, path, _) in ROUTES {
        let path = format!("/douyin/{path}/");
        let unknown: Pairs = &[
            ("user_id", &404),
            ("video_id", &404),
            ("to_user_id", &404),
            ("action_type", &1),
            ("comment_text", &"x"),
            ("content", &"x"),
            ("username", &"ann"),
            ("password", &"wrong!"),
        ];
        let answer = if method == "GET" {
            platform.see(&ann, &path, unknown).await
        } else {
            platform.act(&ann, &path, unknown).await
        };
        // These never look anything up by a number.
        if !["feed", "friend", "chat"].iter().any(|name| path.contains(name)) {
            assert_ne!(answer.code(), 0, "{path}: {}", answer.json);
        }
    }
    platform.finish().await;
}
