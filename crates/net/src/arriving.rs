//! A request's body, which must keep arriving while it is read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::Rate;
use crate::calls::Calls;
use crate::pace::Pace;

/// Why a body does not arrive.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The peer sends more slowly than it may.
    #[error("the body arrives too slowly")]
    Slow,
    /// The connection is gone, or what came over it is not HTTP.
    #[error("the body is cut off")]
    Cut(#[source] hyper::Error),
}

/// A request's body.
pub struct Arriving {
    incoming: Incoming,
    /// None for a body that has no bytes, as most have, or no limit.
    watch: Option<Box<Watch>>,
}

struct Watch {
    pace: Pace,
    calls: Arc<Calls>,
}

impl Arriving {
    pub(crate) fn new(incoming: Incoming, rate: Option<Rate>, calls: &Arc<Calls>) -> Self {
        let rate = rate.filter(|_| !incoming.is_end_stream());
        let watch = rate.map(|rate| Box::new(Watch { pace: Pace::new(rate), calls: Arc::clone(calls) }));
        Self { incoming, watch }
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match (Pin::new(&mut this.incoming).poll_frame(context), &mut this.watch) {
            (Poll::Ready(frame), watch) => {
                let frame = frame.transpose().map_err(BodyError::Cut);
                let bytes = frame.as_ref().ok().and_then(Option::as_ref).and_then(Frame::data_ref);
                if let (Some(watch), Some(bytes)) = (watch, bytes) {
                    watch.pace.moved(bytes.len());
                }
                Poll::Ready(frame.transpose())
            }
            (Poll::Pending, Some(watch)) => watch.pace.wait(context).map(|()| {
                watch.calls.cut("body");
                // Its next request would be no faster.
                watch.calls.end();
                Some(Err(BodyError::Slow))
            }),
            (Poll::Pending, None) => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
