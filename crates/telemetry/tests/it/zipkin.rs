//! A real Zipkin: what it has of a trace that crossed two services, and what it gets after it was away.

use std::time::{Duration, Instant};

use http::HeaderMap;
use reqwest::Client;
use serde_json::Value;
use servers::Server;
use telemetry::{Context, Exporter};
use tracing::info_span;

use crate::alone::alone;
use crate::{config, counted, wait};

/// What Zipkin answers, once it answers what is looked for.
fn ask(zipkin: &Server, path: &str, found: impl Fn(&Value) -> bool) -> Value {
    let client = Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().expect("a client");
    let url = format!("http://{}{path}", zipkin.addr());
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = wait(async { client.get(&url).send().await.ok()?.json::<Value>().await.ok() });
        if let Some(answer) = answer.as_ref().filter(|answer| found(answer)) {
            return answer.clone();
        }
        assert!(Instant::now() < deadline, "{path}: {answer:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn spans_of(zipkin: &Server, trace: u128, count: usize) -> Vec<Value> {
    let path = format!("/api/v2/trace/{trace:032x}");
    let found = ask(zipkin, &path, |answer| answer.as_array().is_some_and(|spans| spans.len() == count));
    found.as_array().cloned().expect("spans")
}

/// A like, as the gateway and the like service trace it; `headers` are what a client sent.
fn like(headers: &HeaderMap) -> Context {
    let http = info_span!(
        target: "trace",
        "http",
        service = "gateway",
        otel.kind = "server",
        otel.name = "POST /douyin/favorite/action/",
        http.status_code = tracing::field::Empty,
    );
    if let Some(caller) = Context::read(headers) {
        telemetry::follow(&http, caller);
    }
    let context = telemetry::of(&http).expect("a trace");
    http.in_scope(|| {
        let _request = info_span!("request", token = "canary").entered();
        tracing::info!(password = "canary", "canary");
        let call = info_span!(
            target: "trace",
            "LikeService/LikeVideo",
            otel.kind = "client",
            peer.service = "like",
            net.peer.ip = "127.0.0.1",
            net.peer.port = 7001,
        );
        let mut sent = HeaderMap::new();
        telemetry::of(&call).expect("a trace").write(&mut sent);
        call.in_scope(|| {
            let served = info_span!(
                target: "trace",
                parent: None,
                "LikeService/LikeVideo",
                service = "like",
                net.host.ip = "127.0.0.1",
                net.host.port = 7001,
                otel.kind = "server",
            );
            telemetry::follow(&served, Context::read(&sent).expect("what was sent"));
            let _query = info_span!(
                target: "trace",
                parent: &served,
                "insert like",
                otel.kind = "client",
                peer.service = "mariadb",
                db.system = "mysql",
                error = "deadlock",
            );
        });
    });
    http.record("http.status_code", 200);
    context
}

#[test]
fn zipkin_shows_who_called_whom_and_what_failed() {
    let log = alone("zipkin::zipkin_shows_who_called_whom_and_what_failed", || {
        let dir = tempfile::tempdir().expect("a folder");
        let Some(mut zipkin) = servers::or_skip(servers::zipkin(dir.path())) else { return };
        let metrics = telemetry::start_metrics().expect("metrics start");
        let url = format!("http://{}", zipkin.addr());
        let traces = telemetry::start(&config(Exporter::Zipkin, &url), "dytt").expect("traces start");
        shows_the_trace(&zipkin);
        joins_the_callers_trace(&zipkin);
        shows_the_services(&zipkin);

        zipkin.freeze();
        let began = Instant::now();
        (0..10_000).for_each(|_| drop(info_span!(target: "trace", "frozen")));
        assert!(began.elapsed() < Duration::from_secs(1), "10,000 spans took {:?}", began.elapsed());
        assert!(counted(&metrics, "dytt_spans_dropped_total{reason=\"queue_full\"}") > 7_000);
        zipkin.thaw();
        comes_again(&zipkin);
        zipkin.kill();
        (0..200).for_each(|_| drop(info_span!(target: "trace", "dead")));
        zipkin.start_again().expect("zipkin starts again");
        comes_again(&zipkin);

        let last = like(&HeaderMap::new());
        wait(traces.flush(Duration::from_secs(5)));
        assert_eq!(spans_of(&zipkin, last.trace, 4).len(), 4);
    });
    let Some(log) = log else { return };
    let (away, again) =
        (log.matches("spans were not taken").count(), log.matches("spans are taken again").count());
    assert!((1..=2).contains(&away) && away == again, "{log}");
}

fn shows_the_trace(zipkin: &Server) {
    let context = like(&HeaderMap::new());
    let spans = spans_of(zipkin, context.trace, 4);
    assert!(!format!("{spans:?}").contains("canary"), "{spans:?}");
    let of = |service: &str, kind: &str| {
        let fits = |span: &&Value| span["localEndpoint"]["serviceName"] == service && span["kind"] == kind;
        spans.iter().find(fits).unwrap_or_else(|| panic!("no {kind} of {service} in {spans:?}")).clone()
    };
    let (http, call) = (of("gateway", "SERVER"), of("gateway", "CLIENT"));
    let (served, query) = (of("like", "SERVER"), of("like", "CLIENT"));
    assert_eq!(http["id"], format!("{:016x}", context.span));
    assert_eq!(http["parentId"], Value::Null);
    assert_eq!((&call["parentId"], &served["parentId"]), (&http["id"], &call["id"]));
    assert_eq!(query["parentId"], served["id"]);
    assert_ne!(served["id"], call["id"]);
    assert_eq!(http["name"], "post /douyin/favorite/action/");
    assert_eq!(http["tags"], serde_json::json!({ "http.status_code": "200" }));
    let like = serde_json::json!({ "serviceName": "like", "ipv4": "127.0.0.1", "port": 7001 });
    assert_eq!((&call["remoteEndpoint"], &served["localEndpoint"]), (&like, &like));
    assert_eq!(query["remoteEndpoint"]["serviceName"], "mariadb");
    assert_eq!(query["tags"], serde_json::json!({ "db.system": "mysql", "error": "deadlock" }));
    for span in &spans {
        let micros = |key: &str| span[key].as_u64().unwrap_or_default();
        assert!(micros("duration") >= 1 && micros("timestamp") > 1_600_000_000_000_000, "{span}");
        assert_eq!(span["shared"], Value::Null);
    }
}

fn joins_the_callers_trace(zipkin: &Server) {
    let mut headers = HeaderMap::new();
    // A 64-bit trace, as older clients have it.
    headers.insert("b3", "00000000cafebabe-00000000deadbeef-1".parse().expect("a header"));
    assert_eq!(like(&headers).trace, 0xcafe_babe);
    let spans = spans_of(zipkin, 0xcafe_babe, 4);
    assert!(spans.iter().any(|span| span["parentId"] == "00000000deadbeef"), "{spans:?}");
}

fn shows_the_services(zipkin: &Server) {
    let now = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_millis();
    let path = format!("/api/v2/dependencies?endTs={}&lookback=600000", now + 60_000);
    let links = ask(zipkin, &path, |answer| answer.as_array().is_some_and(|links| links.len() == 2));
    let link = |parent: &str, child: &str| {
        let links = links.as_array().into_iter().flatten();
        links.clone().find(|link| link["parent"] == parent && link["child"] == child).cloned()
    };
    assert!(link("gateway", "like").is_some_and(|link| link["callCount"] == 2), "{links}");
    assert!(link("like", "mariadb").is_some_and(|link| link["errorCount"] == 2), "{links}");
}

/// Spans of a new trace arrive, whatever was lost before.
fn comes_again(zipkin: &Server) {
    let now = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_millis();
    let path = format!("/api/v2/traces?serviceName=gateway&endTs={}&lookback=60000", now + 60_000);
    ask(zipkin, &path, |answer| {
        // What is recorded while many wait may be dropped, so it is recorded again.
        like(&HeaderMap::new());
        answer.as_array().is_some_and(|traces| !traces.is_empty())
    });
}
