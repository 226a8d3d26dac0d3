//! Logs, traces and metrics: set up once at start. What is logged, traced and counted is every crate's own.
//!
//! A span that is there for the trace alone has `target: "trace"` and level info; the log does not show it,
//! and it costs nothing when traces are off. These fields of it mean something, all others become tags:
//!
//! | field | meaning |
//! |---|---|
//! | `otel.name` | the span's name, when it is not a constant |
//! | `otel.kind` | `server`, `client`, `producer`, `consumer`; else internal |
//! | `otel.status_code`, `otel.status_description`, `error` | `error`; what failed, in words |
//! | `service`, `net.host.ip`, `net.host.port` | whose span it is and where that listens; children inherit it |
//! | `peer.service`, `net.peer.ip`, `net.peer.port` | the other side of a call |
//!
//! Events are never part of a trace: their texts are for the log.

mod config;
mod context;
mod export;
mod metrics;
mod otlp;
mod queue;
mod span;
mod zipkin;

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::BuildError;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, Registry, fmt};

pub use config::{Config, Exporter, Format};
pub use context::Context;
pub use metrics::{Metrics, start_metrics};
pub use span::{current, follow, of};

use export::Export;
use queue::Queue;
use span::{Host, Recorder, is_traced};

/// The target of spans that are there for the trace alone.
pub const TARGET: &str = "trace";

/// Why telemetry cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The levels cannot be read.
    #[error("telemetry.log_level `{0}` is not a list of levels such as `info` or `info,gateway=debug`")]
    Level(String),
    /// The share is none.
    #[error("telemetry.sample must be between 0.0 and 1.0, not {0}")]
    Sample(f64),
    /// Spans may not be sent there.
    #[error("{key} must be an `https://` address, or an `http://` one on this machine, not `{text}`")]
    Address {
        /// The key it was given with.
        key: &'static str,
        /// What was given.
        text: String,
    },
    /// A secret stands where anybody sees it.
    #[error("{0} must be an address without a user name or password")]
    Password(&'static str),
    /// The exporter cannot be made.
    #[error("set up the exporter of traces")]
    Exporter(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The exporter's thread cannot be started.
    #[error("start the exporter of traces")]
    Thread(#[from] std::io::Error),
    /// It was set up before.
    #[error("set up logs")]
    Log(#[from] TryInitError),
    /// It was set up before.
    #[error("set up metrics")]
    Metrics(#[from] BuildError),
}

/// The spans on their way out of the process.
#[must_use = "the last spans are lost unless they are flushed"]
pub struct Traces(Option<Arc<Queue>>);

impl Traces {
    /// Sends the last spans, for `within` at most. Spans that end later are lost.
    pub async fn flush(self, within: Duration) {
        let Some(queue) = self.0 else { return };
        if tokio::time::timeout(within, queue.end()).await.is_err() {
            tracing::warn!("the last spans were not taken in time");
        }
    }
}

/// Starts logs on standard error and, unless the exporter is off, traces. `service` is whose spans this
/// process's are, unless a span says otherwise.
///
/// # Errors
/// [`Error`], before anything was logged.
pub fn start(config: &Config, service: &str) -> Result<Traces, Error> {
    config.check()?;
    let subscriber = tracing_subscriber::registry().with(log(config)?);
    let Some(export) = Export::new(config)? else {
        subscriber.try_init()?;
        return Ok(Traces(None));
    };
    let queue = Arc::<Queue>::default();
    let host = Arc::new(Host { service: service.to_owned(), ip: None, port: None });
    let recorder = Recorder { host, sample: config.sample, queue: Arc::clone(&queue) };
    let ours = filter_fn(is_traced).with_max_level_hint(LevelFilter::INFO);
    subscriber.with(recorder.with_filter(ours)).try_init()?;
    // A thread of its own: requests and spans do not wait for each other's turn.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let emptied = Arc::clone(&queue).empty(export);
    std::thread::Builder::new().name("spans".into()).spawn(move || runtime.block_on(emptied))?;
    Ok(Traces(Some(queue)))
}

fn log(config: &Config) -> Result<impl Layer<Registry>, Error> {
    let logged = filter_fn(|metadata| metadata.target() != TARGET).with_max_level_hint(LevelFilter::TRACE);
    let layer = fmt::layer().with_writer(std::io::stderr);
    let layer = match config.log_format {
        Format::Pretty => layer.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed(),
        Format::Json => layer.json().flatten_event(true).boxed(),
    };
    Ok(layer.with_filter(config.levels()?.and(logged)))
}
