//! The listening socket and its graceful end.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::ServiceExt;
use axum::extract::Request;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Layer;
use tower::util::MapRequestLayer;

use crate::edge::one_spelling;

/// Serves until `stop`, then lets requests in flight finish. `cutoff` is fired `grace` later to end uploads
/// that still run; a second after that the rest is left to its fate.
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
    // Without it a small answer can wait 40 ms for an acknowledgement.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    let service = MapRequestLayer::new(one_spelling::<axum::body::Body>).layer(router);
    let service = ServiceExt::<Request>::into_make_service_with_connect_info::<SocketAddr>(service);
    let served = axum::serve(listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(grace).await;
        cutoff.cancel();
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    tokio::select! {
        served = served.into_future() => served,
        () = late => {
            tracing::warn!("connections were still open when the grace was over");
            Ok(())
        }
    }
}
