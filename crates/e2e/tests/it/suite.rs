//! The flows of the demo's test suite, and the habits of GuGoTik's and k6's scripts.

use e2e::{Answer, Platform, User, clip, shape};
use reqwest::Method;
use serde_json::Value;

/// The demo's helper: registers, and logs in when the name is taken. Everything goes in query and form.
async fn account(platform: &Platform, name: &str) -> User {
    let credentials = [("username", name), ("password", name)];
    let send = async |path: &str| {
        let request = platform.request(Method::POST, path).query(&credentials).form(&credentials);
        Answer::read(request.send().await.expect("an answer")).await
    };
    let registered = send("/douyin/user/register/").await;
    assert_eq!(registered.http, 200, "also when the name is taken");
    let mut json = registered.json;
    if shape::text(&json, "token").is_empty() {
        json = send("/douyin/user/login/").await.ok();
    }
    User {
        id: shape::integer(&json, "user_id"),
        token: shape::text(&json, "token").into(),
        name: name.into(),
    }
}

async fn twice(platform: &Platform, method: Method, path: &str, pairs: &[(&str, String)]) -> Value {
    let request = platform.request(method, path).query(pairs).form(pairs);
    Answer::read(request.send().await.expect("an answer")).await.ok()
}

fn pairs<'a>(user: &User, more: &[(&'a str, &dyn ToString)]) -> Vec<(&'a str, String)> {
    let token = [("token", user.token.clone())];
    token.into_iter().chain(more.iter().map(|(name, value)| (*name, value.to_string()))).collect()
}

async fn publish(platform: &Platform, user: &User) {
    platform.publish(&user.token, clip::plain(), "Bear").await.ok();
    let list =
        twice(platform, Method::GET, "/douyin/publish/list/", &pairs(user, &[("user_id", &user.id)])).await;
    let list = shape::list(&list, "video_list");
    assert!(!list.is_empty());
    list.iter().for_each(shape::video);
}

async fn feed(platform: &Platform) -> Value {
    let feed = platform.get("/douyin/feed/", &[]).await.list("video_list");
    feed.iter().for_each(shape::video);
    feed.into_iter().next().expect("at least one video")
}

async fn favourite(platform: &Platform, user: &User) {
    // The suite keeps the id in a float and prints it so.
    let id = feed(platform).await["id"].as_f64().expect("a number");
    let action = pairs(user, &[("video_id", &format!("{id:e}").replace('e', "e+0")), ("action_type", &1)]);
    twice(platform, Method::POST, "/douyin/favorite/action/", &action).await;
    let list =
        twice(platform, Method::GET, "/douyin/favorite/list/", &pairs(user, &[("user_id", &user.id)])).await;
    shape::list(&list, "video_list").iter().for_each(shape::video);
}

async fn comment(platform: &Platform, user: &User) {
    let video = shape::integer(&feed(platform).await, "id");
    let action = pairs(user, &[("video_id", &video), ("action_type", &1), ("comment_text", &"测试评论")]);
    let added = twice(platform, Method::POST, "/douyin/comment/action/", &action).await;
    let id = shape::integer(&added["comment"], "id");
    let list =
        twice(platform, Method::GET, "/douyin/comment/list/", &pairs(user, &[("video_id", &video)])).await;
    let list = shape::list(&list, "comment_list");
    assert!(list.iter().any(|one| one["id"] == id));
    list.iter().for_each(shape::comment);
    let action = pairs(user, &[("video_id", &video), ("action_type", &2), ("comment_id", &id)]);
    twice(platform, Method::POST, "/douyin/comment/action/", &action).await;
}

async fn relation(platform: &Platform, one: &User, other: &User) {
    let action = pairs(one, &[("to_user_id", &other.id), ("action_type", &1)]);
    twice(platform, Method::POST, "/douyin/relation/action/", &action).await;
    for (user, list, wanted) in [(one, "follow", other), (other, "follower", one)] {
        let path = format!("/douyin/relation/{list}/list/");
        let found = twice(platform, Method::GET, &path, &pairs(user, &[("user_id", &user.id)])).await;
        assert!(shape::ids(shape::list(&found, "user_list")).contains(&wanted.id), "{path}");
    }
    let friends = pairs(one, &[("user_id", &one.id)]);
    twice(platform, Method::GET, "/douyin/relation/friend/list/", &friends).await;
}

async fn chat(platform: &Platform, one: &User, other: &User) {
    for (from, to) in [(one, other), (other, one)] {
        let action = pairs(
            from,
            &[("to_user_id", &to.id), ("action_type", &1), ("content", &"Send to"), ("content", &"again")],
        );
        twice(platform, Method::POST, "/douyin/message/action/", &action).await;
        let list = pairs(from, &[("to_user_id", &to.id)]);
        let list = twice(platform, Method::GET, "/douyin/message/chat/", &list).await;
        assert!(!shape::list(&list, "message_list").is_empty());
    }
}

/// The suite runs against accounts it made in an earlier run.
#[tokio::test]
async fn the_demo_suite_passes_twice_on_the_same_accounts() {
    let platform = Platform::start().await;
    for round in 1..=2 {
        let one = account(&platform, "douyinTestUserA").await;
        let other = account(&platform, "douyinTestUserB").await;
        assert_eq!((one.id, other.id), (1, 2));
        let own = twice(&platform, Method::GET, "/douyin/user/", &pairs(&one, &[])).await;
        shape::user(&own["user"]);
        publish(&platform, &one).await;
        feed(&platform).await;
        favourite(&platform, &one).await;
        comment(&platform, &one).await;
        relation(&platform, &one, &other).await;
        chat(&platform, &one, &other).await;
        assert_eq!(platform.profile(&one, &one).await["work_count"], round);
        assert_eq!(platform.profile(&one, &other).await["follower_count"], 1);
    }
    platform.finish().await;
}

/// GuGo's suite and k6 send a query and an empty body without a content type; k6 parses every answer.
#[tokio::test]
async fn a_post_needs_no_body_and_no_content_type() {
    let platform = Platform::start().await;
    let request = "POST /douyin/user/register?username=k6&password=k6k6k6 HTTP/1.1\r\nHost: dytt.test\r\n\
                   Content-Length: 0\r\nConnection: close\r\n\r\n";
    let (status, json) = e2e::raw::parsed(&e2e::raw::exchange(&platform, request.as_bytes()).await);
    assert_eq!((status, shape::integer(&json, "status_code")), (200, 0));
    let (status, json) = e2e::raw::parsed(&e2e::raw::exchange(&platform, request.as_bytes()).await);
    assert_eq!((status, shape::integer(&json, "status_code"), &json["token"]), (200, 110_002, &"".into()));
    let feed = platform.get("/douyin/feed?", &[]).await.ok();
    assert!(feed["video_list"].is_array());
    platform.finish().await;
}

/// GuGo's test sends the feed a text for a time, and posts to a list; its ids fit into 32 bits.
#[tokio::test]
async fn gugos_habits_are_answered() {
    let platform = Platform::start().await;
    let user = account(&platform, "epicmo").await;
    let video = platform.video(&user, "clip").await;
    assert!(u32::try_from(video).is_ok() && u32::try_from(user.id).is_ok());
    let pairs: e2e::Pairs =
        &[("latest_time", &"2023-08-26T10:00:00Z"), ("actor_id", &1), ("token", &"unknown")];
    assert_eq!(platform.get("/douyin/feed", pairs).await.list("video_list").len(), 1);
    let list = platform.act(&user, "/douyin/favorite/list", &[("user_id", &user.id)]).await;
    assert!(list.list("video_list").is_empty());
    platform.finish().await;
}
