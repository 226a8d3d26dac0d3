//! The accept loop: mutual TLS, HTTP/2, bounds on what a peer may hold, and an orderly end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use proto::Step;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;

use crate::status;

/// Connections at once: each caller holds one, so this is callers.
const MAX_CONNECTIONS: usize = 1024;
/// Calls at once on one connection.
const MAX_STREAMS: u32 = 1024;
const MAX_HEADER_BYTES: u32 = 16 * 1024;
/// A connection proves who calls when it is made; it is made again at least this often, and whenever
/// certificates or revocations change.
const MAX_AGE: Duration = Duration::from_secs(3600);
/// A peer that answers no ping for this long is gone.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Accepting {
    pub listener: TcpListener,
    pub identities: tls::Identities,
    pub stack: Step,
    pub stopping: CancellationToken,
    pub cutoff: CancellationToken,
    pub connections: TaskTracker,
}

impl Accepting {
    pub(crate) async fn run(self) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let this = Arc::new(self);
        loop {
            let accepted = tokio::select! {
                accepted = this.listener.accept() => accepted,
                () = this.stopping.cancelled() => return,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    // Out of file descriptors, most likely: the next moment is no better.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                tracing::warn!("a connection was refused: there are {MAX_CONNECTIONS}");
                continue;
            };
            let one = Arc::clone(&this);
            this.connections.spawn(async move {
                one.serve(stream).await;
                drop(place);
            });
        }
    }

    async fn serve(&self, stream: TcpStream) {
        // Small answers wait 40 ms for an acknowledgement otherwise.
        let _is_faster = stream.set_nodelay(true);
        let from = stream.peer_addr().ok();
        let mut changed = self.identities.changes();
        let shaken = tokio::select! {
            shaken = self.identities.accept(stream) => shaken,
            () = self.stopping.cancelled() => return,
        };
        let (stream, peer) = match shaken {
            Ok(shaken) => shaken,
            Err(error) => {
                metrics::counter!("dytt_rpc_refused_total", "why" => "certificate").increment(1);
                let error = status::chain(&error);
                tracing::warn!(from = from.map(tracing::field::display), error, "a peer was refused");
                return;
            }
        };
        let stack = self.stack.clone();
        let handle = service_fn(move |request: http::Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer.clone());
            if let Some(from) = from {
                request.extensions_mut().insert(from);
            }
            let answer = stack.take(request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEADER_BYTES)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_PATIENCE)
            .serve_connection(TokioIo::new(stream), handle);
        let mut connection = std::pin::pin!(connection);
        let over = async {
            tokio::select! {
                () = self.stopping.cancelled() => {}
                _ = changed.changed() => {}
                () = tokio::time::sleep(MAX_AGE) => {}
            }
        };
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = over => {
                // GOAWAY: calls in flight end, new ones come over a new connection, if there is to be one.
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = self.cutoff.cancelled() => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error = status::chain(&error), "a connection ended badly");
        }
    }
}
