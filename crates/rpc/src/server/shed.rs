//! Refuses at once what there is no room for: a queue would only make everybody late. Inside of the
//! deadline, outside of everything that costs.

use std::sync::Arc;

use domain::Error;
use proto::Step;
use tokio::sync::Semaphore;

use crate::status;

/// Single answers at work in this process: far above what two cores finish in a second's waiting.
pub(crate) const CALLS: usize = 1024;
/// Streams at once; an idle one costs a few KiB.
pub(crate) const STREAMS: usize = 8192;

pub(crate) fn layer(next: Step) -> Step {
    limited(CALLS, STREAMS, next)
}

pub(crate) fn limited(calls: usize, streams: usize, next: Step) -> Step {
    let (calls, streams) = (Arc::new(Semaphore::new(calls)), Arc::new(Semaphore::new(streams)));
    Step::new(move |request| {
        let next = next.clone();
        let streaming = crate::rules::streams(request.uri().path());
        let places = if streaming { &streams } else { &calls };
        let place = Arc::clone(places).try_acquire_owned();
        async move {
            let Ok(place) = place else {
                metrics::counter!("dytt_rpc_refused_total", "why" => "busy").increment(1);
                return status::without_retry(status::refused(Error::Overloaded));
            };
            let response = next.take(request).await;
            if streaming {
                return crate::body::watched(response, move |_| drop(place));
            }
            response
        }
    })
}
