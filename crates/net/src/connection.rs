//! One connection, from its first byte to its end.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::calls::{Calls, Counted};
use crate::places::Places;
use crate::rarely::rarely;
use crate::socket::{Socket, Version};
use crate::watch::{Verdict, Watch};
use crate::{Ending, Host, Limits};

/// All that the connections of a port have in common.
pub(crate) struct Port<H> {
    limits: Limits,
    host: Arc<H>,
    ending: Ending,
    places: Arc<Places>,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl<H: Host> Port<H> {
    pub(crate) fn new(limits: Limits, host: H, ending: Ending) -> Self {
        let mut http1 = http1::Builder::new();
        http1.max_header_size(limits.head_bytes as usize).max_buf_size(limits.buffer_bytes);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(limits.head_bytes)
            .max_send_buf_size(limits.stream_bytes)
            .keep_alive_interval(limits.ping.0)
            .keep_alive_timeout(limits.ping.1);
        Self { places: Places::new(&limits), limits, host: Arc::new(host), ending, http1, http2 }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.limits.port
    }

    pub(crate) fn refused(&self, why: &'static str) {
        metrics::counter!("dytt_connections_refused_total", "port" => self.name(), "why" => why).increment(1);
    }

    /// Learns who a stranger is and what it speaks, and speaks with it.
    pub(crate) async fn meet(
        self: Arc<Self>,
        stream: TcpStream,
        from: SocketAddr,
        stranger: OwnedSemaphorePermit,
    ) {
        let welcome = tokio::time::timeout(self.limits.handshake, self.host.welcome(stream, from));
        let welcomed = tokio::select! {
            welcomed = welcome => welcomed,
            () = self.ending.stopping.cancelled() => return,
        };
        let Ok(Some((stream, caller))) = welcomed else { return self.refused("handshake") };
        drop(stranger);
        let _place = match self.places.take(from.ip()) {
            Ok(place) => place,
            Err(why) => return self.refused(why),
        };
        let (calls, since) = (Arc::new(Calls::new(self.name())), Instant::now());
        let mut socket = Socket::new(stream, Arc::clone(&calls));
        let version = tokio::select! {
            version = tokio::time::timeout(self.limits.head, socket.version()) => version,
            () = self.ending.stopping.cancelled() => return,
        };
        let version = match version {
            Ok(Ok(Version::Http1)) if !self.limits.http1 => return self.refused("version"),
            Ok(Ok(version)) => version,
            Ok(Err(error)) => return tracing::debug!(%error, %from, "a connection ended before it began"),
            Err(_silent) => return calls.cut("head"),
        };
        let caller = Arc::new(caller);
        let over = pin!(rarely(async {
            tokio::select! {
                () = self.ending.stopping.cancelled() => {}
                () = self.host.over(&caller) => {}
            }
        }));
        let mut watch = Watch::new(Arc::clone(&calls), version, since, &self.limits);
        let (host, caller, body_rate) = (Arc::clone(&self.host), Arc::clone(&caller), self.limits.body);
        let counted = Counted { host, caller, calls, body_rate };
        match version {
            Version::Http1 => self.http1(socket, counted, &mut watch, over).await,
            // Large and rare on a public port: in a box it does not make the others large.
            Version::Http2 => Box::pin(self.http2(socket, counted, &mut watch, over)).await,
        }
    }

    async fn http1(
        &self,
        mut socket: Socket<H::Stream>,
        mut counted: Counted<H>,
        watch: &mut Watch,
        mut over: Pin<&mut impl Future<Output = ()>>,
    ) {
        loop {
            let mut connection = self.http1.serve_connection(TokioIo::new(socket), counted);
            let verdict = self.run(Pin::new(&mut connection), watch, over.as_mut()).await;
            match verdict {
                None | Some(Verdict::Cut) => return,
                Some(Verdict::Leave) => {
                    Pin::new(&mut connection).graceful_shutdown();
                    return self.leave(Pin::new(&mut connection), watch).await;
                }
                // What it has buffered is empty and large: it is given back until there is use for it.
                Some(Verdict::Rest) => {
                    let parts = connection.into_parts();
                    (socket, counted) = (parts.io.into_inner(), parts.service);
                    socket.put_back(parts.read_buf);
                    let speaks = tokio::select! {
                        speaks = watch.rest(socket.version()) => speaks,
                        () = over.as_mut() => false,
                    };
                    if !speaks {
                        return;
                    }
                }
            }
        }
    }

    async fn http2(
        &self,
        socket: Socket<H::Stream>,
        counted: Counted<H>,
        watch: &mut Watch,
        over: Pin<&mut impl Future<Output = ()>>,
    ) {
        let mut connection = pin!(self.http2.serve_connection(TokioIo::new(socket), counted));
        let verdict = self.run(connection.as_mut(), watch, over).await;
        if let Some(Verdict::Leave | Verdict::Rest) = verdict {
            connection.as_mut().graceful_shutdown();
            self.leave(connection, watch).await;
        }
    }

    /// Runs a connection until it ends, or until something has to be done about it.
    async fn run(
        &self,
        mut connection: Pin<&mut impl Future<Output = hyper::Result<()>>>,
        watch: &mut Watch,
        over: Pin<&mut impl Future<Output = ()>>,
    ) -> Option<Verdict> {
        let running = poll_fn(|context| match connection.as_mut().poll(context) {
            Poll::Ready(ended) => Poll::Ready(Err(ended)),
            Poll::Pending => watch.judge(context).map(Ok),
        });
        let ended = tokio::select! {
            biased;
            ended = running => ended,
            () = over => Ok(Verdict::Leave),
        };
        match ended {
            Ok(verdict) => Some(verdict),
            Err(ended) => {
                self.log(ended);
                None
            }
        }
    }

    /// Lets a connection that was told to end do so.
    async fn leave(
        &self,
        mut connection: Pin<&mut impl Future<Output = hyper::Result<()>>>,
        watch: &mut Watch,
    ) {
        watch.leave();
        let leaving = poll_fn(|context| match connection.as_mut().poll(context) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending => watch.judge(context).map(|_too_slow| None),
        });
        tokio::select! {
            biased;
            ended = leaving => self.log(ended.unwrap_or(Ok(()))),
            () = self.ending.cutting.cancelled() => {}
            () = tokio::time::sleep(self.limits.leaving) => {}
        }
    }

    fn log(&self, ended: hyper::Result<()>) {
        if let Err(error) = ended {
            tracing::debug!(port = self.name(), error = %Chain(&error), "a connection ended badly");
        }
    }
}

/// An error with its causes.
struct Chain<'e>(&'e dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
