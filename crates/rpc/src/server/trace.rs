//! Continues the caller's trace. Outermost, so that every other layer's lines and spans belong to it.

use std::net::SocketAddr;

use domain::TraceId;
use proto::Step;
use tracing::{Instrument, field};

use crate::status;

pub(crate) fn layer(next: Step) -> Step {
    Step::new(move |mut request| {
        let next = next.clone();
        let parent = telemetry::Context::read(request.headers());
        let path = request.uri().path();
        let method = crate::rules::rule(path).map_or("unknown", |rule| rule.path);
        let from = request.extensions().get::<SocketAddr>();
        let span = tracing::info_span!(
            target: "trace",
            "rpc",
            otel.name = method.trim_start_matches('/'),
            otel.kind = "server",
            otel.status_code = field::Empty,
            service = proto::method(method).map_or("health", |method| method.service),
            peer.service = request.extensions().get::<tls::Peer>().map(|peer| peer.service.clone()),
            net.peer.ip = from.map(|from| field::display(from.ip())),
            net.peer.port = from.map(SocketAddr::port),
            rpc.grpc.status_code = field::Empty,
        );
        if let Some(parent) = parent {
            telemetry::follow(&span, parent);
        }
        let context = telemetry::of(&span).or(parent);
        let trace = context.map_or_else(|| fastrand::u128(1..), |context| context.trace);
        request.extensions_mut().insert(TraceId(trace));
        let inner = span.clone();
        async move {
            let response = next.take(request).await;
            mark(&inner, &response);
            response
        }
        .instrument(span)
    })
}

/// Notes how a call ended on its span.
pub(crate) fn mark(span: &tracing::Span, response: &proto::Response) {
    if span.is_disabled() {
        return;
    }
    span.record("rpc.grpc.status_code", status::code(response) as i32);
    if status::verdict(response) != status::Verdict::Good {
        span.record("otel.status_code", "ERROR");
    }
}
