//! A port with a host that answers by path, and peers to try it with.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use h2::client::SendRequest;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::{Arriving, BodyError, Ending, Host, Limits, Rate, serve};

/// What ends at all ends within this.
pub(crate) const LONG: Duration = Duration::from_secs(20);
pub(crate) const HEAD: Duration = Duration::from_millis(300);
pub(crate) const IDLE: Duration = Duration::from_millis(900);
pub(crate) const REST: Duration = Duration::from_millis(100);
pub(crate) const WINDOW: Duration = Duration::from_millis(300);
/// What has to move in one window.
pub(crate) const QUOTA: usize = 16 * 1024;

pub(crate) fn limits() -> Limits {
    let rate = Rate { bytes_per_second: QUOTA as u64 * 10 / 3, window: WINDOW };
    Limits {
        head: HEAD,
        handshake: HEAD,
        idle: Some(IDLE),
        rest: REST,
        body: Some(rate),
        write: rate,
        ..Limits::default()
    }
}

/// What a host knows, shared with its test.
#[derive(Default)]
pub(crate) struct Seen {
    /// Answers requests to `/held`, one for each time it is told.
    pub go: Notify,
    /// Ends connections.
    pub over: Notify,
    pub begun: AtomicUsize,
}

pub(crate) struct World {
    pub address: SocketAddr,
    pub ending: Ending,
    pub seen: Arc<Seen>,
}

struct Answers {
    seen: Arc<Seen>,
    welcomes: bool,
}

impl World {
    pub(crate) async fn with(limits: Limits) -> Self {
        Self::that(limits, true).await
    }

    /// Its handshakes never end.
    pub(crate) async fn mute(limits: Limits) -> Self {
        Self::that(limits, false).await
    }

    async fn that(limits: Limits, welcomes: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (ending, seen) = (Ending::default(), Arc::new(Seen::default()));
        let host = Answers { seen: Arc::clone(&seen), welcomes };
        tokio::spawn(serve(listener, limits, host, ending.clone()));
        Self { address, ending, seen }
    }

    pub(crate) async fn peer(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connects")
    }

    /// A peer that has sent this.
    pub(crate) async fn peer_with(&self, sent: impl AsRef<[u8]>) -> TcpStream {
        let mut peer = self.peer().await;
        peer.write_all(sent.as_ref()).await.expect("is taken");
        peer
    }

    /// An HTTP/2 peer, and what becomes of its connection.
    pub(crate) async fn peer2(
        &self,
        window: u32,
    ) -> (SendRequest<Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(window);
        let (send, connection) = builder.handshake(self.peer().await).await.expect("shakes hands");
        (send, tokio::spawn(connection))
    }

    pub(crate) async fn until_open(&self, count: usize) {
        until("so many connections are open", || self.ending.connections.len() == count).await;
    }

    pub(crate) async fn until_begun(&self, count: usize) {
        until("so many requests have begun", || self.seen.begun.load(Ordering::Relaxed) == count).await;
    }
}

pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < LONG, "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn within<T>(what: &str, ending: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, ending).await.unwrap_or_else(|_late| panic!("{what}: not in time"))
}

/// All that comes until the other side closes, and how long that took.
pub(crate) async fn rest(peer: &mut TcpStream) -> (String, Duration) {
    let (began, mut all) = (Instant::now(), Vec::new());
    // A reset is an end too.
    let _reset = within("an end", peer.read_to_end(&mut all)).await;
    (String::from_utf8_lossy(&all).into_owned(), began.elapsed())
}

/// An answer without more behind it.
pub(crate) async fn answer(peer: &mut TcpStream) -> String {
    let mut all = Vec::new();
    while !all.ends_with(b"\r\n\r\nhi") {
        let mut one = [0; 512];
        let more = within("an answer", peer.read(&mut one)).await.expect("an answer");
        assert!(more > 0, "closed after {}", String::from_utf8_lossy(&all));
        all.extend_from_slice(&one[..more]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: dytt.test\r\n\r\n")
}

pub(crate) fn post(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: dytt.test\r\nContent-Length: {length}\r\n\r\n")
}

/// A request of HTTP/2 without a body.
pub(crate) fn get2(path: &str) -> Request<()> {
    Request::get(format!("http://dytt.test{path}")).body(()).expect("a request")
}

impl Host for Answers {
    type Stream = TcpStream;
    type Caller = SocketAddr;
    type Body = Says;
    type Answer = BoxFuture<'static, Result<Response<Says>, Infallible>>;

    async fn welcome(&self, stream: TcpStream, from: SocketAddr) -> Option<(TcpStream, SocketAddr)> {
        if !self.welcomes {
            std::future::pending::<()>().await;
        }
        Some((stream, from))
    }

    fn answer(&self, from: &SocketAddr, request: Request<Arriving>) -> Self::Answer {
        assert!(from.ip().is_loopback());
        self.seen.begun.fetch_add(1, Ordering::Relaxed);
        Box::pin(say(Arc::clone(&self.seen), request))
    }

    async fn over(&self, _: &SocketAddr) {
        self.seen.over.notified().await;
    }
}

async fn say(seen: Arc<Seen>, request: Request<Arriving>) -> Result<Response<Says>, Infallible> {
    let (head, body) = request.into_parts();
    let says = match head.uri.path() {
        "/held" => {
            seen.go.notified().await;
            Says::Hi
        }
        "/never" => std::future::pending().await,
        // Reads its body; after a rest, should its query ask for one.
        "/read" => {
            if head.uri.query().is_some() {
                seen.go.notified().await;
            }
            match body.collect().await {
                Ok(_read) => Says::Hi,
                Err(BodyError::Slow) => Says::Slow,
                Err(BodyError::Cut(_)) => Says::Nothing,
            }
        }
        "/large" => Says::Without { end: true },
        "/events" => Says::Without { end: false },
        _ => Says::Hi,
    };
    Ok(Response::new(says))
}

/// An answer's body.
pub(crate) enum Says {
    Hi,
    Slow,
    Nothing,
    /// Bytes without end, or a first event and never a second.
    Without {
        end: bool,
    },
    Silence,
}

impl Body for Says {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static LARGE: [u8; 64 * 1024] = [b'x'; 64 * 1024];
        let bytes: &'static [u8] = match &*self {
            Self::Hi => b"hi",
            Self::Slow => b"slow",
            Self::Nothing => return Poll::Ready(None),
            Self::Without { end: true } => {
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&LARGE)))));
            }
            Self::Without { end: false } => {
                *self = Self::Silence;
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"event")))));
            }
            Self::Silence => return Poll::Pending,
        };
        *self = Self::Nothing;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match self {
            Self::Hi => http_body::SizeHint::with_exact(2),
            Self::Slow => http_body::SizeHint::with_exact(4),
            Self::Nothing => http_body::SizeHint::with_exact(0),
            Self::Without { .. } | Self::Silence => http_body::SizeHint::default(),
        }
    }
}
