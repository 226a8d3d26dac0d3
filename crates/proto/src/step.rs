//! One step of a call's way: a handler, or a layer around the next step. Both sides of the wire are made of
//! the same steps, so that a layer is one function whichever side it stands on.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tonic::body::Body;
use tonic::codegen::Service;

/// A call on its way to a handler; its extensions hold what layers found out.
pub type Request = http::Request<Body>;

/// An answer on its way back. Failures are answers too, with a gRPC status.
pub type Response = http::Response<Body>;

/// Takes a call, gives an answer; clones share it.
#[derive(Clone)]
pub struct Step(Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>);

impl Step {
    /// A step that runs `handle` for each call.
    pub fn new<F, A>(handle: F) -> Self
    where
        F: Fn(Request) -> A + Send + Sync + 'static,
        A: Future<Output = Response> + Send + 'static,
    {
        Self(Arc::new(move |request| Box::pin(handle(request))))
    }

    /// Takes the step.
    pub fn take(&self, request: Request) -> BoxFuture<'static, Response> {
        (self.0)(request)
    }
}

impl Service<Request> for Step {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let answer = self.take(request);
        Box::pin(async { Ok(answer.await) })
    }
}
