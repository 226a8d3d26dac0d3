//! The whole platform in this process: started, running, stopped in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use blobs::Blobs;
use gateway::Gateway;
use gateway::admin::{self, Admin};
use media::Media;
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::Settings;
use crate::folder::{DataFolder, Running};
use crate::wiring::{self, Ground, Parts};

/// What runs.
pub(crate) struct Platform {
    pub running: Running,
    folder: DataFolder,
    store: Store,
    gateway: Gateway,
    stopping: Arc<AtomicBool>,
    /// Ends the public port.
    stop: CancellationToken,
    /// Ends everything else.
    stop_rest: CancellationToken,
    public: JoinHandle<std::io::Result<()>>,
    rest: JoinSet<()>,
}

impl Platform {
    /// Starts everything; what this returns is ready.
    pub(crate) async fn start(settings: &Settings, metrics: telemetry::Metrics) -> Result<Self> {
        let folder = DataFolder::take(&settings.data_dir)?;
        let started = SystemTime::now();
        let ground = Ground::open(settings).await?;
        let (store, blobs, media) = (ground.store.clone(), ground.blobs.clone(), ground.media.clone());
        let listener = bind("server.listen", settings.listen).await?;
        let admin_listener = bind("server.admin_listen", settings.admin_listen).await?;
        let running = Running {
            pid: std::process::id(),
            http: listener.local_addr()?,
            admin: admin_listener.local_addr()?,
        };
        let Parts { gateway, transcoder, sweep } =
            wiring::wire(settings, ground, folder.tmp(), running.http)?;
        let (stop, stop_rest) = (CancellationToken::new(), CancellationToken::new());
        let stopping = Arc::new(AtomicBool::new(false));
        let mut rest = JoinSet::new();
        let (learned, knows_revoked) = oneshot::channel();
        rest.spawn(gateway.clone().maintain(learned, stop_rest.clone()));
        rest.spawn(sweep.run(started, stop_rest.clone()));
        rest.spawn(check_media(media));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..(cores / 2).max(1) {
            rest.spawn(transcoder.clone().run(stop_rest.clone()));
        }
        rest.spawn(fold_metrics(metrics.clone(), stop_rest.clone()));
        let admin = Admin {
            check: check(&store, &blobs),
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
        knows_revoked.await.context("learn which logins were revoked")?;
        let (_, cutoff) = gateway.in_flight();
        let router = gateway::router(gateway.clone());
        let public = tokio::spawn(gateway::serve(listener, router, stop.clone(), cutoff, settings.grace));
        folder.announce(&running)?;
        info!(http = %running.http, admin = %running.admin, "ready");
        Ok(Self { running, folder, store, gateway, stopping, stop, stop_rest, public, rest })
    }

    /// Stops in order: no longer ready, no new requests, requests in flight end, then the workers, then
    /// the database.
    pub(crate) async fn stop(mut self) -> Result<()> {
        info!("stopping");
        self.stopping.store(true, Ordering::Relaxed);
        self.stop.cancel();
        self.public.await?.context("the public port")?;
        let (in_flight, _) = self.gateway.in_flight();
        in_flight.close();
        if tokio::time::timeout(Duration::from_secs(1), in_flight.wait()).await.is_err() {
            warn!(requests = in_flight.len(), "requests were still running when the grace was over");
        }
        self.stop_rest.cancel();
        let workers = async { while self.rest.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(3), workers).await.is_err() {
            warn!("a background task did not end in time");
        }
        self.store.close().await;
        drop(self.folder);
        info!("stopped");
        Ok(())
    }
}

async fn bind(key: &str, address: std::net::SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{key}: listen on {address}"))
}

/// What readiness means: the database and the objects answer. The key was read before the port was opened.
fn check(store: &Store, blobs: &Blobs) -> admin::Check {
    let (store, blobs) = (store.clone(), blobs.clone());
    Arc::new(move || {
        let (store, blobs) = (store.clone(), blobs.clone());
        Box::pin(async move {
            let database = store.ping().await.map_err(|error| error.chain());
            let objects = blobs.check().await.map_err(|error| error.to_string());
            vec![("database", database), ("objects", objects)]
        })
    })
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
