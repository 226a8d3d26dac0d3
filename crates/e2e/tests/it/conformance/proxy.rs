//! A server between a client and the platform that changes answers on their way. What it changes is its maker's to say.

use std::net::SocketAddr;
use std::sync::Arc;

use e2e::Platform;
use reqwest::Method;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request on its way there, and once more with its answer on the way back.
pub struct Passing {
    /// The request's method, address, headers in small letters, and body.
    pub method: String,
    pub address: String,
    pub asked: String,
    pub sent: Vec<u8>,
    /// The answer's status, headers and body; the status is 0 while there is none.
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Changes a request and then its answer.
pub type Spoil = Arc<dyn Fn(&mut Passing) + Send + Sync>;

/// A server that runs as long as its handle lives.
pub struct Proxy {
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Proxy {
    /// Stands before the platform.
    pub async fn before(platform: &Platform, spoil: Spoil) -> Self {
        let (client, upstream) = (platform.client().clone(), platform.http().to_owned());
        Self::serve(move |stream| {
            let (client, upstream, spoil) = (client.clone(), upstream.clone(), Arc::clone(&spoil));
            async move { pass(stream, &client, &upstream, &spoil).await }
        })
        .await
    }

    /// Does with each connection what it is told.
    pub async fn serve<F>(mut with: impl FnMut(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Option<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(with(stream));
            }
        });
        Self { address, serving }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Passing {
    /// The request's path, in one spelling.
    pub fn route(&self) -> &str {
        let path = self.address.split('?').next().unwrap_or_default();
        path.trim_start_matches("/douyin/").trim_end_matches('/')
    }

    /// Whether it is on its way there.
    pub fn is_request(&self) -> bool {
        self.status == 0
    }

    /// Takes a parameter out of the query.
    pub fn drop_parameter(&mut self, name: &str) {
        let Some((path, query)) = self.address.split_once('?') else { return };
        let named = |pair: &&str| pair.split('=').next() != Some(name);
        let kept: Vec<&str> = query.split('&').filter(named).collect();
        self.address = format!("{path}?{}", kept.join("&"));
    }

    /// Changes the answer's JSON, if it is some.
    pub fn json(&mut self, change: impl FnOnce(&mut Value)) {
        if let Ok(mut value) = serde_json::from_slice(&self.body) {
            change(&mut value);
            self.body = value.to_string().into_bytes();
        }
    }

    /// Changes every value of this name, however deep.
    pub fn each(&mut self, name: &str, mut change: impl FnMut(&mut Value)) {
        self.json(|value| each(value, name, &mut change));
    }

    /// Whether the answer is a refusal of the API's.
    pub fn is_refusal(&self) -> bool {
        serde_json::from_slice::<Value>(&self.body)
            .is_ok_and(|value| value["status_code"].as_i64().is_some_and(|code| code != 0))
    }

    /// Answers a refusal instead.
    pub fn refuse(&mut self) {
        self.instead(200, "application/json", r#"{"status_code":1,"status_msg":"no"}"#);
    }

    /// Answers this instead.
    pub fn instead(&mut self, status: u16, kind: &str, body: &str) {
        self.status = status;
        self.headers = vec![("content-type".into(), kind.into())];
        self.body = body.into();
    }
}

fn each(value: &mut Value, name: &str, change: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                if key == name {
                    change(field);
                }
                each(field, name, change);
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| each(entry, name, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Lets one request through; nothing when either side breaks off.
async fn pass(mut stream: TcpStream, client: &reqwest::Client, upstream: &str, spoil: &Spoil) -> Option<()> {
    let mut passing = request(&mut stream).await?;
    spoil(&mut passing);
    let method: Method = passing.method.parse().ok()?;
    let mut request = client.request(method, format!("http://{upstream}{}", passing.address));
    for line in passing.asked.lines() {
        let (name, value) = line.split_once(": ")?;
        if !matches!(name, "connection" | "content-length" | "accept-encoding") {
            request = request.header(name, value);
        }
    }
    // Also none: a POST has to say so.
    let length = passing.sent.len();
    let response = request.header("content-length", length).body(passing.sent.clone()).send().await.ok()?;
    passing.status = response.status().as_u16();
    let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    passing.headers =
        response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    passing.body = response.bytes().await.ok()?.to_vec();
    spoil(&mut passing);
    answer(&mut stream, &passing).await
}

async fn request(stream: &mut TcpStream) -> Option<Passing> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let (first, rest) = head.split_once("\r\n")?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, address) = (words.next()?, words.next()?);
    let lines = rest.lines().filter_map(|line| line.split_once(": "));
    let asked: Vec<String> =
        lines.map(|(name, value)| format!("{}: {value}", name.to_ascii_lowercase())).collect();
    let length = asked.iter().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(Some(0), |length| length.parse().ok())?;
    let mut sent = bytes.split_off(end + 4);
    while sent.len() < length {
        if stream.read_buf(&mut sent).await.ok()? == 0 {
            return None;
        }
    }
    let (headers, body) = (Vec::new(), Vec::new());
    Some(Passing { method, address, asked: asked.join("\n"), sent, status: 0, headers, body })
}

async fn answer(stream: &mut TcpStream, passing: &Passing) -> Option<()> {
    let mut head = format!("HTTP/1.1 {} Spoilt\r\nconnection: close\r\n", passing.status);
    for (name, value) in &passing.headers {
        if !matches!(name.as_str(), "connection" | "content-length" | "transfer-encoding") {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", passing.body.len()));
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(&passing.body).await.ok()?;
    stream.shutdown().await.ok()
}

/// A number as a text.
pub fn as_text(value: &mut Value) {
    *value = Value::from(value.to_string());
}

/// A larger number.
pub fn add(value: &mut Value, more: i64) {
    *value = Value::from(value.as_i64().unwrap_or_default() + more);
}

/// Milliseconds in seconds.
pub fn in_seconds(value: &mut Value) {
    *value = Value::from(value.as_i64().unwrap_or_default() / 1_000);
}

/// A list upside down.
pub fn reverse(list: &mut Value) {
    list.as_array_mut().into_iter().for_each(|list| list.reverse());
}

/// Takes a field out of an object.
pub fn remove(object: &mut Value, name: &str) -> Value {
    object.as_object_mut().and_then(|fields| fields.remove(name)).unwrap_or_default()
}
