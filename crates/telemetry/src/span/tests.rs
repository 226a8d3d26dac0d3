//! What is recorded of spans, beside a log. What becomes of it is tested with real receivers.

use tracing::field::Empty;
use tracing::{Instrument, info_span};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, fmt};

use super::*;

/// What is recorded while `act` runs, beside a log that sees everything but the traced spans.
fn recorded(sample: f64, act: impl FnOnce()) -> Vec<Span> {
    let queue = Arc::<Queue>::default();
    let host = Arc::new(Host { service: "dytt".into(), ip: None, port: None });
    let recorder = Recorder { host, sample, queue: Arc::clone(&queue) };
    let logged = tracing_subscriber::filter::filter_fn(|metadata| metadata.target() != crate::TARGET);
    let log = fmt::layer().with_writer(std::io::sink);
    let subscriber = tracing_subscriber::registry()
        .with(log.with_filter(tracing_subscriber::filter::FilterExt::and(EnvFilter::new("trace"), logged)))
        .with(recorder.with_filter(tracing_subscriber::filter::filter_fn(is_traced)));
    tracing::subscriber::with_default(subscriber, act);
    let batches = std::iter::repeat_with(|| queue.batch());
    batches.take_while(|batch| !batch.is_empty()).flatten().collect()
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no span {name} in {spans:?}"))
}

#[test]
fn children_know_their_parent_over_the_logs_spans() {
    let spans = recorded(1.0, || {
        let _outer = info_span!(target: "trace", "outer").entered();
        let _log = info_span!("request", canary = 1).entered();
        let _inner = info_span!(target: "trace", "inner").entered();
    });
    assert_eq!(spans.len(), 2, "{spans:?}");
    let (outer, inner) = (named(&spans, "outer"), named(&spans, "inner"));
    assert_eq!(outer.parent, None);
    assert_eq!(inner.parent, Some(outer.context.span));
    assert_eq!(inner.context.trace, outer.context.trace);
    assert!(inner.tags.is_empty() && outer.took >= inner.took);
}

#[test]
fn a_task_given_the_logs_span_alone_is_still_part_of_the_trace() {
    let spans = recorded(1.0, || {
        let outer = info_span!(target: "trace", "outer");
        let log = outer.in_scope(|| info_span!("request"));
        let work = async { drop(info_span!(target: "trace", "inner")) }.instrument(log);
        drop(outer);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(work);
    });
    assert_eq!(named(&spans, "inner").parent, Some(named(&spans, "outer").context.span));
}

#[test]
fn a_service_is_inherited_with_its_address_and_replaced_without_it() {
    let spans = recorded(1.0, || {
        let gateway = info_span!(
            target: "trace", "gateway", net.host.ip = "127.0.0.1", net.host.port = 80, service = "gateway"
        );
        let call =
            info_span!(target: "trace", parent: &gateway, "call", service = "gateway", peer.service = "like");
        let like = info_span!(target: "trace", parent: &call, "like", service = "like");
        drop(info_span!(target: "trace", parent: &like, "sql"));
        drop(info_span!(target: "trace", "alone", service = Empty));
    });
    let host = |name| named(&spans, name).host.as_ref().clone();
    let gateway = Host { service: "gateway".into(), ip: "127.0.0.1".parse().ok(), port: Some(80) };
    assert_eq!((host("gateway"), host("call")), (gateway.clone(), gateway));
    let like = Host { service: "like".into(), ..Host::default() };
    assert_eq!((host("like"), host("sql")), (like.clone(), like));
    assert_eq!(host("alone"), Host { service: "dytt".into(), ..Host::default() });
}

#[test]
fn fields_become_name_kind_failure_and_tags() {
    let spans = recorded(1.0, || {
        let span = info_span!(
            target: "trace",
            "call",
            otel.name = %format_args!("{}/{}", "like.LikeService", "LikeVideo"),
            otel.kind = "client",
            otel.status_code = Empty,
            http.status_code = Empty,
            attempt = 2,
        );
        span.record("http.status_code", 500_u16);
        span.record("http.status_code", 503_u16);
        span.record("otel.status_code", "error");
        let other = info_span!(target: "trace", "other", error = "no such table", text = "ü".repeat(400));
        drop((span, other));
    });
    let call = named(&spans, "like.LikeService/LikeVideo");
    assert_eq!(call.kind, Kind::Client);
    assert_eq!(call.failure.as_deref(), Some(""));
    assert_eq!(call.tags, [("attempt", "2".to_owned()), ("http.status_code", "503".to_owned())]);
    let other = named(&spans, "other");
    assert_eq!((other.kind, other.failure.as_deref()), (Kind::Internal, Some("no such table")));
    assert_eq!(other.tag("text"), Some("ü".repeat(256).as_str()));
}

#[test]
fn a_span_that_follows_is_in_its_callers_trace() {
    let caller = Context { trace: 1 << 100, span: 7, sampled: true };
    let spans = recorded(0.0, || {
        let span = info_span!(target: "trace", "served", attempt = 1);
        assert!(of(&span).is_some_and(|context| !context.sampled));
        follow(&span, caller);
        let inside = span.in_scope(|| {
            let _log = info_span!("request").entered();
            current().expect("a trace")
        });
        assert_eq!((inside.trace, inside.sampled), (caller.trace, true));
        assert_ne!(inside.span, caller.span);
        drop(span.in_scope(|| info_span!(target: "trace", "inner")));
    });
    assert_eq!(named(&spans, "served").parent, Some(7));
    assert_eq!(named(&spans, "served").tag("attempt"), Some("1"));
    assert_eq!(named(&spans, "inner").context.trace, caller.trace);
}

#[test]
fn a_callers_no_is_passed_on_and_nothing_is_recorded() {
    let caller = Context { trace: 5, span: 7, sampled: false };
    let spans = recorded(1.0, || {
        let span = info_span!(target: "trace", "served");
        follow(&span, caller);
        let _inside = span.enter();
        let _inner = info_span!(target: "trace", "inner").entered();
        let context = current().expect("a trace");
        assert_eq!((context.trace, context.sampled), (caller.trace, false));
    });
    assert!(spans.is_empty(), "{spans:?}");
}

#[test]
fn a_share_of_the_traces_is_recorded_whole() {
    let spans = recorded(0.5, || {
        for _ in 0..1_000 {
            let _outer = info_span!(target: "trace", "outer").entered();
            let _inner = info_span!(target: "trace", "inner").entered();
        }
    });
    assert!((800..1_200).contains(&spans.len()), "{} spans", spans.len());
    // Inner and outer end in turn.
    for pair in spans.chunks(2) {
        assert_eq!(pair[0].parent, Some(pair[1].context.span));
    }
}

#[test]
fn events_and_other_targets_are_not_recorded() {
    let spans = recorded(1.0, || {
        let _span = info_span!(target: "trace", "span").entered();
        tracing::error!(target: "trace", token = "canary", "canary");
        tracing::warn!(token = "canary", "canary");
        drop(info_span!(target: "tracer", "canary"));
        drop(tracing::debug_span!(target: "trace", "canary"));
    });
    assert_eq!(spans.len(), 1);
    assert!(!format!("{spans:?}").contains("canary"));
}

#[test]
fn nothing_is_current_where_nothing_is_traced() {
    let log = tracing_subscriber::registry().with(fmt::layer().with_writer(std::io::sink));
    tracing::subscriber::with_default(log, || {
        let span = info_span!("request");
        assert_eq!((of(&span), span.in_scope(current)), (None, None));
        follow(&span, Context { trace: 1, span: 1, sampled: true });
    });
    assert_eq!(current(), None);
}
