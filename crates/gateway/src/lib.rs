//! The HTTP edge: proves who asks, parses what they ask, makes one service call and shows the answer.
//! It knows no SQL and no rules; it reaches services only through their traits.

mod address;
pub mod admin;
mod admission;
#[doc(hidden)]
pub mod bench;
mod cookie;
mod edge;
mod error;
mod form;
mod limits;
mod listeners;
mod paced;
mod pages;
mod params;
mod reply;
mod revoked;
mod routes;
mod serve;
mod slowest;
mod template;
mod token;
mod viewer;
mod web;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use blobs::Blobs;
use futures_util::future::BoxFuture;
use proto::{
    CommentService, FeedService, FollowService, LikeService, MessageService, UserService, VideoService,
};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use routes::router;
pub use serve::serve;
pub use token::{KeyError, Tokens};

use admission::Admission;
use limits::Limits;
use listeners::Listeners;
use pages::Pages;
use revoked::Revocations;
use slowest::Slowest;

/// What the edge has to know of its surroundings.
#[derive(Clone, Debug)]
pub struct Config {
    /// The address people use, without a trailing slash; empty to take each request's own Host.
    pub public_url: String,
    /// Peers whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether tokens and passwords may stand in a query, as the Android app sends them.
    pub query_credentials: bool,
    /// Largest upload, in bytes.
    pub max_upload_bytes: u64,
    /// Whether request and login limits are enforced.
    pub limits_enabled: bool,
    /// Offset of the zone in which a comment's day is told, in hours east of UTC.
    pub utc_offset_hours: i8,
    /// An address for other devices on this network, if there is one.
    pub lan_url: Option<String>,
}

/// The services behind the edge; whether they run in this process is nobody's business here.
#[derive(Clone)]
#[expect(missing_docs, reason = "the field's name is the service's")]
pub struct Services {
    pub user: Arc<dyn UserService>,
    pub feed: Arc<dyn FeedService>,
    pub video: Arc<dyn VideoService>,
    pub like: Arc<dyn LikeService>,
    pub comment: Arc<dyn CommentService>,
    pub follow: Arc<dyn FollowService>,
    pub message: Arc<dyn MessageService>,
}

/// A process that takes calls for a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// The service.
    pub service: String,
    /// Where it takes calls; nothing for the process that asks.
    pub address: Option<String>,
    /// Of the contract it speaks.
    pub version: String,
    /// Of the program.
    pub build: String,
    /// Its share of the calls against others'; 0 is drained.
    pub weight: u32,
    /// What is left of that while it fails calls: 1 is all.
    pub health: f64,
    /// UTC milliseconds.
    pub started_at: i64,
}

/// Who takes calls at the moment it is asked.
pub type Fleet = Arc<dyn Fn() -> BoxFuture<'static, domain::Result<Vec<Instance>>> + Send + Sync>;

/// The state of every route; clones share it.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

/// What a gateway is made of.
pub struct Inner {
    config: Config,
    services: Services,
    blobs: Blobs,
    tokens: Tokens,
    revocations: Revocations,
    limits: Limits,
    admission: Admission,
    listeners: Listeners,
    pages: Pages,
    slowest: Slowest,
    fleet: Fleet,
    /// Requests that go on when their client leaves.
    tasks: TaskTracker,
    /// Fires when uploads in flight have to end.
    cutoff: CancellationToken,
    /// Fires when streams of events have to end.
    leaving: CancellationToken,
}

impl Gateway {
    /// An edge over services and objects. It knows of no revoked login before [`Gateway::maintain`] ran.
    #[must_use]
    pub fn new(config: Config, services: Services, blobs: Blobs, tokens: Tokens, fleet: Fleet) -> Self {
        let limits = Limits::new(config.limits_enabled);
        Self(Arc::new(Inner {
            config,
            services,
            blobs,
            tokens,
            revocations: Revocations::default(),
            limits,
            admission: Admission::new(std::thread::available_parallelism().map_or(1, usize::from)),
            listeners: Listeners::default(),
            pages: Pages::default(),
            slowest: Slowest::default(),
            fleet,
            tasks: TaskTracker::new(),
            cutoff: CancellationToken::new(),
            leaving: CancellationToken::new(),
        }))
    }

    /// Learns which logins were revoked, says so, and keeps learning until `stop`.
    pub async fn maintain(self, learned: oneshot::Sender<()>, stop: CancellationToken) {
        let mut learned = Some(learned);
        let (mut rounds, mut away): (u32, bool) = (0, false);
        while !stop.is_cancelled() {
            match self.revocations.learn(self.services.user.as_ref()).await {
                Ok(()) => {
                    if let Some(learned) = learned.take() {
                        let _nobody_waits = learned.send(());
                    }
                    if std::mem::take(&mut away) {
                        tracing::info!("revoked logins are known again");
                    }
                }
                // A line an outage, not a line a second.
                Err(error) if !std::mem::replace(&mut away, true) => {
                    tracing::warn!(error = %error.chain(), "revoked logins cannot be asked for");
                }
                Err(_still) => {}
            }
            rounds = rounds.wrapping_add(1);
            if rounds.is_multiple_of(60) {
                self.limits.tidy();
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    /// Ends the streams of events: who listens comes again, elsewhere or later.
    pub fn leave(&self) {
        self.0.leaving.cancel();
    }

    /// Requests that have not ended, and the signal that ends their uploads: for a graceful stop.
    #[must_use]
    pub fn in_flight(&self) -> (TaskTracker, CancellationToken) {
        (self.0.tasks.clone(), self.0.cutoff.clone())
    }
}

impl std::ops::Deref for Gateway {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// 128 bits from the operating system, for what nobody may guess.
fn random_bits() -> domain::Result<u128> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|error| domain::Error::internal(error.to_string()))?;
    Ok(u128::from_ne_bytes(bits))
}
