//! The stream of events: what one is sent comes at once, nothing is lost when it breaks, and it ends when it has to.

use std::time::{Duration, Instant};

use e2e::{Platform, User, clip, within};
use reqwest::{Method, Response};
use rustix::process::Signal;
use serde_json::{Value, json};

const TOLD_WITHIN: Duration = Duration::from_secs(10);

async fn ask(platform: &Platform, by: &User, last: &str) -> Response {
    let request = platform.request(Method::GET, "/api/v1/stream").bearer_auth(&by.token);
    request.header("last-event-id", last).send().await.expect("an answer")
}

/// A stream that is open.
struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    async fn open(platform: &Platform, by: &User, last: &str) -> Self {
        let response = ask(platform, by, last).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"text/event-stream".parse().expect("text"))
        );
        let mut stream = Self { response, text: String::new() };
        assert!(stream.block().await.expect("a greeting").contains("retry: 1000"));
        stream
    }

    /// The next block of lines; nothing when it has ended.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let chunk = within("something is told", 2 * TOLD_WITHIN, self.response.chunk()).await;
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).expect("text"));
        }
    }

    /// The next message: the event's id and the message.
    async fn message(&mut self) -> (String, Value) {
        self.event("message").await
    }

    /// The next event of a kind: its id and its data.
    async fn event(&mut self, kind: &str) -> (String, Value) {
        loop {
            let block = self.block().await.expect("it goes on");
            let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            if line("event: ").as_deref() == Some(kind) {
                let data = serde_json::from_str(&line("data: ").expect("data")).expect("JSON");
                return (line("id: ").expect("an id"), data);
            }
        }
    }

    async fn ends(mut self) {
        while self.block().await.is_some() {}
    }
}

async fn send(platform: &Platform, from: &User, to: &User, content: &str) {
    let path = format!("/users/{}/messages", to.id);
    platform.api(Some(from), Method::POST, &path, json!({ "content": content })).await.ok(201);
}

#[tokio::test]
async fn a_message_is_told_at_once_and_none_is_lost_when_a_stream_breaks() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let mut stream = Stream::open(&platform, &ann, "").await;
    let mut other = Stream::open(&platform, &ann, "").await;
    send(&platform, &bob, &ann, "one").await;
    send(&platform, &ann, &bob, "not to ann").await;
    let (id, told) = stream.message().await;
    assert_eq!((&told["content"], &told["sender_id"]), (&json!("one"), &json!(bob.id)));
    assert_eq!(other.message().await.1["content"], "one", "every window is told");
    drop(stream);
    send(&platform, &bob, &ann, "two").await;
    send(&platform, &bob, &ann, "three").await;
    let mut again = Stream::open(&platform, &ann, &id).await;
    let mut missed = Vec::new();
    while missed.last() != Some(&json!("three")) {
        missed.push(again.message().await.1["content"].clone());
    }
    assert!(missed.ends_with(&[json!("two"), json!("three")]), "{missed:?}");
    for last in ["x", "-1", "1.5"] {
        assert_eq!(ask(&platform, &ann, last).await.status(), 400, "{last}");
    }
    drop((other, again));
    platform.finish().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_there_are_not_too_many() {
    let platform = Platform::start().await;
    let body = json!({ "username": "ann", "password": "correct horse" });
    let opened = platform.api(None, Method::POST, "/accounts", body).await.ok(201).json;
    let ann = User {
        id: opened["user_id"].as_i64().expect("a number"),
        token: opened["access_token"].as_str().expect("a token").into(),
        name: "ann".into(),
    };
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(Stream::open(&platform, &ann, "").await);
    }
    assert_eq!(ask(&platform, &ann, "").await.status(), 429);
    let bob = platform.register("bob").await;
    let others = Stream::open(&platform, &bob, "").await;
    let began = Instant::now();
    platform.api(Some(&ann), Method::DELETE, "/session", Value::Null).await.ok(204);
    for stream in streams {
        stream.ends().await;
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(others);
    platform.finish().await;
}

#[tokio::test]
async fn a_stream_does_not_hold_up_a_stop() {
    let mut platform = Platform::with(&[("DYTT_SERVER__GRACE_SECONDS", "30")]).await;
    let ann = platform.register("ann").await;
    let stream = Stream::open(&platform, &ann, "").await;
    platform.signal(Signal::TERM);
    stream.ends().await;
    platform.ended(TOLD_WITHIN).await;
    platform.restart().await;
    platform.finish().await;
}

#[tokio::test]
async fn who_is_liked_followed_or_named_is_told_at_once_and_finds_it_in_the_list() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.publish_for(&ann, clip::plain(), "public").await;
    let mut stream = Stream::open(&platform, &ann, "").await;
    let act = async |method: Method, path: String, body: Value, status: u16| {
        platform.api(Some(&bob), method, &path, body).await.ok(status)
    };
    act(Method::PUT, format!("/users/{}/follow", ann.id), Value::Null, 204).await;
    let (_, told) = stream.event("notification").await;
    assert_eq!((&told["occasion"], &told["actor"]["id"]), (&json!("follow"), &json!(bob.id)));
    act(Method::PUT, format!("/videos/{video}/like"), Value::Null, 204).await;
    act(Method::POST, format!("/videos/{video}/comments"), json!({ "content": "well done, @ann!" }), 201)
        .await;
    for occasion in ["like", "comment"] {
        let (id, told) = stream.event("notification").await;
        assert_eq!((&told["occasion"], &told["video"]["id"]), (&json!(occasion), &json!(video)));
        assert_eq!(id, told["told_at"].to_string());
    }
    let get = async |path: &str| platform.api(Some(&ann), Method::GET, path, Value::Null).await.ok(200).json;
    let list = get("/account/notifications?limit=2").await;
    let occasions = |list: &Value| {
        let items = list["items"].as_array().expect("a list").clone();
        items.iter().map(|item| item["occasion"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(occasions(&list), ["comment", "like"]);
    assert_eq!(list["items"][0]["comment"]["content"], "well done, @ann!");
    assert_eq!(list["items"][0]["is_new"], true);
    let next = format!("/account/notifications?cursor={}", list["next_cursor"].as_str().expect("a cursor"));
    assert_eq!(occasions(&get(&next).await), ["follow"]);
    assert_eq!(get("/account/notifications/new").await["count"], 3);
    let seen = json!({ "until": list["items"][0]["told_at"] });
    platform.api(Some(&ann), Method::PUT, "/account/notifications/seen", seen).await.ok(204);
    assert_eq!(get("/account/notifications/new").await["count"], 0);
    assert_eq!(get("/account/notifications").await["items"][0]["is_new"], false);
    let others = platform.api(Some(&bob), Method::GET, "/account/notifications", Value::Null).await;
    assert_eq!(others.ok(200).json["items"], json!([]));
    platform.finish().await;
}
