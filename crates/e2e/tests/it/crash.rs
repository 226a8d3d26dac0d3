//! Killed without warning: what was acknowledged is there, what was refused is not, the rest is whole or absent.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use e2e::{Pairs, Platform, User, clip, eventually, shape};
use reqwest::Method;
use serde_json::Value;
use tokio::task::JoinSet;

const ROUNDS: usize = 3;
/// Acknowledged operations after which the platform is killed.
const ENOUGH: usize = 150;
/// In seconds, the least there is.
const ORPHANS_LIVE: &str = "120";

/// What became of one operation.
#[derive(Clone, Debug, PartialEq)]
enum Fate {
    Done,
    Refused,
    /// The answer was lost: either is right.
    Unknown,
}

/// What one worker did: comments by their text, likes by video, names, titles.
#[derive(Default)]
struct History {
    comments: Vec<(String, Fate)>,
    messages: Vec<(String, Fate)>,
    names: Vec<(String, Fate)>,
    titles: Vec<(String, Fate)>,
    /// The last known state of the like: likes when true.
    like: Option<(bool, Fate)>,
}

struct Worker {
    client: reqwest::Client,
    address: String,
    user: User,
    other: User,
    video: i64,
    /// Makes texts unique: round and worker.
    mark: String,
    done: Arc<AtomicUsize>,
}

impl Worker {
    async fn send(&self, path: &str, pairs: Pairs<'_>) -> Fate {
        let pairs: Vec<(&str, String)> =
            pairs.iter().map(|(name, value)| (*name, value.to_string())).collect();
        let request = self.client.request(Method::POST, format!("http://{}{path}", self.address));
        self.fate(request.query(&pairs).query(&[("token", &self.user.token)])).await
    }

    async fn fate(&self, request: reqwest::RequestBuilder) -> Fate {
        let Ok(response) = request.send().await else { return Fate::Unknown };
        let Ok(json) = response.json::<Value>().await else { return Fate::Unknown };
        match shape::integer(&json, "status_code") {
            0 => {
                self.done.fetch_add(1, Ordering::Relaxed);
                Fate::Done
            }
            100_001 => panic!("a fault of the server: {json}"),
            _ => Fate::Refused,
        }
    }

    /// Works until the platform is gone.
    async fn work(self) -> (Self, History) {
        let mut history = History::default();
        for turn in 0_usize.. {
            let text = format!("{} {turn}", self.mark);
            let like = turn % 2 == 0;
            let long = "x".repeat(if turn % 7 == 0 { 300 } else { 1 });
            let fate = match turn % 5 {
                0 => {
                    let text = format!("{text} {long}");
                    let pairs: Pairs =
                        &[("video_id", &self.video), ("action_type", &1), ("comment_text", &text)];
                    let fate = self.send("/douyin/comment/action/", pairs).await;
                    history.comments.push((text, fate.clone()));
                    fate
                }
                1 => {
                    let pairs: Pairs =
                        &[("to_user_id", &self.other.id), ("action_type", &1), ("content", &text)];
                    let fate = self.send("/douyin/message/action/", pairs).await;
                    history.messages.push((text, fate.clone()));
                    fate
                }
                2 => {
                    let pairs: Pairs = &[("username", &text), ("password", &"a password of tests")];
                    let fate = self.send("/douyin/user/register/", pairs).await;
                    history.names.push((text, fate.clone()));
                    fate
                }
                3 if turn % 4 == 3 => {
                    let fate = self.publish(&text).await;
                    history.titles.push((text, fate.clone()));
                    fate
                }
                _ => {
                    let action = if like { 1 } else { 2 };
                    let fate = self
                        .send(
                            "/douyin/favorite/action/",
                            &[("video_id", &self.video), ("action_type", &action)],
                        )
                        .await;
                    history.like = Some((like, fate.clone()));
                    fate
                }
            };
            if fate == Fate::Unknown {
                break;
            }
        }
        (self, history)
    }

    async fn publish(&self, title: &str) -> Fate {
        let file = reqwest::multipart::Part::bytes(clip::plain()).file_name("bear.mp4");
        let form = reqwest::multipart::Form::new().part("data", file);
        let form = form.text("token", self.user.token.clone()).text("title", title.to_owned());
        let request = self.client.post(format!("http://{}/douyin/publish/action/", self.address));
        self.fate(request.multipart(form)).await
    }
}

fn texts(list: &[Value], field: &str) -> Vec<String> {
    list.iter().map(|one| shape::text(one, field).to_owned()).collect()
}

/// Every acknowledged text is there once, every refused one is not.
fn compare(what: &str, history: &[(String, Fate)], found: &[String]) {
    let unique: BTreeSet<&String> = found.iter().collect();
    assert_eq!(unique.len(), found.len(), "{what}: one is there twice");
    for (text, fate) in history {
        match fate {
            Fate::Done => assert!(unique.contains(text), "{what} {text:.40}: acknowledged and gone"),
            Fate::Refused => assert!(!unique.contains(text), "{what} {text:.40}: refused and there"),
            Fate::Unknown => {}
        }
    }
}

async fn check(platform: &Platform, worker: &Worker, history: &History) {
    let comments =
        platform.get("/douyin/comment/list/", &[("video_id", &worker.video)]).await.list("comment_list");
    compare("comment", &history.comments, &texts(&comments, "content"));
    let messages = platform.chat(&worker.user, &worker.other, 0).await;
    compare("message", &history.messages, &texts(&messages, "content"));
    let videos =
        platform.get("/douyin/publish/list/", &[("user_id", &worker.user.id)]).await.list("video_list");
    compare("video", &history.titles, &texts(&videos, "title"));
    for video in &videos {
        assert_eq!(platform.fetch(shape::text(video, "play_url")).await.status(), 200, "{video}");
    }
    for (name, fate) in &history.names {
        let pairs: Pairs = &[("username", name), ("password", &"a password of tests")];
        let code = platform.post("/douyin/user/login/", pairs).await.code();
        assert!(*fate != Fate::Done || code == 0, "{name}: acknowledged and gone");
        assert!(*fate != Fate::Refused || code == 100_207, "{name}: refused and there");
    }
    if let Some((like, Fate::Done)) = history.like {
        assert_eq!(platform.watch(&worker.user, worker.video).await["is_favorite"], like);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_refused_remains() {
    let mut platform = Platform::with(&[("DYTT_BLOBS__ORPHAN_TTL_SECONDS", ORPHANS_LIVE)]).await;
    let mut users = Vec::new();
    for number in 0..4 {
        users.push(platform.register(&format!("user{number}")).await);
    }
    for round in 0..ROUNDS {
        let done = Arc::new(AtomicUsize::new(0));
        let mut running = JoinSet::new();
        for (number, user) in users.iter().enumerate() {
            let worker = Worker {
                client: platform.client().clone(),
                address: platform.http().to_owned(),
                user: user.clone(),
                other: users[(number + 1) % users.len()].clone(),
                video: platform.video(user, &format!("of round {round}")).await,
                mark: format!("{round}-{number}"),
                done: Arc::clone(&done),
            };
            running.spawn(worker.work());
        }
        eventually("enough is acknowledged", Duration::from_secs(60), async || {
            (done.load(Ordering::Relaxed) >= ENOUGH).then_some(())
        })
        .await;
        platform.kill();
        let histories = running.join_all().await;
        platform.restart().await;
        for (worker, history) in &histories {
            check(&platform, worker, history).await;
        }
    }
    // What the cut uploads left is swept at the start, by one of many processes when it is old enough; and while
    // videos are re-encoded, which may be many, something is always under way.
    eventually("no unfinished upload is left", Duration::from_secs(240), async || {
        let is_left = |key: &String| key.contains('#') || key.ends_with(".bin");
        (!platform.objects().iter().any(is_left) && platform.work().is_empty()).then_some(())
    })
    .await;
    platform.finish().await;
}

/// A killed platform starts again by itself, whatever it was doing.
#[tokio::test]
async fn a_platform_killed_while_starting_starts_again() {
    let mut platform = Platform::start().await;
    let ann = platform.register("ann").await;
    for _ in 0..3 {
        platform.kill();
        platform.restart().await;
    }
    platform.profile(&ann, &ann).await;
    platform.finish().await;
}
