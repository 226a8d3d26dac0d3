//! What is told of this process and where to; refuses what cannot work and what would tell a stranger.

use std::net::IpAddr;

use reqwest::Url;
use tracing_subscriber::EnvFilter;

use crate::Error;

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
    /// The share of requests that are traced, 0.0 to 1.0. A caller's own decision goes before it.
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

impl Config {
    /// Whether this can be started; says in one line what cannot. An address that is not used is not read.
    ///
    /// # Errors
    /// [`Error::Level`], [`Error::Sample`], [`Error::Address`].
    pub fn check(&self) -> Result<(), Error> {
        self.levels()?;
        if !(0.0..=1.0).contains(&self.sample) {
            return Err(Error::Sample(self.sample));
        }
        match self.exporter {
            Exporter::Off | Exporter::Log => Ok(()),
            Exporter::Zipkin => self.zipkin().map(drop),
            Exporter::Otlp => self.otlp().map(drop),
        }
    }

    pub(crate) fn levels(&self) -> Result<EnvFilter, Error> {
        EnvFilter::try_new(&self.log_level).map_err(|_unreadable| Error::Level(self.log_level.clone()))
    }

    pub(crate) fn zipkin(&self) -> Result<Url, Error> {
        address("telemetry.zipkin_url", &self.zipkin_url)
    }

    pub(crate) fn otlp(&self) -> Result<Url, Error> {
        address("telemetry.otlp_url", &self.otlp_url)
    }
}

/// Spans tell who asked for what, so they cross a network only encrypted.
fn address(key: &'static str, text: &str) -> Result<Url, Error> {
    let wrong = || Error::Address { key, text: text.into() };
    let url = Url::parse(text).map_err(|_unreadable| wrong())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::Password(key));
    }
    let safe = url.scheme() == "https" || (url.scheme() == "http" && url.host_str().is_some_and(is_loopback));
    if !safe || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong());
    }
    Ok(url)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        Config {
            exporter: Exporter::Zipkin,
            zipkin_url: "http://127.0.0.1:9411".into(),
            otlp_url: "http://127.0.0.1:4317".into(),
            sample: 1.0,
            log_format: Format::Json,
            log_level: "info".into(),
        }
    }

    #[test]
    fn spans_go_to_this_machine_or_encrypted() {
        for (url, good) in [
            ("http://127.0.0.1:9411", true),
            ("http://localhost:9411/", true),
            ("http://[::1]:9411/zipkin", true),
            ("https://zipkin.example.org", true),
            ("http://zipkin.example.org", false),
            ("http://10.0.0.1:9411", false),
            ("http://localhost.example.org:9411", false),
            ("ftp://127.0.0.1", false),
            ("https://operator:canary@zipkin.example.org", false),
            ("https://zipkin.example.org/?key=1", false),
            ("zipkin:9411", false),
            ("", false),
        ] {
            for exporter in [Exporter::Zipkin, Exporter::Otlp] {
                let checked =
                    Config { exporter, zipkin_url: url.into(), otlp_url: url.into(), ..config() }.check();
                assert_eq!(checked.is_ok(), good, "{url}: {checked:?}");
                let text = checked.err().map(|error| error.to_string()).unwrap_or_default();
                assert!(!text.contains('\n') && !text.contains("canary"), "{text}");
                assert!(good || text.contains("telemetry."), "{text}");
            }
        }
    }

    #[test]
    fn an_address_that_is_not_used_is_not_read() {
        let config = Config { zipkin_url: "nowhere".into(), exporter: Exporter::Off, ..config() };
        assert!(config.check().is_ok());
    }

    #[test]
    fn a_share_is_between_nothing_and_everything() {
        for (sample, good) in [(0.0, true), (0.5, true), (1.0, true), (1.1, false), (-0.1, false)] {
            assert_eq!(Config { sample, ..config() }.check().is_ok(), good, "{sample}");
        }
        assert!(Config { sample: f64::NAN, ..config() }.check().is_err());
    }

    #[test]
    fn levels_are_read_before_anything_starts() {
        let error = Config { log_level: "gateway=loud".into(), ..config() }.check().expect_err("no level");
        assert!(error.to_string().contains("telemetry.log_level"), "{error}");
    }
}
