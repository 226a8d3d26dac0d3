//! Ends a call nobody waits for any more, and refuses one that would wait for ever. Outside of shedding: a
//! place is only worth having while there is time.

use std::time::{Duration, Instant};

use proto::{Request, Step};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use crate::rules::{Rule, rule};
use crate::{body, status};

/// The moment a call has to be answered by.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(pub Instant);

/// What the answer needs to travel back in time.
pub(crate) const MARGIN: Duration = Duration::from_millis(20);

/// What gRPC's own services get when their caller names no time, as tools do.
const TOOLS: Duration = Duration::from_secs(60);

/// The connection a call came over is to end: its streams end then, and are asked for again over another.
#[derive(Clone)]
pub(crate) struct Ending(pub CancellationToken);

pub(crate) fn layer(next: Step) -> Step {
    Step::new(move |mut request| {
        let next = next.clone();
        let ending =
            request.extensions().get().map_or_else(CancellationToken::new, |Ending(token)| token.clone());
        let rule = rule(request.uri().path());
        let granted = granted(&request, rule);
        async move {
            let Some(granted) = granted else {
                let text = "a call must carry a deadline: set grpc-timeout";
                return status::failed(Code::InvalidArgument, text);
            };
            let time = rule.map_or(granted, |rule| granted.min(rule.cap));
            // A little early, so that it is this side that says so: a call its caller has dropped is seen by
            // no layer.
            let deadline = Instant::now() + time.saturating_sub(MARGIN.min(time / 4));
            request.extensions_mut().insert(Deadline(deadline));
            let streaming = crate::rules::streams(request.uri().path());
            let Ok(response) = tokio::time::timeout_at(deadline.into(), next.take(request)).await else {
                return late();
            };
            if !streaming {
                return response;
            }
            body::until(response, async move {
                tokio::select! {
                    () = tokio::time::sleep_until(deadline.into()) => {
                        Status::deadline_exceeded("the stream is over, ask again")
                    }
                    () = ending.cancelled() => {
                        // Somebody can go on at once, maybe this process.
                        let mut status = Status::unavailable("this connection ends, ask again");
                        status.metadata_mut().insert("grpc-retry-pushback-ms", 0.into());
                        status
                    }
                }
            })
        }
    })
}

/// What a call is told whose time is over.
pub(crate) fn late() -> proto::Response {
    status::failed(Code::DeadlineExceeded, "the time for this call is over")
}

fn granted(request: &Request, rule: Option<&Rule>) -> Option<Duration> {
    let told = request.headers().get("grpc-timeout").and_then(|value| value.to_str().ok());
    match told {
        Some(told) => status::timeout(told),
        None => rule.filter(|rule| rule.is_grpcs_own()).map(|_| TOOLS),
    }
}
