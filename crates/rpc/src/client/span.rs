//! One span for the whole call as its caller sees it, tries and waiting included. Outermost.

use proto::Step;
use tracing::{Instrument, field};

use crate::server::mark;

pub(crate) fn layer(from: &'static str, next: Step) -> Step {
    Step::new(move |request| {
        let next = next.clone();
        let span = tracing::info_span!(
            target: "trace",
            "call",
            otel.name = request.uri().path().trim_start_matches('/'),
            otel.kind = "internal",
            otel.status_code = field::Empty,
            service = from,
            rpc.grpc.status_code = field::Empty,
        );
        let inner = span.clone();
        async move {
            let response = next.take(request).await;
            mark(&inner, &response);
            response
        }
        .instrument(span)
    })
}
