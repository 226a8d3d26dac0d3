//! What the generated adapters do with a message: to the wire and back. Around it stand the layers of `rpc`.

use domain::{Call, Error, Result};
use futures_util::{StreamExt, TryStreamExt};
use http::uri::PathAndQuery;
use prost::Message;
use tonic::codegen::Service;
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use crate::{Listening, Request, Response, Step, from_status, to_status};

/// No message is larger, either way: a list of 500 rows is a tenth of it.
pub const MAX_MESSAGE_BYTES: usize = 4 << 20;

/// Sends one message and waits for one.
pub(crate) async fn call<Q, A>(step: &Step, call: &Call, path: &'static str, message: Q) -> Result<A>
where
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    let (mut grpc, request) = (client(step), with(call, message));
    ready(&mut grpc).await;
    let answer = grpc.unary(request, PathAndQuery::from_static(path), ProstCodec::default()).await;
    answer.map(tonic::Response::into_inner).map_err(|status| from_status(&status))
}

/// Sends one message and listens.
pub(crate) async fn listen<Q, A>(
    step: &Step,
    call: &Call,
    path: &'static str,
    message: Q,
) -> Result<Listening<A>>
where
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    let (mut grpc, request) = (client(step), with(call, message));
    ready(&mut grpc).await;
    let answer = grpc.server_streaming(request, PathAndQuery::from_static(path), ProstCodec::default()).await;
    let stream = answer.map_err(|status| from_status(&status))?.into_inner();
    Ok(stream.map_err(|status| from_status(&status)).boxed())
}

/// Answers one message with one.
pub(crate) async fn answer<Q, A, F, R>(request: Request, handle: F) -> Response
where
    Q: Message + Default + 'static,
    A: Message + 'static,
    F: FnOnce(Call, Q) -> R + Send,
    R: Future<Output = Result<A>> + Send + 'static,
{
    let answered = Once(Some(|request: tonic::Request<Q>| {
        let handling = received(request).map(|(call, message)| handle(call, message));
        async move {
            let answer = match handling {
                Ok(handling) => handling.await,
                Err(error) => Err(error),
            };
            answer.map(tonic::Response::new).map_err(failed)
        }
    }));
    server().unary(answered, request).await
}

/// Answers one message with a stream.
pub(crate) async fn stream<Q, A, F, R>(request: Request, handle: F) -> Response
where
    Q: Message + Default + 'static,
    A: Message + 'static,
    F: FnOnce(Call, Q) -> R + Send,
    R: Future<Output = Result<Listening<A>>> + Send + 'static,
{
    let answered = Once(Some(|request: tonic::Request<Q>| {
        let handling = received(request).map(|(call, message)| handle(call, message));
        async move {
            let listening = match handling {
                Ok(handling) => handling.await,
                Err(error) => Err(error),
            };
            let listening = listening.map_err(failed)?;
            Ok(tonic::Response::new(listening.map_err(failed).boxed()))
        }
    }));
    server().server_streaming(answered, request).await
}

/// The answer to a method this version does not have.
pub(crate) fn unknown() -> Response {
    Status::new(Code::Unimplemented, "this service has no such method").into_http()
}

/// The error stays with its status on this side, so that the log can tell the whole of it.
fn failed(error: Error) -> Status {
    let mut status = to_status(&error);
    status.set_source(std::sync::Arc::new(error));
    status
}

fn client(step: &Step) -> tonic::client::Grpc<Step> {
    tonic::client::Grpc::new(step.clone())
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES)
}

async fn ready(grpc: &mut tonic::client::Grpc<Step>) {
    match grpc.ready().await {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

fn server<Q, A>() -> tonic::server::Grpc<ProstCodec<A, Q>>
where
    Q: Message + Default + 'static,
    A: Message + 'static,
{
    tonic::server::Grpc::new(ProstCodec::default())
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES)
}

fn with<Q>(call: &Call, message: Q) -> tonic::Request<Q> {
    let mut request = tonic::Request::new(message);
    request.extensions_mut().insert(*call);
    request
}

fn received<Q>(request: tonic::Request<Q>) -> Result<(Call, Q)> {
    let call = request.extensions().get::<Call>().copied();
    let call = call.ok_or_else(|| Error::internal("no layer said who calls"))?;
    Ok((call, request.into_inner()))
}

/// A service that is called once, as tonic's server does.
struct Once<F>(Option<F>);

impl<F, Q, R, A> Service<tonic::Request<Q>> for Once<F>
where
    F: FnOnce(tonic::Request<Q>) -> R,
    R: Future<Output = Result<tonic::Response<A>, Status>>,
{
    type Response = tonic::Response<A>;
    type Error = Status;
    type Future = futures_util::future::Either<R, std::future::Ready<Result<Self::Response, Status>>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Status>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<Q>) -> Self::Future {
        match self.0.take() {
            Some(handle) => futures_util::future::Either::Left(handle(request)),
            None => {
                futures_util::future::Either::Right(std::future::ready(Err(Status::internal("called twice"))))
            }
        }
    }
}
