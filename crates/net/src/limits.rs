//! What a peer may hold, and how long it may take over it.

use std::time::Duration;

/// The least a peer has to send or take while somebody waits for it.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Bytes a second, on average over one window.
    pub bytes_per_second: u64,
    /// The waiting over which it is measured: who is always too slow is noticed after one, who stops within
    /// two.
    pub window: Duration,
}

impl Rate {
    /// What has to arrive in one window.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes_per_second.saturating_mul(self.window.as_millis() as u64) / 1000
    }
}

/// The bounds of one port. The defaults are those of a port that anybody can reach.
#[derive(Clone, Debug)]
pub struct Limits {
    /// What metrics and logs call the port.
    pub port: &'static str,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one network (an IPv4 address, an IPv6 /64); this machine's own are exempt.
    pub per_network: usize,
    /// Connections at once whose handshake is not over.
    pub strangers: usize,
    /// How long a handshake may take.
    pub handshake: Duration,
    /// How long a new connection may take over its first request's head, and any connection over the head
    /// of a later one once it began.
    pub head: Duration,
    /// How long a connection without a request stays open; none for ever.
    pub idle: Option<Duration>,
    /// How long an HTTP/1 connection without a request keeps its buffers, 24 KiB.
    pub rest: Duration,
    /// How fast a request's body must arrive while it is being read; none when something else sees to it.
    pub body: Option<Rate>,
    /// How fast an answer must be taken.
    pub write: Rate,
    /// Whether HTTP/1 is spoken, beside HTTP/2.
    pub http1: bool,
    /// Longest head of a request, in bytes.
    pub head_bytes: u32,
    /// Most of an HTTP/1 body that is read at once, in bytes: it grows to that with a fast sender only.
    pub buffer_bytes: usize,
    /// HTTP/2 requests at once on one connection.
    pub streams: u32,
    /// Most of one HTTP/2 answer that is held at once, in bytes.
    pub stream_bytes: usize,
    /// How often an HTTP/2 peer is asked whether it is there, and how long it may take to say so.
    pub ping: (Duration, Duration),
    /// How long a connection that was told to end goes on with what it is at.
    pub leaving: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let rate = |seconds| Rate { bytes_per_second: 16 * 1024, window: Duration::from_secs(seconds) };
        Self {
            port: "http",
            connections: 16_384,
            // Behind one address there may be a town, or a proxy.
            per_network: 4_096,
            strangers: 1_024,
            handshake: Duration::from_secs(5),
            head: Duration::from_secs(10),
            idle: Some(Duration::from_secs(60)),
            rest: Duration::from_secs(2),
            body: Some(rate(15)),
            // Longer, as the system tells of what was taken in pieces of half a MiB.
            write: rate(30),
            http1: true,
            // A text in a query that is four times too long is still told so in the API's own words.
            head_bytes: 32 * 1024,
            // With 16 KiB an upload costs a quarter more.
            buffer_bytes: 64 * 1024,
            streams: 128,
            stream_bytes: 64 * 1024,
            ping: (Duration::from_secs(20), Duration::from_secs(10)),
            leaving: Duration::from_secs(3600),
        }
    }
}
