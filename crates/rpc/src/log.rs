//! Counts, times and logs each call, on either side: outside of everything that can refuse or fail it, so
//! that a refusal is seen like any other answer. The chain of an error is printed here, where it stops.

use std::error::Error as _;
use std::time::Instant;

use domain::TraceId;
use proto::{Response, Step};
use tonic::{Code, Status};
use tracing::Instrument;

use crate::{Side, body, status};

pub(crate) fn layer(side: Side, next: Step) -> Step {
    Step::new(move |request| {
        let next = next.clone();
        let path = request.uri().path();
        // An unknown path is one label: a caller must not make metrics of its own.
        let method = crate::rules::rule(path).map_or("unknown", |rule| rule.path);
        let trace = request.extensions().get::<TraceId>().map(ToString::to_string);
        let peer = request.extensions().get::<tls::Peer>().map(|peer| peer.service.clone());
        let span = match side {
            Side::Server => tracing::info_span!("call", trace, method, peer),
            Side::Client => tracing::Span::none(),
        };
        let began = Instant::now();
        let log_span = span.clone();
        async move {
            let response = next.take(request).await;
            let code = status::code(&response);
            tell(side, method, &response);
            if code == Code::Ok && crate::rules::streams(method) {
                return body::watched(response, move |code| {
                    log_span.in_scope(|| count(side, method, code, began));
                });
            }
            count(side, method, code, began);
            response
        }
        .instrument(span)
    })
}

fn count(side: Side, method: &'static str, code: Code, began: Instant) {
    let seconds = began.elapsed().as_secs_f64();
    let name = match side {
        Side::Client => "dytt_rpc_client_seconds",
        Side::Server => "dytt_rpc_server_seconds",
    };
    metrics::histogram!(name, "method" => method, "code" => format!("{code:?}")).record(seconds);
    tracing::debug!(?side, method, ?code, ms = seconds * 1e3, "answered");
}

fn tell(side: Side, method: &'static str, response: &Response) {
    // The caller's side hears the same error from the service it called; one line is enough.
    if side == Side::Client || status::verdict(response) != status::Verdict::Bad {
        return;
    }
    let Some(failed) = response.extensions().get::<Status>() else { return };
    let chain = failed.source().map(status::chain);
    let text = chain.as_deref().unwrap_or(failed.message());
    if failed.code() == Code::Internal {
        tracing::error!(method, error = text, "call failed");
    } else {
        tracing::warn!(method, error = text, "call failed");
    }
}
