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

/// What gRPC's own services get when their caller names no time, as tools do.
const TOOLS: Duration = Duration::from_secs(60);

pub(crate) fn layer(stopping: CancellationToken, next: Step) -> Step {
    Step::new(move |mut request| {
        let (next, stopping) = (next.clone(), stopping.clone());
        let rule = rule(request.uri().path());
        let granted = granted(&request, rule);
        async move {
            let Some(granted) = granted else {
                let text = "a call must carry a deadline: set grpc-timeout";
                return status::failed(Code::InvalidArgument, text);
            };
            let time = rule.map_or(granted, |rule| granted.min(rule.cap));
            let deadline = Instant::now() + time;
            request.extensions_mut().insert(Deadline(deadline));
            let streaming = proto::method(request.uri().path()).is_none_or(|method| method.streaming);
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
                    () = stopping.cancelled() => {
                        // Another instance can go on at once.
                        let mut status = Status::unavailable("this process stops, ask again");
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
