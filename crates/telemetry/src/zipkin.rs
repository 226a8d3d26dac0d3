//! Spans as Zipkin's version 2 JSON, and the way to it over HTTP.

use std::net::IpAddr;
use std::time::UNIX_EPOCH;

use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde::{Serialize, Serializer};

use crate::Error;
use crate::export::{TIME, chain};
use crate::span::{Host, Kind, Span};

/// Tags that say where the other side of a call is; Zipkin has a place of its own for them.
const PEER: [&str; 3] = ["peer.service", "net.peer.ip", "net.peer.port"];

/// The way to Zipkin.
pub(crate) struct Zipkin {
    client: Client,
    url: Url,
}

impl Zipkin {
    /// A way to the Zipkin at an address, a path before `/api/v2` included.
    pub fn new(mut url: Url) -> Result<Self, Error> {
        let path = format!("{}/api/v2/spans", url.path().trim_end_matches('/'));
        url.set_path(&path);
        // Spans go where the configuration says and nowhere else.
        let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(TIME).build();
        Ok(Self { client: client.map_err(|error| Error::Exporter(Box::new(error)))?, url })
    }

    pub async fn send(&self, spans: &[Span]) -> Result<(), String> {
        let shown: Vec<Shown<'_>> = spans.iter().map(shown).collect();
        let body = serde_json::to_vec(&shown).map_err(|error| error.to_string())?;
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body);
        let answer = request.send().await.map_err(|error| chain(&error.without_url()))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("Zipkin answered {status}")),
        }
    }
}

/// A span as Zipkin wants it; times are microseconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown<'a> {
    trace_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_id: Option<String>,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    name: &'a str,
    timestamp: u64,
    duration: u64,
    local_endpoint: Endpoint<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_endpoint: Option<Endpoint<'a>>,
    tags: Tags<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    service_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv4: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

/// A span's tags, and its failure as the tag `error`.
struct Tags<'a>(&'a Span);

impl Serialize for Tags<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tags = self.0.tags.iter().filter(|(name, _)| !PEER.contains(name));
        let tags = tags.map(|(name, text)| (*name, text.as_str()));
        let failure = self.0.failure.as_deref().map(|text| if text.is_empty() { "true" } else { text });
        serializer.collect_map(tags.chain(failure.map(|text| ("error", text))))
    }
}

/// A span as Zipkin wants it.
pub(crate) fn shown(span: &Span) -> Shown<'_> {
    let started = span.started.duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Shown {
        trace_id: format!("{:032x}", span.context.trace),
        parent_id: span.parent.map(|parent| format!("{parent:016x}")),
        id: format!("{:016x}", span.context.span),
        kind: match span.kind {
            Kind::Internal => None,
            Kind::Server => Some("SERVER"),
            Kind::Client => Some("CLIENT"),
            Kind::Producer => Some("PRODUCER"),
            Kind::Consumer => Some("CONSUMER"),
        },
        name: &span.name,
        timestamp: micros(started),
        // Zipkin reads zero as "not known".
        duration: micros(span.took).max(1),
        local_endpoint: local(&span.host),
        remote_endpoint: remote(span),
        tags: Tags(span),
    }
}

fn local(host: &Host) -> Endpoint<'_> {
    endpoint(&host.service, host.ip, host.port)
}

fn remote(span: &Span) -> Option<Endpoint<'_>> {
    let [service, ip, port] = PEER.map(|name| span.tag(name));
    service.or(ip)?;
    let (ip, port) = (
        ip.and_then(|ip| ip.parse().ok()),
        port.and_then(|port| port.parse().ok()).filter(|port| *port != 0),
    );
    Some(endpoint(service.unwrap_or_default(), ip, port))
}

fn endpoint(service_name: &str, ip: Option<IpAddr>, port: Option<u16>) -> Endpoint<'_> {
    let (ipv4, ipv6) = (ip.filter(IpAddr::is_ipv4), ip.filter(IpAddr::is_ipv6));
    Endpoint { service_name, ipv4, ipv6, port }
}
