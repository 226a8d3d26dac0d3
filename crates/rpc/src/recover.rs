//! A panic becomes that call's error and nothing else, on either side. It stands inside the log, which so
//! sees the error, and around everything that is written by hand.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use proto::Step;
use tonic::{Code, Status};

use crate::body;

pub(crate) fn layer(next: Step) -> Step {
    Step::new(move |request| {
        let next = next.clone();
        async move {
            // The step itself may panic before it gives a future.
            let taking = AssertUnwindSafe(async move { next.take(request).await }).catch_unwind();
            match taking.await {
                Ok(response) => body::recovered(response),
                Err(panic) => status(panic.as_ref()).into_http(),
            }
        }
    })
}

/// What a caller learns of a panic: that there was one. Its text is for the log.
pub(crate) fn status(panic: &(dyn Any + Send)) -> Status {
    metrics::counter!("dytt_panics_total").increment(1);
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("no text"), "a call panicked");
    let mut status = proto::to_status(&domain::Error::internal("a panic"));
    debug_assert_eq!(status.code(), Code::Internal);
    status.set_source(std::sync::Arc::new(std::io::Error::other("a panic")));
    status
}
