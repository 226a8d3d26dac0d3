//! Spans to an OpenTelemetry collector, over gRPC.

use std::collections::BTreeMap;

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use reqwest::Url;

use crate::export::{TIME, chain};
use crate::span::{Kind, Span};

/// The way to a collector.
pub(crate) struct Otlp {
    url: Url,
    exporter: Option<SpanExporter>,
}

impl Otlp {
    pub fn new(url: Url) -> Self {
        Self { url, exporter: None }
    }

    /// Sends spans, those of one service at a time: OpenTelemetry names the service beside the spans.
    pub async fn send(&mut self, spans: &[Span]) -> Result<(), String> {
        let exporter = match &mut self.exporter {
            Some(exporter) => exporter,
            // Made here and not earlier, because it wants a runtime around it.
            none => none.insert(exporter(&self.url)?),
        };
        let mut services: BTreeMap<&str, Vec<SpanData>> = BTreeMap::new();
        for span in spans {
            services.entry(&span.host.service).or_default().push(told(span));
        }
        for (service, spans) in services {
            let resource = Resource::builder_empty().with_service_name(service.to_owned()).build();
            exporter.set_resource(&resource);
            exporter.export(spans).await.map_err(|error| chain(&error))?;
        }
        Ok(())
    }
}

fn exporter(url: &Url) -> Result<SpanExporter, String> {
    let builder = SpanExporter::builder().with_tonic().with_endpoint(url.as_str()).with_timeout(TIME);
    let builder = match url.scheme() {
        "https" => builder.with_tls_config(ClientTlsConfig::new().with_enabled_roots()),
        _plain => builder,
    };
    builder.build().map_err(|error| chain(&error))
}

fn told(span: &Span) -> SpanData {
    let context = span.context;
    let (trace, id) = (TraceId::from(context.trace), SpanId::from(context.span));
    SpanData {
        span_context: SpanContext::new(trace, id, TraceFlags::SAMPLED, false, TraceState::default()),
        parent_span_id: span.parent.map_or(SpanId::INVALID, SpanId::from),
        parent_span_is_remote: false,
        span_kind: match span.kind {
            Kind::Internal => SpanKind::Internal,
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
            Kind::Producer => SpanKind::Producer,
            Kind::Consumer => SpanKind::Consumer,
        },
        name: span.name.clone(),
        start_time: span.started,
        end_time: span.started + span.took,
        attributes: span.tags.iter().map(|(name, text)| KeyValue::new(*name, text.clone())).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: span.failure.as_ref().map_or(Status::Unset, |text| Status::error(text.clone())),
        instrumentation_scope: InstrumentationScope::builder("dytt").build(),
    }
}
