//! Telemetry as a process sees it, against real and broken receivers.

mod alone;
mod log;
mod off;
mod otlp;
mod outage;
mod zipkin;

use telemetry::{Config, Exporter, Format};

/// Everything to one exporter at `url`.
fn config(exporter: Exporter, url: &str) -> Config {
    Config {
        exporter,
        zipkin_url: url.into(),
        otlp_url: url.into(),
        sample: 1.0,
        log_format: Format::Json,
        log_level: "info".into(),
    }
}

/// Runs a future to its end on a runtime of its own.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// A counter as the metrics show it.
fn counted(metrics: &telemetry::Metrics, line: &str) -> u64 {
    let text = metrics.render();
    let found = text.lines().find_map(|shown| shown.strip_prefix(line)?.trim().parse().ok());
    found.unwrap_or_else(|| panic!("no {line} in {text}"))
}
