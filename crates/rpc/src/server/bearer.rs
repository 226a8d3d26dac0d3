//! Who is logged in, from the bearer assertion the gateway minted for this service. Innermost: it makes the
//! call as the handler sees it.

use std::sync::Arc;
use std::time::Instant;

use domain::{Call, IdempotencyKey, TraceId, UserId};
use http::header::AUTHORIZATION;
use proto::{Request, Step};
use tonic::Code;

use super::deadline::Deadline;
use crate::{assertion, status};

/// The header a client's intention travels in.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

pub(crate) fn layer(service: &'static str, keys: Arc<tls::keys::RpcKeys>, next: Step) -> Step {
    Step::new(move |mut request| {
        let next = next.clone();
        let viewer = viewer(service, &keys, &request);
        async move {
            let Ok(viewer) = viewer else {
                metrics::counter!("dytt_rpc_refused_total", "why" => "bearer").increment(1);
                // Not the person's fault, whose own token the gateway has proved: no error of the catalogue.
                return status::failed(Code::Unauthenticated, "the bearer does not hold here");
            };
            let call = Call {
                viewer,
                deadline: request.extensions().get().map_or_else(Instant::now, |Deadline(at)| *at),
                trace: request.extensions().get().copied().unwrap_or(TraceId(0)),
                key: key(&request),
            };
            request.extensions_mut().insert(call);
            next.take(request).await
        }
    })
}

/// Nobody without a bearer; an error with one that does not hold.
fn viewer(service: &str, keys: &tls::keys::RpcKeys, request: &Request) -> Result<Option<UserId>, ()> {
    let Some(value) = request.headers().get(AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
    let key = keys.for_service(service);
    let viewer = token.zip(key).and_then(|(token, key)| assertion::check(&key, service, token));
    viewer.map(Some).ok_or(())
}

fn key(request: &Request) -> Option<IdempotencyKey> {
    let text = request.headers().get(IDEMPOTENCY_KEY)?.to_str().ok()?;
    u128::from_str_radix(text, 16).ok().map(IdempotencyKey)
}
