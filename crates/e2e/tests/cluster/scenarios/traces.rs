//! Zipkin's view: one trace a request with the right parents and ends, traces of others gone on with, no
//! secrets, and the services as the architecture draws them. And Zipkin away, which nobody notices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use e2e::eventually;
use rustix::process::Signal;
use serde_json::Value;

use crate::cluster::{Cluster, SERVICES};
use crate::front::Front;
use crate::load::Load;

const ARRIVED_WITHIN: Duration = Duration::from_secs(10);
const PHASE: Duration = Duration::from_secs(4);
const CANARY: &str = "canary-of-traces";
/// A caller's trace and span.
const TRACE: &str = "463ac35c9f6413ad48485a3953bb6124";
const SPAN: &str = "a2fb4a1d1a96d312";

/// The spans of a trace by their ids.
type Spans = BTreeMap<String, Value>;

pub async fn a_request_is_one_trace_through_every_service(cluster: Arc<Cluster>) {
    let zipkin = format!("http://127.0.0.1:{}/zipkin/api/v2", cluster.port("zipkin"));
    let front = Front::new(&cluster);
    let (ann, bob) = (front.join("traces ann").await, front.join("traces bob").await);
    let client =
        reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().expect("a client");
    let base = format!("http://127.0.0.1:{}/douyin", cluster.port("gateway-1"));

    let form = reqwest::multipart::Form::new()
        .part("data", reqwest::multipart::Part::bytes(e2e::clip::plain()).file_name("clip.mp4"))
        .text("token", ann.token.clone())
        .text("title", CANARY);
    let publish = sent(client.post(format!("{base}/publish/action/")).multipart(form)).await;
    let list = front.list("/douyin/publish/list/", &[("token", ann.token.clone())], "video_list").await;
    let video = list[0]["id"].to_string();
    let like = |client: &reqwest::Client| {
        let pairs = [("token", bob.token.clone()), ("video_id", video.clone()), ("action_type", "1".into())];
        client.post(format!("{base}/favorite/action/")).form(&pairs)
    };
    let spans = trace(&cluster, &zipkin, &sent(like(&client)).await, "mysql").await;
    let path = path_to(&spans, "mysql");
    assert_eq!(
        path,
        // The last but one is the batch that the like is written in.
        ["gateway SERVER", "gateway -", "gateway CLIENT", "like SERVER", "like -", "like CLIENT"],
        "{spans:?}"
    );
    let spans = trace(&cluster, &zipkin, &publish, "media").await;
    let ends: Vec<String> = path_to(&spans, "video").into_iter().filter(|end| !end.ends_with('-')).collect();
    assert_eq!(
        ends,
        ["gateway SERVER", "gateway CLIENT", "video SERVER", "video CLIENT", "media SERVER"],
        "{spans:?}"
    );

    let mut number = 0_u64;
    for header in ["b3", "x-b3", "traceparent"] {
        number += 1;
        let id = format!("{}{number:x}", &TRACE[..31]);
        let request = match header {
            "b3" => like(&client).header("b3", format!("{id}-{SPAN}-1")),
            "x-b3" => like(&client)
                .header("x-b3-traceid", &id)
                .header("x-b3-spanid", SPAN)
                .header("x-b3-sampled", "1"),
            _ => like(&client).header("traceparent", format!("00-{id}-{SPAN}-01")),
        };
        assert_eq!(sent(request).await, id, "{header} is gone on with");
        let spans = trace(&cluster, &zipkin, &id, "mysql").await;
        let parents: BTreeSet<&str> = spans.values().filter_map(|span| span["parentId"].as_str()).collect();
        assert!(parents.contains(SPAN), "{header}: {spans:?}");
        assert!(spans.values().all(|span| span["traceId"] == id.as_str()));
    }

    let text =
        [("comment_text", CANARY.to_owned()), ("action_type", "1".into()), ("video_id", video.clone())];
    let comment = client
        .post(format!("{base}/comment/action/"))
        .form(&[&text[..], &[("token", bob.token.clone())]].concat());
    trace(&cluster, &zipkin, &sent(comment).await, "mysql").await;
    let message =
        [("content", CANARY.to_owned()), ("action_type", "1".into()), ("to_user_id", ann.id.to_string())];
    let pairs = [&message[..], &[("token", bob.token.clone())]].concat();
    trace(
        &cluster,
        &zipkin,
        &sent(client.post(format!("{base}/message/action/")).query(&pairs)).await,
        "mysql",
    )
    .await;
    let follow =
        [("token", bob.token.clone()), ("to_user_id", ann.id.to_string()), ("action_type", "1".into())];
    trace(
        &cluster,
        &zipkin,
        &sent(client.post(format!("{base}/relation/action/")).query(&follow)).await,
        "mysql",
    )
    .await;
    trace(&cluster, &zipkin, &sent(client.get(format!("{base}/feed/")).query(&follow[..1])).await, "mysql")
        .await;

    let mut searched = 0;
    for service in SERVICES {
        let all =
            text_of(&client, &format!("{zipkin}/traces?serviceName={service}&limit=500&lookback=3600000"))
                .await;
        searched += all.len();
        for secret in [CANARY, "a password of tests", &ann.token, &bob.token] {
            assert!(!all.contains(secret), "a span of {service} tells a secret");
        }
    }
    let edges = edges(&cluster, &zipkin).await;
    println!(
        "traces: like and publish have right parents; 3 kinds of ids gone on with; no secret in {searched} bytes of spans; {} edges",
        edges.len()
    );
    assert!(searched > 100_000, "there were spans to search");
    let drawn = ["user", "feed", "video", "like", "comment", "follow", "message"];
    let mut wanted: BTreeSet<String> = drawn.iter().map(|service| format!("gateway {service}")).collect();
    wanted.extend(drawn.iter().chain(&["media"]).map(|service| format!("{service} mysql")));
    wanted.insert("video media".into());
    assert_eq!(edges, wanted);
}

pub async fn nobody_notices_that_zipkin_is_away(cluster: Arc<Cluster>) {
    let load = Load::start(&cluster, "zipkin", 7).await;
    tokio::time::sleep(PHASE).await;
    let killed = load.now();
    cluster.kill("zipkin").await;
    tokio::time::sleep(PHASE).await;
    cluster.restart("zipkin").await;
    let frozen = load.now();
    cluster.signal("zipkin", Signal::STOP).await;
    tokio::time::sleep(PHASE).await;
    cluster.signal("zipkin", Signal::CONT).await;
    let thawed = load.now();
    let done = load.stop().await;
    let before = done.between(Duration::ZERO, killed);
    let (away, hung) = (done.between(killed, frozen), done.between(frozen, thawed));
    println!("zipkin there: {before}");
    println!("zipkin killed, and while it starts: {away}");
    println!("zipkin hung: {hung}");
    done.verify(&cluster).await;
    assert_eq!(done.summary().failures(), 0, "{}", done.summary());
}

/// Sends a request that has to succeed; its trace.
async fn sent(request: reqwest::RequestBuilder) -> String {
    let response = request.send().await.expect("an answer");
    let trace = response.headers()["x-trace-id"].to_str().expect("an id").to_owned();
    let json: Value = response.json().await.expect("JSON");
    assert_eq!(json["status_code"], 0, "{json}");
    trace
}

/// The spans of a trace, once `last` is heard of and every parent is there.
async fn trace(cluster: &Cluster, zipkin: &str, id: &str, last: &str) -> Spans {
    let url = format!("{zipkin}/trace/{id}");
    eventually(&format!("the trace {id} arrives"), ARRIVED_WITHIN, async || {
        let spans = cluster.json(&url).await?;
        let spans = spans.as_array()?.iter().map(|span| (text(&span["id"]), span.clone()));
        let spans: Spans = spans.collect();
        let whole = spans.values().all(|span| {
            span["parentId"].as_str().is_none_or(|parent| parent == SPAN || spans.contains_key(parent))
        });
        (whole && spans.values().any(|span| hears_of(span, last))).then_some(spans)
    })
    .await
}

/// Whether a span is a service's own; a database sends none, so that its caller's has to do.
fn hears_of(span: &Value, service: &str) -> bool {
    if service == "mysql" { calls(span, service) } else { span["localEndpoint"]["serviceName"] == service }
}

/// Whether a span is of one side's talk with a service.
fn calls(span: &Value, service: &str) -> bool {
    span["remoteEndpoint"]["serviceName"] == service
}

/// The service and kind of each span from the root to the last that talks with a service.
fn path_to(spans: &Spans, service: &str) -> Vec<String> {
    let mut path = Vec::new();
    let mut next =
        spans.values().filter(|span| calls(span, service)).max_by_key(|span| span["timestamp"].as_u64());
    while let Some(span) = next {
        let kind = span["kind"].as_str().unwrap_or("-");
        path.push(format!("{} {kind}", text(&span["localEndpoint"]["serviceName"])));
        next = span["parentId"].as_str().and_then(|parent| spans.get(parent));
    }
    path.reverse();
    path
}

/// Who called whom, by Zipkin's own count; commands such as `dytt fsck` are no part of the picture.
async fn edges(cluster: &Cluster, zipkin: &str) -> BTreeSet<String> {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis();
    let links =
        cluster.json(&format!("{zipkin}/dependencies?endTs={now}&lookback=3600000")).await.expect("links");
    let links = links.as_array().expect("a list").iter().filter(|link| link["parent"] != "dytt");
    links.map(|link| format!("{} {}", text(&link["parent"]), text(&link["child"]))).collect()
}

async fn text_of(client: &reqwest::Client, url: &str) -> String {
    client.get(url).send().await.expect("Zipkin answers").text().await.expect("a text")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
