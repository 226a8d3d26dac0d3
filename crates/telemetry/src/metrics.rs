//! Metrics: set up once at start. What is counted is every crate's own.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::Error;
use crate::queue::{DROPPED, Loss};

/// Seconds; a request that is answered from memory and one that waits for a disk are told apart.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// How many at once.
const SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

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

/// Starts counting.
///
/// # Errors
/// [`Error::Metrics`] when it was started before.
pub fn start_metrics() -> Result<Metrics, Error> {
    let builder = PrometheusBuilder::new();
    let builder = builder
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_size".into()), &SIZES)?;
    let metrics = Metrics(builder.install_recorder()?);
    // An alarm on lost spans needs a zero to rise from.
    for loss in [Loss::QueueFull, Loss::NotTaken] {
        metrics::counter!(DROPPED, "reason" => loss.word()).increment(0);
    }
    Ok(metrics)
}
