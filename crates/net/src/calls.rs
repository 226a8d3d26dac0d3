//! The requests of one connection, counted: what its socket has to know of them to judge its peer.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::Service;
use pin_project_lite::pin_project;

use crate::{Arriving, Host, Rate};

/// What a connection's parts know of each other. Each number stands alone, so that no order is needed.
pub(crate) struct Calls {
    port: &'static str,
    begun: AtomicU32,
    ended: AtomicU32,
    /// Answers that wait for the peer, not for us.
    offered: AtomicU32,
    /// Bytes; it may wrap.
    written: AtomicUsize,
    /// Whether a write waits for the peer.
    blocked: AtomicBool,
    /// Whether the peer said something since that was last forgotten.
    heard: AtomicBool,
    ending: AtomicBool,
}

impl Calls {
    pub(crate) fn new(port: &'static str) -> Self {
        Self {
            port,
            begun: AtomicU32::default(),
            ended: AtomicU32::default(),
            offered: AtomicU32::default(),
            written: AtomicUsize::default(),
            blocked: AtomicBool::default(),
            heard: AtomicBool::default(),
            ending: AtomicBool::default(),
        }
    }

    /// Counts a connection, or a request, that is given up because of its peer.
    pub(crate) fn cut(&self, why: &'static str) {
        metrics::counter!("dytt_connections_cut_total", "port" => self.port, "why" => why).increment(1);
    }

    /// How many requests there were.
    pub(crate) fn begun(&self) -> u32 {
        self.begun.load(Relaxed)
    }

    pub(crate) fn are_none(&self) -> bool {
        self.begun.load(Relaxed) == self.ended.load(Relaxed)
    }

    pub(crate) fn are_offered(&self) -> bool {
        self.offered.load(Relaxed) > 0
    }

    pub(crate) fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn written(&self) -> usize {
        self.written.load(Relaxed)
    }

    pub(crate) fn blocked(&self, is_blocked: bool) {
        self.blocked.store(is_blocked, Relaxed);
    }

    pub(crate) fn are_blocked(&self) -> bool {
        self.blocked.load(Relaxed)
    }

    pub(crate) fn heard(&self, was_heard: bool) {
        self.heard.store(was_heard, Relaxed);
    }

    pub(crate) fn has_been_heard(&self) -> bool {
        self.heard.load(Relaxed)
    }

    /// No more requests over this connection.
    pub(crate) fn end(&self) {
        self.ending.store(true, Relaxed);
    }

    pub(crate) fn are_to_end(&self) -> bool {
        self.ending.load(Relaxed)
    }
}

/// One request, until its answer is with the peer or given up.
struct Call {
    calls: Arc<Calls>,
    is_offered: bool,
}

impl Call {
    fn begin(calls: &Arc<Calls>) -> Self {
        calls.begun.fetch_add(1, Relaxed);
        Self { calls: Arc::clone(calls), is_offered: false }
    }

    fn offer(&mut self, is_offered: bool) {
        if std::mem::replace(&mut self.is_offered, is_offered) == is_offered {
            return;
        }
        if is_offered {
            self.calls.offered.fetch_add(1, Relaxed);
        } else {
            self.calls.offered.fetch_sub(1, Relaxed);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.offer(false);
        self.calls.ended.fetch_add(1, Relaxed);
    }
}

/// A host, as one connection asks it.
pub(crate) struct Counted<H: Host> {
    pub host: Arc<H>,
    pub caller: Arc<H::Caller>,
    pub calls: Arc<Calls>,
    pub body_rate: Option<Rate>,
}

impl<H: Host> Service<Request<Incoming>> for Counted<H> {
    type Response = Response<Departing<H::Body>>;
    type Error = Infallible;
    type Future = Answering<H::Answer>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let call = Call::begin(&self.calls);
        let request = request.map(|body| Arriving::new(body, self.body_rate, &self.calls));
        Answering { answer: self.host.answer(&self.caller, request), call: Some(call) }
    }
}

pin_project! {
    /// An answer that is being made.
    pub(crate) struct Answering<A> {
        #[pin]
        answer: A,
        call: Option<Call>,
    }
}

impl<A, B> Future for Answering<A>
where
    A: Future<Output = Result<Response<B>, Infallible>>,
    B: Body,
{
    type Output = Result<Response<Departing<B>>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(answer) = ready!(this.answer.poll(context));
        let mut call = this.call.take();
        Poll::Ready(Ok(answer.map(|body| {
            if let Some(call) = &mut call {
                call.offer(!body.is_end_stream());
            }
            Departing { body, call }
        })))
    }
}

pin_project! {
    /// An answer's body on its way to the peer.
    pub(crate) struct Departing<B> {
        #[pin]
        body: B,
        call: Option<Call>,
    }
}

impl<B: Body> Body for Departing<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(context);
        if let Some(call) = this.call {
            call.offer(polled.is_ready());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
