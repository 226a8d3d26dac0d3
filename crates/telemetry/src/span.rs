//! Spans as they are recorded: from `tracing`'s spans of target `trace`, parents and services inherited.
//! Where ended spans go is the queue's.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Metadata, Subscriber};
use tracing_subscriber::layer::{self, Layer};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::Context;
use crate::queue::Queue;

/// Longest text of a name or a tag, in bytes; the rest is cut.
const MAX_TEXT_BYTES: usize = 512;

/// One side of a call: whose it is and where it listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Host {
    pub service: String,
    pub ip: Option<IpAddr>,
    pub port: Option<u16>,
}

/// What a span is to its neighbour in another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

/// A span; it has not ended while `took` is zero.
#[derive(Debug)]
pub(crate) struct Span {
    pub context: Context,
    pub parent: Option<u64>,
    pub host: Arc<Host>,
    pub name: Cow<'static, str>,
    pub kind: Kind,
    pub started: SystemTime,
    began: Instant,
    pub took: Duration,
    /// What failed, in words or none.
    pub failure: Option<String>,
    pub tags: Vec<(&'static str, String)>,
}

/// Whether a span of `tracing` is one of ours: target `trace`, level info.
pub(crate) fn is_traced(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == crate::TARGET && *metadata.level() <= tracing::Level::INFO
}

/// Where the current span of `tracing`, or what it is part of, stands in its trace; nothing when it is not
/// traced. A span that was not sampled is part of a trace all the same.
#[must_use]
pub fn current() -> Option<Context> {
    of(&tracing::Span::current())
}

/// Where a span of `tracing`, or what it is part of, stands in its trace.
#[must_use]
pub fn of(span: &tracing::Span) -> Option<Context> {
    span.with_subscriber(|(id, dispatch)| {
        let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
        // The log's spans stand between ours.
        span.scope().find_map(|span| Some(span.extensions().get::<Span>()?.context))
    })?
}

/// Makes a traced span the child of one in another process. To be called before it has children of its own:
/// those would stay in the trace it was begun in.
pub fn follow(span: &tracing::Span, parent: Context) {
    let adopt = |(id, dispatch): (&Id, &Dispatch)| {
        let span = dispatch.downcast_ref::<Registry>()?.span(id)?;
        let mut extensions = span.extensions_mut();
        let own = extensions.get_mut::<Span>()?;
        own.context = Context { span: own.context.span, ..parent };
        own.parent = Some(parent.span);
        Some(())
    };
    let _untraced = span.with_subscriber(adopt);
}

/// Records spans and hands those that ended to the queue.
pub(crate) struct Recorder {
    /// Whose spans these are unless they say.
    pub host: Arc<Host>,
    /// The share of traces begun here that are recorded.
    pub sample: f64,
    pub queue: Arc<Queue>,
}

impl Recorder {
    fn begin(&self, name: &'static str, parent: Option<(Context, Arc<Host>)>) -> Span {
        let span = fastrand::u64(1..);
        let (context, above, host) = match parent {
            Some((parent, host)) => (Context { span, ..parent }, Some(parent.span), host),
            None => {
                let sampled = fastrand::f64() < self.sample;
                (Context { trace: fastrand::u128(1..), span, sampled }, None, Arc::clone(&self.host))
            }
        };
        Span {
            context,
            parent: above,
            host,
            name: name.into(),
            kind: Kind::Internal,
            started: SystemTime::now(),
            began: Instant::now(),
            took: Duration::ZERO,
            failure: None,
            tags: Vec::new(),
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, spans: layer::Context<'_, S>) {
        let Some(entry) = spans.span(id) else { return };
        // The nearest of ours, over the log's spans between and wherever they are entered: a span that was
        // given to a task of its own still knows its parent.
        let parent = entry.parent().and_then(|parent| {
            parent.extensions().get::<Span>().map(|span| (span.context, Arc::clone(&span.host)))
        });
        let mut span = self.begin(attributes.metadata().name(), parent);
        if span.is_worth_filling() {
            let inherited = Arc::clone(&span.host);
            if attributes.metadata().fields().field("service").is_some() {
                // Another service's address is not this one's.
                span.host = Arc::new(Host { service: inherited.service.clone(), ip: None, port: None });
            }
            attributes.record(&mut span);
            let host = &span.host;
            if host.service == inherited.service && host.ip.is_none() && host.port.is_none() {
                span.host = inherited;
            }
        }
        entry.extensions_mut().insert(span);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, spans: layer::Context<'_, S>) {
        let Some(entry) = spans.span(id) else { return };
        if let Some(span) = entry.extensions_mut().get_mut::<Span>().filter(|span| span.is_worth_filling()) {
            values.record(span);
        }
    }

    fn on_close(&self, id: Id, spans: layer::Context<'_, S>) {
        let Some(entry) = spans.span(&id) else { return };
        let ended = entry.extensions_mut().remove::<Span>();
        if let Some(mut span) = ended.filter(|span| span.context.sampled) {
            span.took = span.began.elapsed();
            self.queue.push(span);
        }
    }
}

impl Span {
    /// A trace's first span may yet be told to follow a recorded one.
    fn is_worth_filling(&self) -> bool {
        self.context.sampled || self.parent.is_none()
    }

    /// The tag of this name.
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags.iter().find(|(tag, _)| *tag == name).map(|(_, text)| text.as_str())
    }

    fn set(&mut self, name: &'static str, text: &str) {
        match name {
            "otel.name" => self.name = cut(text).to_owned().into(),
            "otel.kind" => self.kind = kind(text),
            "otel.status_code" if text.eq_ignore_ascii_case("error") => {
                self.failure.get_or_insert_default();
            }
            "otel.status_code" => self.failure = None,
            "otel.status_description" | "error" => self.failure = Some(cut(text).to_owned()),
            "service" => Arc::make_mut(&mut self.host).service = cut(text).to_owned(),
            "net.host.ip" => Arc::make_mut(&mut self.host).ip = text.parse().ok(),
            "net.host.port" => Arc::make_mut(&mut self.host).port = text.parse().ok(),
            name => {
                self.tags.retain(|(known, _)| *known != name);
                self.tags.push((name, cut(text).to_owned()));
            }
        }
    }
}

impl Visit for Span {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.set(field.name(), &format!("{value:?}"));
    }
}

fn kind(text: &str) -> Kind {
    match text.to_ascii_lowercase().as_str() {
        "server" => Kind::Server,
        "client" => Kind::Client,
        "producer" => Kind::Producer,
        "consumer" => Kind::Consumer,
        _internal => Kind::Internal,
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}

#[cfg(test)]
mod tests;
