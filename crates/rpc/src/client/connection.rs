//! The connection to one instance: made when first needed, shared by all calls, made again when it is gone,
//! and known to be dead within seconds by pings. It tells surely unsent calls from unknown ones.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Uri;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use proto::{Request, Response};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tonic::Code;
use tonic::body::Body;

use crate::status;

const CONNECT_TIME: Duration = Duration::from_secs(2);
/// A frozen process answers no ping: its callers know after the two together.
const PING_EVERY: Duration = Duration::from_secs(2);
const PING_PATIENCE: Duration = Duration::from_secs(2);
const WINDOW_BYTES: u32 = 1 << 20;
const MAX_HEADER_BYTES: u32 = 16 * 1024;

pub(crate) struct Connection {
    identities: tls::Identities,
    from: &'static str,
    to: Arc<str>,
    addr: Arc<str>,
    /// Held while connecting, so that many calls make one connection.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sender: Option<Sender>,
    /// How many were made.
    made: u64,
    /// The last time there was no connecting, and why.
    failed: Option<(Instant, String)>,
}

/// A connection and under which certificates it was made.
#[derive(Clone)]
struct Sender {
    sends: SendRequest<Body>,
    certificates: u64,
    number: u64,
}

impl Connection {
    pub(crate) fn new(identities: tls::Identities, from: &'static str, to: &str, addr: &str) -> Self {
        Self { identities, from, to: to.into(), addr: addr.into(), state: Mutex::default() }
    }

    /// Sends a call. A failure of ours is marked as not sent where that is sure.
    pub(crate) async fn send(&self, request: Request) -> Response {
        let mut used = match self.sender().await {
            Ok(used) => used,
            Err(error) => {
                return status::not_sent(format!("connect to {} at {}: {error}", self.to, self.addr));
            }
        };
        let request = match self.addressed(request) {
            Ok(request) => request,
            Err(error) => return status::failed(Code::Internal, format!("address the call: {error}")),
        };
        match used.sends.try_send_request(request).await {
            Ok(response) => response.map(Body::new),
            Err(mut failed) => {
                let unsent = failed.take_message().is_some() || was_refused(failed.error());
                let text = format!("call {} at {}: {}", self.to, self.addr, status::chain(failed.error()));
                if !unsent {
                    return status::failed(Code::Unavailable, text);
                }
                // The other side closes it, maybe to be asked again over a new one.
                if let Ok(mut state) = self.state.try_lock() {
                    state.sender.take_if(|sender| sender.number == used.number);
                }
                status::not_sent(text)
            }
        }
    }

    async fn sender(&self) -> Result<Sender, String> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        // Who it was made with may be revoked since: calls in flight end, new ones prove each other anew.
        let certificates = *self.identities.changes().borrow();
        let is_good = |sender: &&Sender| !sender.sends.is_closed() && sender.certificates == certificates;
        if let Some(sender) = state.sender.as_ref().filter(is_good) {
            return Ok(sender.clone());
        }
        // Who waited for another call's connection shares its failure, instead of waiting once more.
        if let Some((_, error)) = state.failed.as_ref().filter(|(when, _)| *when >= asked) {
            return Err(error.clone());
        }
        let connecting = tokio::time::timeout(CONNECT_TIME, self.connect()).await;
        match connecting.unwrap_or_else(|_late| Err("no answer in time".to_owned())) {
            Ok(sends) => {
                state.made += 1;
                let sender = Sender { sends, certificates, number: state.made };
                state.sender = Some(sender.clone());
                Ok(sender)
            }
            Err(error) => {
                state.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Body>, String> {
        let stream = TcpStream::connect(&*self.addr).await.map_err(|error| error.to_string())?;
        // Small calls wait 40 ms for an acknowledgement otherwise.
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let stream = self.identities.connect(self.from, &self.to, stream).await;
        let stream = stream.map_err(|error| {
            tracing::warn!(to = &*self.to, addr = &*self.addr, error = status::chain(&error), "not our peer");
            status::chain(&error)
        })?;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .max_header_list_size(MAX_HEADER_BYTES)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_PATIENCE)
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| status::chain(&error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = status::chain(&error), "a connection ended badly");
            }
        });
        Ok(sender)
    }

    fn addressed(&self, mut request: Request) -> Result<Request, http::Error> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        *request.uri_mut() =
            Uri::builder().scheme("https").authority(&*self.to).path_and_query(path).build()?;
        Ok(request)
    }
}

/// Whether the other side surely did not begin with the call (RFC 9113, 8.7).
fn was_refused(error: &hyper::Error) -> bool {
    if error.is_canceled() {
        return true;
    }
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            let refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
            // Streams above the last one it names were not begun; those below end by themselves.
            let left =
                error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR);
            return refused || left;
        }
        source = error.source();
    }
    false
}
