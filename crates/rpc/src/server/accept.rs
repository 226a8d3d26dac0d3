//! Who gets in: mutual TLS, bounds on what a caller may hold, and when it has to come back.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, NeverError, ready};
use net::{Arriving, Host, Limits};
use proto::{Response, Step};
use tls::ServerStream;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::body::Body;

use super::deadline::Ending;
use super::shed::{CALLS, STREAMS};
use crate::status;

/// A connection proves who calls when it is made; it is made again at least this often, and whenever
/// certificates or revocations change.
const MAX_AGE_SECONDS: u64 = 3600;
/// A peer that was told to go may still begin a call for this long: it may not have heard it yet.
const STILL_HEARING: Duration = Duration::from_secs(5);
/// The longest a call can take; after that nothing is worth the connection.
const LONGEST_CALL: Duration = Duration::from_secs(90);

/// The bounds of a port that only our own services find.
pub(crate) fn limits() -> Limits {
    Limits {
        port: "rpc",
        // Each caller holds one, so this is callers.
        connections: 1024,
        per_network: 1024,
        // Strangers, whose certificate is not yet seen, must not keep callers out.
        strangers: 128,
        // After the time the handshake gives itself, so that it is the one to say so.
        handshake: Duration::from_secs(6),
        // A caller keeps its connection, and a call has its own deadline.
        idle: None,
        body: None,
        http1: false,
        head_bytes: 16 * 1024,
        // A caller holds one connection and may be the only caller.
        streams: (CALLS + STREAMS) as u32,
        // A peer that answers no ping for this long is gone.
        ping: (Duration::from_secs(10), Duration::from_secs(5)),
        leaving: STILL_HEARING + LONGEST_CALL,
        ..Limits::default()
    }
}

pub(crate) struct Callers {
    pub identities: tls::Identities,
    pub stack: Step,
    pub stopping: CancellationToken,
}

/// Who called, from where, and since when certificates have not changed.
pub(crate) struct Caller {
    peer: tls::Peer,
    from: SocketAddr,
    changed: watch::Receiver<u64>,
    ending: CancellationToken,
    /// The first call after it was told to go.
    late: OnceLock<Instant>,
}

impl Host for Callers {
    type Stream = ServerStream<TcpStream>;
    type Caller = Caller;
    type Body = Body;
    type Answer = NeverError<BoxFuture<'static, Response>>;

    async fn welcome(&self, stream: TcpStream, from: SocketAddr) -> Option<(Self::Stream, Caller)> {
        // Before the handshake: what changes while it lasts counts.
        let changed = self.identities.changes();
        match self.identities.accept(stream).await {
            Ok((stream, peer)) => {
                let (ending, late) = (self.stopping.child_token(), OnceLock::new());
                Some((stream, Caller { peer, from, changed, ending, late }))
            }
            Err(error) => {
                metrics::counter!("dytt_rpc_refused_total", "why" => "certificate").increment(1);
                tracing::warn!(%from, error = status::chain(&error), "a peer was refused");
                None
            }
        }
    }

    fn answer(&self, caller: &Caller, request: http::Request<Arriving>) -> Self::Answer {
        if caller.is_deaf() {
            let gone = status::failed(Code::Unavailable, "this connection has ended");
            return ready(gone).boxed().never_error();
        }
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(caller.peer.clone());
        request.extensions_mut().insert(Ending(caller.ending.clone()));
        request.extensions_mut().insert(caller.from);
        self.stack.take(request).never_error()
    }

    async fn over(&self, caller: &Caller) {
        let mut changed = caller.changed.clone();
        // Not all at once: those who connected together would find nobody together.
        let age = MAX_AGE_SECONDS - fastrand::u64(..MAX_AGE_SECONDS / 10);
        tokio::select! {
            _ = changed.changed() => {}
            () = tokio::time::sleep(Duration::from_secs(age)) => {}
        }
        caller.ending.cancel();
    }
}

impl Caller {
    /// Whether it goes on calling although it must have heard that the connection ends.
    fn is_deaf(&self) -> bool {
        self.ending.is_cancelled() && self.late.get_or_init(Instant::now).elapsed() > STILL_HEARING
    }
}
