//! This process's part of the platform, or all of it: started, running, stopped in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use blobs::Blobs;
use futures_util::future::BoxFuture;
use gateway::Gateway;
use gateway::admin::{self, Admin};
use media::Media;
use rpc::{Clients, Server, Serving};
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::Settings;
use crate::folder::{DataFolder, Running};
use crate::wiring::{self, Ground, Parts, Workers};

/// What runs.
pub(crate) struct Platform {
    pub running: Running,
    folder: DataFolder,
    store: Option<Store>,
    blobs: Option<Blobs>,
    stopping: Arc<AtomicBool>,
    edge: Option<Edge>,
    serving: Option<Serving>,
    /// Ends everything but the ports that people and services use.
    stop_rest: CancellationToken,
    rest: JoinSet<()>,
    grace: Duration,
    /// Whether somebody sends calls or requests elsewhere when told to.
    is_one_of_many: bool,
}

/// The public port.
struct Edge {
    gateway: Gateway,
    stop: CancellationToken,
    public: JoinHandle<std::io::Result<()>>,
}

/// What readiness depends on.
#[derive(Clone)]
struct Dependencies {
    store: Option<Store>,
    blobs: Option<Blobs>,
    /// Among others: the ways to them, and which of them are called from here.
    called: Option<(Clients, Vec<&'static str>)>,
    started: Arc<AtomicBool>,
}

impl Platform {
    /// Starts everything; what this returns is ready.
    pub(crate) async fn start(settings: &Settings, metrics: telemetry::Metrics) -> Result<Self> {
        let folder = DataFolder::take(&settings.data_dir)?;
        let started = SystemTime::now();
        let (roles, whole) = (&settings.roles, settings.roles.is_whole());
        let stop_rest = CancellationToken::new();
        let ground = Ground::open(settings, &stop_rest).await?;
        let listener =
            if roles.runs("gateway") { Some(bind("server.listen", settings.listen).await?) } else { None };
        let admin_listener = bind("server.admin_listen", settings.admin_listen).await?;
        let is_called = !whole && roles.nouns() != ["gateway"];
        let server = if is_called { Some(Server::bind(&settings.rpc).await?) } else { None };
        let running = Running {
            pid: std::process::id(),
            http: listener.as_ref().map(TcpListener::local_addr).transpose()?,
            rpc: server.as_ref().map(Server::address),
            admin: admin_listener.local_addr()?,
        };
        let mesh = ground.mesh.clone();
        let (store, blobs, media) = (ground.store.clone(), ground.blobs.clone(), ground.media.clone());
        let dependencies = Dependencies {
            store: store.clone(),
            blobs: blobs.clone(),
            called: mesh.as_ref().map(|mesh| (mesh.clients.clone(), roles.called())),
            started: Arc::default(),
        };
        let Parts { gateway, hosted, workers } = wiring::wire(settings, ground, folder.tmp(), running.http)?;
        let stopping = Arc::new(AtomicBool::new(false));
        let mut rest = JoinSet::new();
        let learned = gateway.clone().map(|gateway| {
            let (learned, knows_revoked) = oneshot::channel();
            rest.spawn(gateway.maintain(learned, stop_rest.clone()));
            knows_revoked
        });
        if let Some(Workers { transcoder, settler, caller, sweep }) = workers {
            // Alone, whatever is older than this process belongs to nobody; among others it may be theirs.
            let alone = whole && !sweep.blobs.is_shared();
            let before = if alone { started } else { started - sweep.orphan_ttl };
            rest.spawn(sweep.run(before, stop_rest.clone()));
            rest.spawn(settler.run(stop_rest.clone()));
            rest.spawn(caller.run(stop_rest.clone()));
            rest.spawn(transcoder.clone().count(stop_rest.clone()));
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            for _ in 0..(cores / 2).max(1) {
                rest.spawn(transcoder.clone().run(stop_rest.clone()));
            }
        }
        if let Some(media) = media {
            rest.spawn(check_media(media));
        }
        if let Some(mesh) = &mesh {
            rest.spawn(mesh.identities.clone().keep_fresh(stop_rest.clone()));
        }
        rest.spawn(fold_metrics(metrics.clone(), stop_rest.clone()));
        let admin = Admin {
            check: dependencies.clone().check(),
            metrics: Arc::new(move || metrics.render()),
            stopping: Arc::clone(&stopping),
        };
        let admin_stop = stop_rest.clone();
        rest.spawn(async move {
            let none = CancellationToken::new();
            let served =
                gateway::serve(admin_listener, admin::router(admin), admin_stop, none, Duration::ZERO);
            if let Err(error) = served.await {
                warn!(%error, "the admin port ended");
            }
        });
        let serving = match (server, &mesh) {
            (Some(server), Some(mesh)) => Some(mesh.serve(settings, server, hosted).await?),
            (_, _) => None,
        };
        folder.announce(&running)?;
        if let Some(learned) = learned {
            learned.await.context("learn which logins were revoked")?;
        }
        let edge = gateway.zip(listener).map(|(gateway, listener)| Edge::open(gateway, listener, settings));
        dependencies.started.store(true, Ordering::Relaxed);
        let services = roles.nouns().join(",");
        info!(services, http = ?running.http, rpc = ?running.rpc, admin = %running.admin, "ready");
        let grace = settings.grace;
        let is_one_of_many = !whole;
        Ok(Self {
            running,
            folder,
            store,
            blobs,
            stopping,
            edge,
            serving,
            stop_rest,
            rest,
            grace,
            is_one_of_many,
        })
    }

    /// Stops in order: callers are sent elsewhere, no longer ready, no new requests, those in flight end,
    /// then the workers, then the database.
    pub(crate) async fn stop(mut self) -> Result<()> {
        info!("stopping");
        let until = Instant::now() + self.grace;
        if let Some(serving) = &mut self.serving {
            // A registry that does not answer forgets us by itself.
            let _forgets = tokio::time::timeout(Duration::from_secs(2), serving.withdraw()).await;
        }
        self.stopping.store(true, Ordering::Relaxed);
        if self.is_one_of_many {
            tokio::time::sleep(rpc::PROPAGATION).await;
        }
        let calls = async {
            if let Some(serving) = self.serving {
                serving.stop(until.saturating_duration_since(Instant::now())).await;
            }
        };
        let requests = async {
            match self.edge {
                Some(edge) => edge.stop().await,
                None => Ok(()),
            }
        };
        let ((), stopped) = tokio::join!(calls, requests);
        stopped?;
        self.stop_rest.cancel();
        let workers = async { while self.rest.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(3), workers).await.is_err() {
            warn!("a background task did not end in time");
        }
        if let Some(blobs) = self.blobs {
            // What cut uploads had sent is taken back, as far as there is time; a sweep does the rest.
            let _sweep_does = tokio::time::timeout(Duration::from_secs(2), blobs.settle()).await;
        }
        if let Some(store) = self.store {
            store.close().await;
        }
        drop(self.folder);
        info!("stopped");
        Ok(())
    }
}

impl Edge {
    fn open(gateway: Gateway, listener: TcpListener, settings: &Settings) -> Self {
        let stop = CancellationToken::new();
        let (_, cutoff) = gateway.in_flight();
        let router = gateway::router(gateway.clone());
        let public = tokio::spawn(gateway::serve(listener, router, stop.clone(), cutoff, settings.grace));
        Self { gateway, stop, public }
    }

    async fn stop(self) -> Result<()> {
        self.gateway.leave();
        self.stop.cancel();
        self.public.await?.context("the public port")?;
        let (in_flight, _) = self.gateway.in_flight();
        in_flight.close();
        if tokio::time::timeout(Duration::from_secs(1), in_flight.wait()).await.is_err() {
            warn!(requests = in_flight.len(), "requests were still running when the grace was over");
        }
        Ok(())
    }
}

impl Dependencies {
    /// What readiness means: what this process stands on answers, and who it calls is known. Keys and
    /// certificates were read before a port was opened.
    fn check(self) -> admin::Check {
        Arc::new(move || -> BoxFuture<'static, Vec<(&'static str, Result<(), String>)>> {
            let this = self.clone();
            Box::pin(async move { this.look().await })
        })
    }

    async fn look(self) -> Vec<(&'static str, Result<(), String>)> {
        let mut found = Vec::new();
        if let Some(store) = self.store {
            found.push(("database", store.ping().await.map_err(|error| error.chain())));
        }
        if let Some(blobs) = self.blobs {
            found.push(("objects", blobs.check().await.map_err(|error| error.to_string())));
        }
        if let Some((clients, called)) = self.called {
            let unknown: Vec<&str> = called.into_iter().filter(|noun| !clients.knows(noun)).collect();
            let problem = format!("no instance is known of {}", unknown.join(", "));
            found.push(("services", if unknown.is_empty() { Ok(()) } else { Err(problem) }));
        }
        let started = self.started.load(Ordering::Relaxed);
        found.push(("started", if started { Ok(()) } else { Err("not yet".to_owned()) }));
        found
    }
}

async fn bind(key: &str, address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{key}: listen on {address}"))
}

async fn fold_metrics(metrics: telemetry::Metrics, stop: CancellationToken) {
    while !stop.is_cancelled() {
        metrics.fold();
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_secs(5)) => {}
        }
    }
}

/// A platform without ffmpeg shows everything and takes nothing: worth a line at start.
async fn check_media(media: Media) {
    match media.check().await {
        Ok(version) => info!(ffmpeg = %version, "media tools found"),
        Err(error) => warn!(%error, "videos cannot be published"),
    }
}
