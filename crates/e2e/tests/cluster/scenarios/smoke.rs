//! Everything once, written through one gateway and read at once through the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::User;
use reqwest::header::RANGE;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::front::Front;

struct Door {
    client: reqwest::Client,
    url: String,
}

impl Door {
    fn new(cluster: &Cluster, gateway: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build();
        let url = format!("http://127.0.0.1:{}", cluster.port(gateway));
        Self { client: client.expect("a client"), url }
    }

    async fn post(&self, user: &User, path: &str, pairs: &[(&str, String)]) -> Value {
        let all = [pairs, &[("token", user.token.clone())]].concat();
        done(self.client.post(format!("{}/douyin/{path}/", self.url)).form(&all)).await
    }

    async fn get(&self, user: &User, path: &str, pairs: &[(&str, String)]) -> Value {
        let all = [pairs, &[("token", user.token.clone())]].concat();
        done(self.client.get(format!("{}/douyin/{path}/", self.url)).query(&all)).await
    }
}

async fn done(request: reqwest::RequestBuilder) -> Value {
    let json: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(json["status_code"], 0, "{json}");
    json
}

pub async fn what_one_gateway_takes_the_other_shows(cluster: Arc<Cluster>) {
    let began = Instant::now();
    let front = Front::new(&cluster);
    let (ann, bob) = (front.join("smoke ann").await, front.join("smoke bob").await);
    let (one, two) = (Door::new(&cluster, "gateway-1"), Door::new(&cluster, "gateway-2"));

    let form = reqwest::multipart::Form::new()
        .part("data", reqwest::multipart::Part::bytes(e2e::clip::plain()).file_name("clip.mp4"))
        .text("token", ann.token.clone())
        .text("title", "smoke");
    let published = Instant::now();
    done(one.client.post(format!("{}/douyin/publish/action/", one.url)).multipart(form)).await;
    let published = published.elapsed();
    let feed = two.get(&bob, "feed", &[]).await;
    let video = &feed["video_list"][0];
    assert_eq!((&video["title"], &video["author"]["id"]), (&"smoke".into(), &ann.id.into()));
    let id = video["id"].as_i64().expect("a number");
    play(&two, video["play_url"].as_str().expect("an address")).await;
    play_cover(&one, video["cover_url"].as_str().expect("an address")).await;

    one.post(&bob, "favorite/action", &[("video_id", id.to_string()), ("action_type", "1".into())]).await;
    let seen = two.get(&bob, "feed", &[]).await["video_list"][0].take();
    assert_eq!((&seen["is_favorite"], &seen["favorite_count"]), (&true.into(), &1.into()), "{seen}");

    let text = [("comment_text", "smoke says hello".to_owned()), ("action_type", "1".into())];
    two.post(&bob, "comment/action", &[&text[..], &[("video_id", id.to_string())]].concat()).await;
    let comments = one.get(&ann, "comment/list", &[("video_id", id.to_string())]).await;
    assert_eq!(comments["comment_list"][0]["content"], "smoke says hello");

    for (from, to, door) in [(&ann, &bob, &one), (&bob, &ann, &two)] {
        door.post(from, "relation/action", &[("to_user_id", to.id.to_string()), ("action_type", "1".into())])
            .await;
    }
    let pair = ("to_user_id", ann.id.to_string());
    let message = [pair.clone(), ("action_type", "1".into()), ("content", "hi ann".into())];
    one.post(&bob, "message/action", &message).await;
    let chat = two.get(&ann, "message/chat", &[("to_user_id", bob.id.to_string())]).await;
    assert_eq!(chat["message_list"][0]["content"], "hi ann");
    let friends = two.get(&ann, "relation/friend/list", &[("user_id", ann.id.to_string())]).await;
    assert_eq!(friends["user_list"][0]["id"], bob.id, "{friends}");
    cluster.fsck().await;
    println!(
        "smoke: published in {} ms, everything in {} ms; each write through one gateway was seen at once through \
         the other",
        published.as_millis(),
        began.elapsed().as_millis()
    );
}

/// The whole, and a part, are the same bytes.
async fn play(door: &Door, url: &str) {
    let whole = door.client.get(url).send().await.expect("an answer");
    assert_eq!(whole.status(), 200, "{url}");
    let whole = whole.bytes().await.expect("a video");
    assert!(e2e::clip::probe(&whole)["format"]["duration"].is_string());
    let part = door.client.get(url).header(RANGE, "bytes=100-299").send().await.expect("an answer");
    assert_eq!(part.status(), 206, "{url}");
    assert_eq!(part.bytes().await.expect("a part"), whole[100..300]);
}

async fn play_cover(door: &Door, url: &str) {
    let cover = door.client.get(url).send().await.expect("an answer");
    assert_eq!(
        (cover.status().as_u16(), &cover.headers()["content-type"]),
        (200, &"image/jpeg".parse().expect("a type"))
    );
}
