//! Logs and metrics: set up once at start. What is logged and counted is every crate's own.

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Seconds; a request that is answered from memory and one that waits for a disk are told apart.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// How many at once.
const SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// What is told and how.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where traces go.
    pub exporter: Exporter,
    /// Zipkin's address, such as `http://127.0.0.1:9411`.
    pub zipkin_url: String,
    /// The OpenTelemetry collector's gRPC address, such as `http://127.0.0.1:4317`.
    pub otlp_url: String,
    /// The share of requests that are traced, 0.0 to 1.0.
    pub sample: f64,
    /// `pretty` for people, `json` for machines.
    pub log_format: Format,
    /// Levels as `tracing` reads them: `info`, or `info,gateway=debug`.
    pub log_level: String,
}

/// Where traces go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Exporter {
    /// Nowhere; nothing is traced.
    Off,
    /// One JSON span a line, among the logs.
    Log,
    /// To Zipkin, as its version 2 JSON.
    Zipkin,
    /// To an OpenTelemetry collector.
    Otlp,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One readable line.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Why telemetry cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The levels cannot be read.
    #[error("telemetry.log_level `{0}` is not a list of levels such as `info` or `info,gateway=debug`")]
    Level(String),
    /// It was set up before.
    #[error("set up logs")]
    Log(#[from] TryInitError),
    /// It was set up before.
    #[error("set up metrics")]
    Metrics(#[from] BuildError),
}

/// Renders the metrics.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// All metrics in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds the samples gathered since the last time: to be called every few seconds, whether anybody
    /// reads the metrics or not.
    pub fn fold(&self) {
        self.0.run_upkeep();
    }
}

/// Starts logging to standard error.
///
/// # Errors
/// [`Error`], before anything was logged.
pub fn start_logs(config: &Config) -> Result<(), Error> {
    let level = || Error::Level(config.log_level.clone());
    let filter = EnvFilter::try_new(&config.log_level).map_err(|_unreadable| level())?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        Format::Pretty => {
            logs.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).finish().try_init()?
        }
        Format::Json => logs.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

/// Starts counting.
///
/// # Errors
/// [`Error::Metrics`] when it was started before.
pub fn start_metrics() -> Result<Metrics, Error> {
    let builder = PrometheusBuilder::new();
    let builder = builder
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_size".into()), &SIZES)?;
    Ok(Metrics(builder.install_recorder()?))
}
