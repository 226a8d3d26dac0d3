//! The accept loop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::connection::Port;
use crate::{Ending, Host, Limits};

/// How long nothing is accepted after it failed: out of file descriptors, most likely, and the next moment is
/// no better.
const PAUSE: Duration = Duration::from_millis(50);
/// Most of an answer that the system holds and has not sent: it says that it takes more when half of that is
/// gone, and would hold megabytes, so that a slow reader looked like one that does not read. Half of this
/// costs large answers 15 %.
const MAX_UNSENT_BYTES: u32 = 1024 * 1024;

/// Takes connections until the end begins; then the port is closed, so that newcomers are refused at once.
/// Connections that are open then end as [`Ending`] says.
pub async fn serve<H: Host>(listener: TcpListener, limits: Limits, host: H, ending: Ending) {
    let strangers = Arc::new(Semaphore::new(limits.strangers));
    let port = Arc::new(Port::new(limits, host, ending.clone()));
    let mut fails = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = ending.stopping.cancelled() => return,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // A line an outage, not twenty a second.
                if !std::mem::replace(&mut fails, true) {
                    tracing::warn!(%error, port = port.name(), "a connection could not be accepted");
                }
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        fails = false;
        let Ok(stranger) = Arc::clone(&strangers).try_acquire_owned() else {
            port.refused("handshakes");
            continue;
        };
        prepare(&stream, from);
        ending.connections.spawn(Arc::clone(&port).meet(stream, from, stranger));
    }
}

fn prepare(stream: &TcpStream, from: SocketAddr) {
    let socket = socket2::SockRef::from(stream);
    // Without the first a small answer can wait 40 ms for an acknowledgement.
    if let Err(error) = stream.set_nodelay(true).and_then(|()| socket.set_tcp_notsent_lowat(MAX_UNSENT_BYTES))
    {
        tracing::debug!(%error, %from, "a connection keeps its delay");
    }
}
