//! One try: its own span, the trace handed on, and the time that is left written on it. Inside of retries, so
//! that a second try has its own span and less time.

use std::time::Instant;

use domain::Call;
use http::HeaderValue;
use proto::Step;
use tracing::{Instrument, field};

use super::pool::By;
use crate::server::{Deadline, late, mark};
use crate::status;

pub(crate) fn layer(from: &'static str, to: &'static str, next: Step) -> Step {
    Step::new(move |mut request| {
        let next = next.clone();
        async move {
            let now = Instant::now();
            let left =
                request.extensions().get().map_or(now, |Deadline(at)| *at).saturating_duration_since(now);
            // Less than the wire can tell is nothing.
            if left.as_millis() == 0 {
                return late();
            }
            if let Ok(value) = HeaderValue::try_from(status::timeout_text(left)) {
                request.headers_mut().insert("grpc-timeout", value);
            }
            let span = tracing::info_span!(
                target: "trace",
                "attempt",
                otel.name = request.uri().path().trim_start_matches('/'),
                otel.kind = "client",
                otel.status_code = field::Empty,
                service = from,
                peer.service = to,
                net.peer.ip = field::Empty,
                net.peer.port = field::Empty,
                rpc.grpc.status_code = field::Empty,
            );
            let untraced = request.extensions().get::<Call>().map(|call| telemetry::Context {
                trace: call.trace.0,
                span: fastrand::u64(1..),
                sampled: false,
            });
            if let Some(context) = telemetry::of(&span).or(untraced) {
                context.write(request.headers_mut());
            }
            let response = next.take(request).instrument(span.clone()).await;
            if let Some((ip, port)) =
                response.extensions().get::<By>().and_then(|By(addr)| addr.rsplit_once(':'))
            {
                span.record("net.peer.ip", ip);
                span.record("net.peer.port", port.parse::<u16>().unwrap_or_default());
            }
            mark(&span, &response);
            response
        }
    })
}
