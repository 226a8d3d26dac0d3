//! The accept loop: mutual TLS, HTTP/2, bounds on what a peer may hold, and an orderly end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use proto::Step;
use tls::ServerStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Code;
use tonic::body::Body;

use super::deadline::Ending;
use super::shed::{CALLS, STREAMS};
use crate::status;

/// Connections at once: each caller holds one, so this is callers.
const MAX_CONNECTIONS: usize = 1024;
/// Strangers at once, whose certificate is not yet seen: they must not keep callers out.
const MAX_HANDSHAKES: usize = 128;
/// Calls and streams at once on one connection: a caller holds one connection and may be the only caller.
const MAX_STREAMS: u32 = (CALLS + STREAMS) as u32;
const MAX_HEADER_BYTES: u32 = 16 * 1024;
/// A connection proves who calls when it is made; it is made again at least this often, and whenever
/// certificates or revocations change.
const MAX_AGE_SECONDS: u64 = 3600;
/// A peer that was told to go may still begin a call for this long: it may not have heard it yet.
const STILL_HEARING: Duration = Duration::from_secs(5);
/// The longest a call can take; after that nothing is worth the connection.
const LONGEST_CALL: Duration = Duration::from_secs(90);
/// A peer that answers no ping for this long is gone.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Accepting {
    pub identities: tls::Identities,
    pub stack: Step,
    pub stopping: CancellationToken,
    pub cutoff: CancellationToken,
    pub connections: TaskTracker,
}

impl Accepting {
    /// Accepts until a stop begins; then the port is closed, so that callers are refused at once.
    pub(crate) async fn run(self, listener: TcpListener) {
        let (places, handshakes) = (Semaphore::new(MAX_CONNECTIONS), Semaphore::new(MAX_HANDSHAKES));
        let (places, handshakes) = (Arc::new(places), Arc::new(handshakes));
        let this = Arc::new(self);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
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
            let Ok(handshake) = Arc::clone(&handshakes).try_acquire_owned() else {
                metrics::counter!("dytt_rpc_refused_total", "why" => "handshakes").increment(1);
                continue;
            };
            let (one, places) = (Arc::clone(&this), Arc::clone(&places));
            this.connections.spawn(async move {
                let Some((connection, peer)) = one.shake(stream).await else { return };
                drop(handshake);
                match places.try_acquire_owned() {
                    Ok(_place) => one.serve(connection, peer).await,
                    Err(_full) => {
                        metrics::counter!("dytt_rpc_refused_total", "why" => "connections").increment(1);
                    }
                }
            });
        }
    }

    async fn shake(&self, stream: TcpStream) -> Option<(ServerStream<TcpStream>, Caller)> {
        // Small answers wait 40 ms for an acknowledgement otherwise.
        let _is_faster = stream.set_nodelay(true);
        let from = stream.peer_addr().ok();
        // Before the handshake: what changes while it lasts counts.
        let changed = self.identities.changes();
        let shaken = tokio::select! {
            shaken = self.identities.accept(stream) => shaken,
            () = self.stopping.cancelled() => return None,
        };
        match shaken {
            Ok((stream, peer)) => Some((stream, Caller { peer, from, changed })),
            Err(error) => {
                metrics::counter!("dytt_rpc_refused_total", "why" => "certificate").increment(1);
                let error = status::chain(&error);
                tracing::warn!(from = from.map(tracing::field::display), error, "a peer was refused");
                None
            }
        }
    }

    async fn serve(&self, stream: ServerStream<TcpStream>, caller: Caller) {
        let Caller { peer, from, mut changed } = caller;
        let (ending, deaf) = (self.stopping.child_token(), Arc::new(AtomicBool::new(false)));
        let handle = {
            let (stack, ending, deaf) = (self.stack.clone(), ending.clone(), Arc::clone(&deaf));
            service_fn(move |request: http::Request<Incoming>| {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(peer.clone());
                request.extensions_mut().insert(Ending(ending.clone()));
                if let Some(from) = from {
                    request.extensions_mut().insert(from);
                }
                let answer = (!deaf.load(Ordering::Relaxed)).then(|| stack.take(request));
                async move {
                    Ok::<_, Infallible>(match answer {
                        Some(answer) => answer.await,
                        None => status::failed(Code::Unavailable, "this connection has ended"),
                    })
                }
            })
        };
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEADER_BYTES)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_PATIENCE)
            .serve_connection(TokioIo::new(stream), handle);
        let mut connection = std::pin::pin!(connection);
        let over = async {
            // Not all at once: those who connected together would find nobody together.
            let age = MAX_AGE_SECONDS - fastrand::u64(..MAX_AGE_SECONDS / 10);
            tokio::select! {
                () = self.stopping.cancelled() => {}
                _ = changed.changed() => {}
                () = tokio::time::sleep(Duration::from_secs(age)) => {}
            }
        };
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = over => {
                // GOAWAY: calls in flight end, new ones come over a new connection, if there is to be one.
                connection.as_mut().graceful_shutdown();
                ending.cancel();
                let last = async {
                    tokio::time::sleep(STILL_HEARING).await;
                    deaf.store(true, Ordering::Relaxed);
                    tokio::time::sleep(LONGEST_CALL).await;
                };
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = self.cutoff.cancelled() => return,
                    () = last => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error = status::chain(&error), "a connection ended badly");
        }
    }
}

/// Who called, from where, and since when certificates have not changed.
struct Caller {
    peer: tls::Peer,
    from: Option<SocketAddr>,
    changed: watch::Receiver<u64>,
}
