//! Webhooks: a receiver is told, with a signature it can check, until it takes it; and nobody inside is reached.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use e2e::{Platform, Told, User, clip, eventually};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const SOON: Duration = Duration::from_secs(40);

/// Somebody who is called: answers as it is told to, and keeps what came.
struct Receiver {
    url: String,
    came: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    /// Answers with these, then with success; an empty one is no answer.
    async fn start(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let came = Arc::new(Mutex::new(Vec::new()));
        let (kept, mut answers) =
            (Arc::clone(&came), answers.iter().map(|answer| (*answer).to_owned()).collect::<VecDeque<_>>());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = answers.pop_front().unwrap_or_else(|| "204 No Content\r\n".to_owned());
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    let mut request = Vec::new();
                    while !is_whole(&request)
                        && stream.read_buf(&mut request).await.is_ok_and(|read| read > 0)
                    {
                    }
                    kept.lock().expect("kept").push(String::from_utf8(request).expect("text"));
                    if answer.is_empty() {
                        std::future::pending::<()>().await;
                    }
                    let answer = format!("HTTP/1.1 {answer}content-length: 0\r\nconnection: close\r\n\r\n");
                    stream.write_all(answer.as_bytes()).await.ok();
                });
            }
        });
        Self { url, came }
    }

    fn came(&self) -> Vec<String> {
        self.came.lock().expect("kept").clone()
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = field(head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    body.len() >= length
}

fn field<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let line = request.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
    Some(line.split_once(':')?.1.trim())
}

/// The id of what came, when its signature is right.
fn proved(request: &str, secret: &str) -> String {
    let secret = STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
    let (id, at) =
        (field(request, "webhook-id").expect("an id"), field(request, "webhook-timestamp").expect("a time"));
    let (_, body) = request.split_once("\r\n\r\n").expect("a body");
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret).expect("a key");
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(field(request, "webhook-signature"), Some(expected.as_str()));
    id.to_owned()
}

async fn admin(platform: &Platform) -> User {
    let root = platform.register("root").await;
    assert_eq!(platform.command(&["user", "admin", "root"]).await.code, Some(0));
    root
}

async fn hook(platform: &Platform, root: &User, url: &str) -> Told {
    let body = json!({ "url": url, "events": ["comment.created"] });
    platform.api(Some(root), Method::POST, "/admin/webhooks", body).await
}

#[tokio::test]
async fn a_receiver_is_told_until_it_takes_it_and_one_who_hangs_holds_up_nobody() {
    let platform = Platform::with(&[("DYTT_WEBHOOKS__ALLOW_PRIVATE", "true")]).await;
    let (root, ann) = (admin(&platform).await, platform.register("ann").await);
    let video = platform.publish_for(&ann, clip::plain(), "public").await;
    let redirect = "302 Found\r\nlocation: /elsewhere\r\n";
    let receiver = Receiver::start(&["500 Internal Server Error\r\n", redirect]).await;
    let silent = Receiver::start(&["", "", "", ""]).await;
    let made = hook(&platform, &root, &receiver.url).await.ok(201).json;
    let (id, secret) = (&made["id"], made["secret"].as_str().expect("a secret"));
    let hanging = hook(&platform, &root, &silent.url).await.ok(201).json;
    for text in ["one", "two"] {
        platform.comment(&ann, video, text).await.ok();
    }
    let came = eventually("both have arrived", SOON, async || {
        let came = receiver.came();
        (came.len() == 4).then_some(came)
    })
    .await;
    let ids: Vec<_> = came.iter().map(|request| proved(request, secret)).collect();
    assert_eq!((&ids[0], &ids[1]), (&ids[2], &ids[3]), "the same, once more");
    assert_ne!(ids[0], ids[1]);
    assert!(came.iter().all(|request| request.starts_with("POST /hook ")), "a redirect is not followed");
    let told: Value = serde_json::from_str(came[0].split_once("\r\n\r\n").expect("a body").1).expect("json");
    assert_eq!((&told["type"], &told["data"]["content"]), (&json!("comment.created"), &json!("one")));
    let log = format!("/admin/webhooks/{id}/deliveries");
    let deliveries = async |path: &str| {
        platform.api(Some(&root), Method::GET, path, Value::Null).await.ok(200).json["items"].clone()
    };
    let log = eventually("both are noted", SOON, async || {
        let items = deliveries(&log).await;
        items.as_array()?.iter().all(|one| one["state"] == "sent").then_some(items)
    })
    .await;
    assert_eq!((&log[0]["attempts"], &log[0]["outcome"]), (&json!(2), &json!("204 No Content")));
    let path = format!("/admin/webhooks/{id}/deliveries/{}/replay", log[0]["id"]);
    platform.api(Some(&root), Method::POST, &path, Value::Null).await.ok(204);
    let again = eventually("it came once more", SOON, async || receiver.came().get(4).cloned()).await;
    assert_eq!(proved(&again, secret), ids[1]);
    let path = format!("/admin/webhooks/{}/deliveries", hanging["id"]);
    eventually("nobody waits for ever", SOON, async || {
        let items = deliveries(&path).await;
        let late = |one: &Value| one["outcome"] == "it took too long to answer";
        items.as_array()?.iter().any(late).then_some(())
    })
    .await;
    let hooks = platform.api(Some(&root), Method::GET, "/admin/webhooks", Value::Null).await.ok(200).json;
    assert_eq!(
        (&hooks["items"][0]["url"], &hooks["items"][0]["secret"]),
        (&json!(receiver.url), &Value::Null)
    );
    assert!(hooks["items"][1]["failing_since"].is_i64());
    assert!(!platform.log().contains(&secret[6..]));
    for made in [&made, &hanging] {
        let path = format!("/admin/webhooks/{}", made["id"]);
        platform.api(Some(&root), Method::DELETE, &path, Value::Null).await.ok(204);
        let told = platform.api(Some(&root), Method::DELETE, &path, Value::Null).await;
        told.failed(404, "webhook_not_found");
    }
    platform.finish().await;
}

#[tokio::test]
async fn nothing_inside_is_called_unless_it_is_allowed() {
    let platform = Platform::start().await;
    let root = admin(&platform).await;
    let receiver = Receiver::start(&[]).await;
    for inside in
        [receiver.url.as_str(), "http://localhost:1/", "http://169.254.169.254/", "http://[::1]/", "ftp://a/"]
    {
        let told = hook(&platform, &root, inside).await.failed(400, "invalid");
        assert_eq!(told.json["field"], "url", "{inside}");
    }
    for (events, field) in [(json!([]), "events"), (json!(["comment.eaten"]), "events")] {
        let body = json!({ "url": "https://1.1.1.1/", "events": events });
        let told = platform.api(Some(&root), Method::POST, "/admin/webhooks", body).await;
        assert_eq!(told.failed(400, "invalid").json["field"], field);
    }
    assert!(receiver.came().is_empty());
    platform.finish().await;
}

#[tokio::test]
async fn what_led_outside_when_it_was_made_is_not_called_where_it_leads_inside() {
    let mut platform = Platform::with(&[("DYTT_WEBHOOKS__ALLOW_PRIVATE", "true")]).await;
    let (root, ann) = (admin(&platform).await, platform.register("ann").await);
    let video = platform.publish_for(&ann, clip::plain(), "public").await;
    let receiver = Receiver::start(&[]).await;
    let mut hooks = Vec::new();
    for url in [receiver.url.clone(), receiver.url.replace("127.0.0.1", "localhost")] {
        hooks.push(hook(&platform, &root, &url).await.ok(201).json["id"].clone());
    }
    // As if its name had come to mean something else since.
    platform.stop().await;
    platform.set("DYTT_WEBHOOKS__ALLOW_PRIVATE", "false");
    platform.restart().await;
    platform.comment(&ann, video, "said").await.ok();
    for id in hooks {
        let path = format!("/admin/webhooks/{id}/deliveries");
        let outcome = eventually("it was tried", SOON, async || {
            let told = platform.api(Some(&root), Method::GET, &path, Value::Null).await.ok(200).json;
            told["items"][0]["outcome"].as_str().map(str::to_owned)
        })
        .await;
        assert!(outcome.contains("private network"), "{outcome}");
    }
    assert!(receiver.came().is_empty());
    platform.finish().await;
}
