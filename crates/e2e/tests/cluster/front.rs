//! Both gateways as a load balancer in front of them uses them: it looks at their readiness, and what one
//! would not take goes to the other. Which calls people make is `load.rs`'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use e2e::User;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::cluster::Cluster;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A little more than the longest the gateway grants a call.
const PATIENCE: Duration = Duration::from_secs(12);
const PASSWORD: &str = "a password of tests";

/// How a call ended, as its caller can know it.
#[derive(Clone, Debug)]
pub enum How {
    /// Done.
    Done(Value),
    /// Refused, and surely not done: the HTTP status and the API's code.
    Refused(u16, i64),
    /// Done or not: what was seen instead of an answer.
    Unknown(String),
}

/// A call that has ended.
#[derive(Clone, Debug)]
pub struct Ended {
    pub how: How,
    pub took: Duration,
}

pub struct Front {
    client: reqwest::Client,
    gateways: [Gateway; 2],
    turn: AtomicUsize,
    looking: Vec<JoinHandle<()>>,
}

#[derive(Clone)]
struct Gateway {
    url: String,
    is_ready: Arc<AtomicBool>,
}

impl Front {
    pub fn new(cluster: &Arc<Cluster>) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        let gateways = ["gateway-1", "gateway-2"].map(|name| Gateway {
            url: format!("http://127.0.0.1:{}", cluster.port(name)),
            is_ready: Arc::new(AtomicBool::new(true)),
        });
        let looking = ["gateway-1", "gateway-2"].into_iter().zip(&gateways).map(|(name, gateway)| {
            let (cluster, is_ready) = (Arc::clone(cluster), Arc::clone(&gateway.is_ready));
            tokio::spawn(async move {
                loop {
                    is_ready.store(cluster.ready(name).await == Some(200), Ordering::Relaxed);
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            })
        });
        let looking = looking.collect();
        Self { client, gateways, turn: AtomicUsize::new(0), looking }
    }

    /// A GET.
    pub async fn get(&self, path: &str, pairs: &[(&str, String)]) -> Ended {
        self.call(|client, url| client.request(Method::GET, format!("{url}{path}")).query(pairs)).await
    }

    /// A POST with a form.
    pub async fn post(&self, path: &str, pairs: &[(&str, String)]) -> Ended {
        self.call(|client, url| client.request(Method::POST, format!("{url}{path}")).form(pairs)).await
    }

    /// Publishes a file; never sent twice.
    pub async fn publish(&self, author: &User, title: &str, file: &'static [u8]) -> Ended {
        self.call(|client, url| {
            let form = reqwest::multipart::Form::new()
                .text("token", author.token.clone())
                .text("title", title.to_owned())
                .part("data", reqwest::multipart::Part::bytes(file).file_name("clip.mp4"));
            client
                .post(format!("{url}/douyin/publish/action/"))
                .multipart(form)
                .timeout(Duration::from_secs(60))
        })
        .await
    }

    /// Registers somebody.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn join(&self, name: &str) -> User {
        let pairs = [("username", name.to_owned()), ("password", PASSWORD.to_owned())];
        let ended = self.post("/douyin/user/register/", &pairs).await;
        let How::Done(json) = &ended.how else { panic!("{name} cannot register: {ended:?}") };
        let token = json["token"].as_str().expect("a token").to_owned();
        User { id: json["user_id"].as_i64().expect("a number"), token, name: name.to_owned() }
    }

    /// Logs somebody in: whether there is such a person.
    pub async fn exists(&self, name: &str) -> bool {
        let pairs = [("username", name.to_owned()), ("password", PASSWORD.to_owned())];
        matches!(self.post("/douyin/user/login/", &pairs).await.how, How::Done(_))
    }

    /// Publishes a small clip; its number.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn video(&self, author: &User, title: &str) -> i64 {
        let ended = self.publish(author, title, e2e::clip::plain()).await;
        assert!(matches!(ended.how, How::Done(_)), "{title} is not published: {ended:?}");
        let list = self.list("/douyin/publish/list/", &[("token", author.token.clone())], "video_list").await;
        let newest = list.first().expect("the new video is listed");
        assert_eq!(newest["title"], title);
        newest["id"].as_i64().expect("a number")
    }

    /// A list that has to be there.
    ///
    /// # Panics
    /// When it is not.
    pub async fn list(&self, path: &str, pairs: &[(&str, String)], field: &str) -> Vec<Value> {
        let ended = self.get(path, pairs).await;
        let How::Done(json) = &ended.how else { panic!("{path}: {ended:?}") };
        json[field].as_array().unwrap_or_else(|| panic!("{path} has no {field}: {json}")).clone()
    }

    /// The one whose turn it is, of those that are ready.
    fn choose(&self) -> usize {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % 2;
        let is_ready = |index: usize| self.gateways[index].is_ready.load(Ordering::Relaxed);
        if !is_ready(turn) && is_ready(1 - turn) { 1 - turn } else { turn }
    }

    async fn call(&self, request: impl Fn(&reqwest::Client, &str) -> RequestBuilder) -> Ended {
        let began = Instant::now();
        let first = self.choose();
        let how = match self.send(&request, first).await {
            // Nobody listens there: nothing was sent.
            Err(error) if error.is_connect() => match self.send(&request, 1 - first).await {
                Ok(how) => how,
                Err(error) if error.is_connect() => How::Refused(0, 0),
                Err(error) => unknown(&error),
            },
            Err(error) => unknown(&error),
            Ok(how) => how,
        };
        Ended { how, took: began.elapsed() }
    }

    async fn send(
        &self,
        request: &impl Fn(&reqwest::Client, &str) -> RequestBuilder,
        index: usize,
    ) -> reqwest::Result<How> {
        let response = request(&self.client, &self.gateways[index].url).send().await?;
        let http = response.status().as_u16();
        let json: Value = response.json().await?;
        let code = json["status_code"].as_i64().unwrap_or(-1);
        let is_busy = json["status_msg"].as_str().is_some_and(|text| text.contains("busy"));
        Ok(match (http, code) {
            (200, 0) => How::Done(json),
            (200, code) => How::Refused(200, code),
            (503, code) if is_busy => How::Refused(503, code),
            // The catalogue says of this answer: nothing was done, or it is not known.
            (http, code) => How::Unknown(format!("{http}/{code}")),
        })
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.looking.iter().for_each(JoinHandle::abort);
    }
}

/// In few words, so that equal failures are counted together.
fn unknown(error: &reqwest::Error) -> How {
    let kind = match error {
        error if error.is_timeout() => "no answer in time",
        error if error.is_decode() || error.is_body() => "half an answer",
        _ => "reset",
    };
    How::Unknown(kind.to_owned())
}
