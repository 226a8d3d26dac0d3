//! Continues the caller's trace. Outermost, so that every other layer's lines and spans belong to it.

use std::net::SocketAddr;

use domain::TraceId;
use proto::{Method, Request, Step};
use tracing::{Instrument, Span, field};

use crate::status;

pub(crate) fn layer(next: Step) -> Step {
    Step::new(move |mut request| {
        let next = next.clone();
        let parent = telemetry::Context::read(request.headers());
        // Who asks for health belongs to no request of a person.
        let span = match proto::method(request.uri().path()) {
            Some(method) => open(method, &request),
            None => Span::none(),
        };
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

fn open(method: &Method, request: &Request) -> Span {
    let from = request.extensions().get::<SocketAddr>();
    tracing::info_span!(
        target: "trace",
        "rpc",
        otel.name = method.path.trim_start_matches('/'),
        otel.kind = "server",
        otel.status_code = field::Empty,
        service = method.service,
        peer.service = request.extensions().get::<tls::Peer>().map(|peer| peer.service.clone()),
        net.peer.ip = from.map(|from| field::display(from.ip())),
        net.peer.port = from.map(SocketAddr::port),
        rpc.grpc.status_code = field::Empty,
    )
}

/// Notes how a call ended on its span.
pub(crate) fn mark(span: &Span, response: &proto::Response) {
    if span.is_disabled() {
        return;
    }
    span.record("rpc.grpc.status_code", status::code(response) as i32);
    if status::verdict(response) != status::Verdict::Good {
        span.record("otel.status_code", "ERROR");
    }
}
