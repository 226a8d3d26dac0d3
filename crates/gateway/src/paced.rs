//! A body that is read in portions. A multipart reader takes whatever has arrived before it hands anything
//! on: from a fast sender that would be the file, in memory.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Error;
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

/// Bytes passed on before the reader has to do something with them.
const PORTION: usize = 256 * 1024;

/// A body in portions.
pub(crate) fn paced(body: Body) -> Body {
    Body::from_stream(Paced { inner: body.into_data_stream(), passed: 0 })
}

struct Paced {
    inner: BodyDataStream,
    passed: usize,
}

impl Stream for Paced {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.passed >= PORTION {
            // "Nothing yet" makes the reader turn to what it has; it is called again at once.
            self.passed = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = self.inner.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(bytes))) = &piece {
            self.passed += bytes.len();
        }
        piece
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn after_a_portion_the_reader_gets_its_turn() {
        let pieces = (0..10).map(|_| Ok::<_, Error>(Bytes::from(vec![0; PORTION / 2])));
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let mut paced = Paced { inner: body.into_data_stream(), passed: 0 };
        let mut context = Context::from_waker(Waker::noop());
        let mut turns = Vec::new();
        let mut polled = paced.poll_next_unpin(&mut context);
        while !matches!(polled, Poll::Ready(None)) {
            turns.push(polled.is_ready());
            polled = paced.poll_next_unpin(&mut context);
        }
        let expected: Vec<bool> = [true, true, false].repeat(5);
        assert_eq!(turns, expected);
    }
}
