//! Where spans go: the log, Zipkin or an OpenTelemetry collector.

use std::io::Write;
use std::time::Duration;

use crate::otlp::Otlp;
use crate::span::Span;
use crate::zipkin::{self, Zipkin};
use crate::{Config, Error, Exporter};

/// How long the other side may take for one batch.
pub(crate) const TIME: Duration = Duration::from_secs(2);

/// Where spans go.
pub(crate) enum Export {
    Log,
    Zipkin(Zipkin),
    Otlp(Box<Otlp>),
}

impl Export {
    /// Makes ready what the configuration names, or nothing when it is off. Connects to nobody yet.
    pub fn new(config: &Config) -> Result<Option<Self>, Error> {
        Ok(match config.exporter {
            Exporter::Off => None,
            Exporter::Log => Some(Self::Log),
            Exporter::Zipkin => Some(Self::Zipkin(Zipkin::new(config.zipkin()?)?)),
            Exporter::Otlp => Some(Self::Otlp(Box::new(Otlp::new(config.otlp()?)))),
        })
    }

    /// Sends ended spans; takes [`TIME`] at most and says in words why they were not taken.
    pub async fn send(&mut self, spans: &[Span]) -> Result<(), String> {
        let sent = async {
            match self {
                Self::Log => log(spans),
                Self::Zipkin(zipkin) => zipkin.send(spans).await,
                Self::Otlp(otlp) => otlp.send(spans).await,
            }
        };
        let late = |_elapsed| Err(format!("no answer within {} s", TIME.as_secs()));
        tokio::time::timeout(TIME, sent).await.unwrap_or_else(late)
    }
}

/// One JSON span a line, each batch in one piece.
fn log(spans: &[Span]) -> Result<(), String> {
    let mut lines = Vec::new();
    for span in spans {
        serde_json::to_writer(&mut lines, &zipkin::shown(span)).map_err(|error| error.to_string())?;
        lines.push(b'\n');
    }
    std::io::stderr().lock().write_all(&lines).map_err(|error| error.to_string())
}

/// An error and what caused it, as one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
