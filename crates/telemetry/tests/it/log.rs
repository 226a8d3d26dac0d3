//! The exporter that writes among the logs.

use std::time::Duration;

use telemetry::Exporter;
use tracing::info_span;

use crate::alone::alone;
use crate::{config, wait};

#[test]
fn one_json_span_a_line_and_the_log_shows_no_traced_span() {
    let log = alone("log::one_json_span_a_line_and_the_log_shows_no_traced_span", || {
        let traces = telemetry::start(&config(Exporter::Log, ""), "dytt").expect("it starts");
        {
            let _served = info_span!(
                target: "trace", "http", service = "gateway", otel.kind = "server", otel.name = "GET /douyin/feed/"
            )
            .entered();
            let _request = info_span!("request", token = "canary-in-the-log").entered();
            tracing::info!(password = "canary-in-the-log", "canary-in-the-log");
            drop(info_span!(target: "trace", "query", otel.kind = "client", error = "no such table"));
        }
        wait(traces.flush(Duration::from_secs(5)));
    });
    let Some(log) = log else { return };
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let (spans, logged): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line["traceId"].is_string());
    assert_eq!((spans.len(), logged.len()), (2, 1), "{log}");
    let (query, served) = (spans[0], spans[1]);
    assert_eq!(served["name"], "GET /douyin/feed/");
    assert_eq!((&served["kind"], &query["kind"]), (&"SERVER".into(), &"CLIENT".into()));
    assert_eq!(query["parentId"], served["id"]);
    assert_eq!(query["localEndpoint"]["serviceName"], "gateway");
    assert_eq!(query["tags"]["error"], "no such table");
    assert!(!format!("{spans:?}").contains("canary"), "{spans:?}");
    assert_eq!(logged[0]["message"], "canary-in-the-log");
    assert_eq!(logged[0]["spans"].as_array().map(Vec::len), Some(1), "{log}");
    assert!(!logged[0].to_string().contains("otel"), "{log}");
}
