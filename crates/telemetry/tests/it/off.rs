//! Without an exporter.

use std::time::Duration;

use telemetry::{Context, Exporter};
use tracing::info_span;

use crate::alone::alone;
use crate::{config, wait};

#[test]
fn a_traced_span_costs_nothing_and_is_not_logged() {
    let log = alone("off::a_traced_span_costs_nothing_and_is_not_logged", || {
        let traces = telemetry::start(&config(Exporter::Off, ""), "dytt").expect("it starts");
        // What a disabled span is given is not even computed.
        let span = info_span!(target: "trace", "span", canary = panic_if_asked());
        assert!(span.is_disabled() && telemetry::of(&span).is_none());
        telemetry::follow(&span, Context { trace: 1, span: 1, sampled: true });
        let _inside = span.enter();
        let _request = info_span!("request", route = "/douyin/feed/").entered();
        tracing::info!("answered");
        assert_eq!(telemetry::current(), None);
        wait(traces.flush(Duration::from_secs(1)));
    });
    let Some(log) = log else { return };
    assert!(log.contains("/douyin/feed/") && !log.contains("canary"), "{log}");
}

fn panic_if_asked() -> u32 {
    panic!("a disabled span was filled")
}

#[test]
fn it_starts_once_and_refuses_what_cannot_work() {
    let log = alone("off::it_starts_once_and_refuses_what_cannot_work", || {
        let far = config(Exporter::Zipkin, "http://zipkin.example.org");
        assert!(telemetry::start(&far, "dytt").is_err());
        let started = telemetry::start(&config(Exporter::Off, ""), "dytt");
        let again = telemetry::start(&config(Exporter::Off, ""), "dytt");
        assert!(started.is_ok() && again.is_err());
    });
    let Some(log) = log else { return };
    assert_eq!(log, "");
}
