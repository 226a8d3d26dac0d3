//! The router on its port, and the port's graceful end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::routing::future::RouteFuture;
use net::{Arriving, Ending, Host, Limits};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::edge::one_spelling;

/// How long uploads that were told to end, and whatever else is left, may take over it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves until `stop`, then lets requests in flight finish. `cutoff` is fired `grace` later to end uploads
/// that still run; a second after that the rest is cut.
///
/// # Errors
/// What the socket said.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    cutoff: CancellationToken,
    grace: Duration,
) -> std::io::Result<()> {
    let ending = Ending::on(stop);
    net::serve(listener, Limits::default(), Edge { router }, ending.clone()).await;
    if ending.drain(grace).await == 0 {
        return Ok(());
    }
    cutoff.cancel();
    let left = ending.drain(LAST_WORDS).await;
    if left > 0 {
        tracing::warn!(connections = left, "connections were still open when the grace was over");
        ending.cut().await;
    }
    Ok(())
}

struct Edge {
    router: Router,
}

impl Host for Edge {
    type Stream = TcpStream;
    type Caller = SocketAddr;
    type Body = Body;
    type Answer = RouteFuture<Infallible>;

    async fn welcome(&self, stream: TcpStream, from: SocketAddr) -> Option<(TcpStream, SocketAddr)> {
        Some((stream, from))
    }

    fn answer(&self, from: &SocketAddr, request: axum::http::Request<Arriving>) -> RouteFuture<Infallible> {
        // Most requests have no body, and an empty one costs no allocation.
        let request = request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
        let mut request: Request = one_spelling(request);
        request.extensions_mut().insert(ConnectInfo(*from));
        self.router.clone().call(request)
    }
}
