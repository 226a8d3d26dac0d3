//! An answer's body, watched: how it ended, a panic on its way, and what ends it early. It makes of
//! streams what the layers make of single answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use http_body_util::{BodyExt, Limited};
use proto::{MAX_MESSAGE_BYTES, Response};
use tonic::body::Body;
use tonic::{Code, Status};

use crate::{recover, status};

type OnEnd = Box<dyn FnOnce(Code) + Send>;

/// Calls `on_end` with the code the stream ended with; `Cancelled` when nobody listened to its end.
pub(crate) fn watched(response: Response, on_end: impl FnOnce(Code) + Send + 'static) -> Response {
    wrapped(response, |watched| watched.on_end = Some(Box::new(on_end)))
}

/// Ends the stream with a status as soon as there is one.
pub(crate) fn until(response: Response, end: impl Future<Output = Status> + Send + 'static) -> Response {
    wrapped(response, |watched| watched.until = Some(Box::pin(end)))
}

/// Makes a panic while the stream is read an end with `INTERNAL`.
pub(crate) fn recovered(response: Response) -> Response {
    wrapped(response, |watched| watched.catches = true)
}

/// Reads an answer to its end; what cannot be read is the answer's failure.
pub(crate) async fn whole(response: Response) -> Response {
    let (head, body) = response.into_parts();
    match Limited::new(body, MAX_MESSAGE_BYTES + FRAMING_BYTES).collect().await {
        Ok(read) => Response::from_parts(head, Body::new(read.map_err(|never| match never {}))),
        Err(error) => status::failed(Code::Unavailable, format!("read the answer: {error}")),
    }
}

/// What gRPC puts around a message.
const FRAMING_BYTES: usize = 5;

fn wrapped(response: Response, set: impl FnOnce(&mut Watched)) -> Response {
    response.map(|inner| {
        let mut watched = Watched { inner, until: None, on_end: None, catches: false, ended: false };
        set(&mut watched);
        Body::new(watched)
    })
}

struct Watched {
    inner: Body,
    until: Option<BoxFuture<'static, Status>>,
    on_end: Option<OnEnd>,
    catches: bool,
    ended: bool,
}

impl Watched {
    fn end(&mut self, code: Code) {
        self.ended = true;
        if let Some(on_end) = self.on_end.take() {
            on_end(code);
        }
    }

    fn end_with(&mut self, status: &Status) -> Frame<Bytes> {
        self.end(status.code());
        let mut trailers = HeaderMap::new();
        // Only text that is no header value fails, and then the code alone has to do.
        if status.add_header(&mut trailers).is_err() {
            trailers.insert(Status::GRPC_STATUS, http::HeaderValue::from(status.code() as i32));
        }
        Frame::trailers(trailers)
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Some(until) = &mut self.until
            && let Poll::Ready(status) = until.as_mut().poll(context)
        {
            return Poll::Ready(Some(Ok(self.end_with(&status))));
        }
        let catches = self.catches;
        let mut poll = || Pin::new(&mut self.inner).poll_frame(context);
        let polled = if catches {
            match catch_unwind(AssertUnwindSafe(poll)) {
                Ok(polled) => polled,
                Err(panic) => {
                    let status = recover::status(panic.as_ref());
                    return Poll::Ready(Some(Ok(self.end_with(&status))));
                }
            }
        } else {
            poll()
        };
        match &polled {
            Poll::Pending => {}
            Poll::Ready(None) => self.end(Code::Ok),
            Poll::Ready(Some(Err(status))) => {
                let code = status.code();
                self.end(code);
            }
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    let code = Status::from_header_map(trailers).map_or(Code::Ok, |status| status.code());
                    self.end(code);
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let code = if self.ended || self.inner.is_end_stream() { Code::Ok } else { Code::Cancelled };
        self.end(code);
    }
}
