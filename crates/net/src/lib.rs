//! The listening socket: takes connections, bounds what their peers may hold and how long they may dawdle,
//! and ends in order. What is asked and answered over them is the host's.

mod accept;
mod arriving;
mod calls;
mod connection;
mod ending;
mod limits;
mod pace;
mod places;
mod rarely;
mod socket;
mod watch;

use std::convert::Infallible;
use std::net::SocketAddr;

use http::{Request, Response};
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

pub use accept::serve;
pub use arriving::{Arriving, BodyError};
pub use ending::Ending;
pub use limits::{Limits, Rate};

/// Whoever answers on a port.
pub trait Host: Send + Sync + 'static {
    /// What is spoken over: the bare connection, or TLS.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Who calls, as far as the connection tells.
    type Caller: Send + Sync + 'static;
    /// An answer's body.
    type Body: Body<Data: Send, Error: std::error::Error + Send + Sync> + Send + 'static;
    /// An answer that is being made.
    type Answer: Future<Output = Result<Response<Self::Body>, Infallible>> + Send + 'static;

    /// Makes a new connection one to speak over, within [`Limits::handshake`]; none to close it.
    fn welcome(
        &self,
        stream: TcpStream,
        from: SocketAddr,
    ) -> impl Future<Output = Option<(Self::Stream, Self::Caller)>> + Send;

    /// Answers a request.
    fn answer(&self, caller: &Self::Caller, request: Request<Arriving>) -> Self::Answer;

    /// Returns when the caller has to come back over another connection.
    fn over(&self, _caller: &Self::Caller) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

#[cfg(test)]
mod tests;
