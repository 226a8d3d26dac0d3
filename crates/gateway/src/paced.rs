//! A body that is read in portions. A multipart reader takes whatever has arrived before it hands anything
//! on: from a fast sender that would be the file, in memory; from a hostile one a header without an end.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::Error;
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

/// Bytes passed on before the reader has to do something with them.
const PORTION: usize = 256 * 1024;
/// Bytes passed on without the reader having handed any on: no honest header is that long.
const MAX_UNREAD: usize = 4 * PORTION;

/// What a client sends, also for those who read on when the reader has given up.
#[derive(Clone)]
pub(crate) struct Sent(Arc<Mutex<BodyDataStream>>);

impl Sent {
    pub(crate) fn of(body: Body) -> Self {
        Self(Arc::new(Mutex::new(body.into_data_stream())))
    }

    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).poll_next_unpin(context)
    }
}

/// A body in portions. Whoever reads it sets `unread` to zero each time something comes out at the other
/// end; a body of which nothing comes out is cut.
pub(crate) fn paced(sent: Sent, unread: Arc<AtomicUsize>) -> Body {
    Body::from_stream(Paced { sent, passed: 0, unread })
}

struct Paced {
    sent: Sent,
    passed: usize,
    unread: Arc<AtomicUsize>,
}

impl Stream for Paced {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.unread.load(Ordering::Relaxed) > MAX_UNREAD {
            return Poll::Ready(Some(Err(Error::new("a part's header has no end"))));
        }
        if self.passed >= PORTION {
            // "Nothing yet" makes the reader turn to what it has; it is called again at once.
            self.passed = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = self.sent.poll(context);
        if let Poll::Ready(Some(Ok(bytes))) = &piece {
            self.passed += bytes.len();
            self.unread.fetch_add(bytes.len(), Ordering::Relaxed);
        }
        piece
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn halves(count: usize) -> Paced {
        let pieces = (0..count).map(|_| Ok::<_, Error>(Bytes::from(vec![0; PORTION / 2])));
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        Paced { sent: Sent::of(body), passed: 0, unread: Arc::default() }
    }

    #[test]
    fn after_a_portion_the_reader_gets_its_turn() {
        let mut paced = halves(10);
        let mut context = Context::from_waker(Waker::noop());
        let mut turns = Vec::new();
        let mut polled = paced.poll_next_unpin(&mut context);
        while !matches!(polled, Poll::Ready(None)) {
            turns.push(polled.is_ready());
            paced.unread.store(0, Ordering::Relaxed);
            polled = paced.poll_next_unpin(&mut context);
        }
        let expected: Vec<bool> = [true, true, false].repeat(5);
        assert_eq!(turns, expected);
    }

    #[test]
    fn a_body_of_which_nothing_comes_out_is_cut() {
        let mut paced = halves(1000);
        let mut context = Context::from_waker(Waker::noop());
        let pieces = std::iter::from_fn(|| Some(paced.poll_next_unpin(&mut context)));
        let passed = pieces.take_while(|polled| !matches!(polled, Poll::Ready(Some(Err(_)))));
        let halves = passed.take(1000).filter(Poll::is_ready).count();
        assert!(halves * PORTION / 2 <= MAX_UNREAD + PORTION, "{halves} halves of a portion");
    }
}
