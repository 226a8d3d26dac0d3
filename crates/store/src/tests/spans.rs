//! The span of each statement: its name, its kind, and that it belongs to whoever asked.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Instrument, Metadata, Subscriber, info_span};
use tracing_core::span::Current;

use super::fixture::{NOW, On, World, no_user, on_both};

type Fields = HashMap<&'static str, String>;
/// A span's parent and its fields.
type Kept = (Option<u64>, Fields);

/// Keeps every span with the one it was made in.
#[derive(Clone, Default)]
struct Recorder {
    spans: Arc<Mutex<HashMap<u64, Kept>>>,
    known: Arc<Mutex<HashMap<u64, &'static Metadata<'static>>>>,
    made: Arc<AtomicU64>,
}

thread_local! {
    static INSIDE: RefCell<Vec<(u64, &'static Metadata<'static>)>> = const { RefCell::new(Vec::new()) };
}

struct Reader<'f>(&'f mut Fields);

impl Visit for Reader<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let mut fields = Fields::from([("target", span.metadata().target().to_owned())]);
        fields.insert("name", span.metadata().name().to_owned());
        span.record(&mut Reader(&mut fields));
        let parent = INSIDE.with_borrow(|inside| inside.last().map(|inside| inside.0));
        self.spans.lock().expect("the spans").insert(id, (parent, fields));
        self.known.lock().expect("the kinds").insert(id, span.metadata());
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut spans = self.spans.lock().expect("the spans");
        values.record(&mut Reader(&mut spans.get_mut(&span.into_u64()).expect("a span").1));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, span: &Id) {
        let metadata = self.known.lock().expect("the kinds")[&span.into_u64()];
        INSIDE.with_borrow_mut(|inside| inside.push((span.into_u64(), metadata)));
    }

    fn current_span(&self) -> Current {
        let inside = INSIDE.with_borrow(|inside| inside.last().copied());
        inside.map_or_else(Current::none, |(id, metadata)| Current::new(Id::from_u64(id), metadata))
    }

    fn exit(&self, _: &Id) {
        INSIDE.with_borrow_mut(Vec::pop);
    }
}

impl Recorder {
    /// The one of this process: statements run on threads of their own.
    fn global() -> &'static Self {
        static RECORDER: OnceLock<Recorder> = OnceLock::new();
        RECORDER.get_or_init(|| {
            let recorder = Self::default();
            tracing::subscriber::set_global_default(recorder.clone()).expect("no other subscriber");
            recorder
        })
    }

    /// The fields of every statement sent inside the span of this asker, oldest first.
    fn statements(&self, asker: &str) -> Vec<Fields> {
        let spans = self.spans.lock().expect("the spans");
        let (root, _) = spans
            .iter()
            .find(|(_, (_, fields))| fields.get("asker").is_some_and(|named| named == asker))
            .expect("the asker");
        let inside = |mut parent: Option<u64>| {
            while let Some(id) = parent.filter(|id| id != root) {
                parent = spans[&id].0;
            }
            parent.is_some()
        };
        let mut found: Vec<_> =
            spans.iter().filter(|(_, (parent, fields))| fields["name"] == "sql" && inside(*parent)).collect();
        found.sort_unstable_by_key(|(id, _)| **id);
        found.into_iter().map(|(_, (_, fields))| fields.clone()).collect()
    }
}

async fn each_statement_has_a_span_of_its_own_inside_its_askers(on: On) {
    let world = World::new(on).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let video = world.video(author).await;
    let recorder = Recorder::global();
    let asker = |what| format!("{what} {on:?}");
    let span = |what| info_span!("asks", asker = asker(what));
    world.store.like_video(fan, video, NOW).instrument(span("writes")).await.expect("like");
    world.store.user_card(fan, None).instrument(span("reads")).await.expect("a card");
    let failed = world.store.like_video(no_user(), video, NOW).instrument(span("fails")).await;
    failed.expect_err("nobody likes");
    let names = |what| {
        let named = |fields: Fields| fields["otel.name"].clone();
        recorder.statements(&asker(what)).into_iter().map(named).collect::<Vec<_>>()
    };
    let sqlite = vec![
        "SELECT video_stat",
        "INSERT video_like",
        "UPDATE video_stat",
        "UPDATE user_stat",
        "INSERT notification",
    ];
    let mut mysql = sqlite.clone();
    mysql.insert(0, "START");
    mysql.push("COMMIT");
    assert_eq!(names("writes"), world.pick(sqlite, mysql));
    assert_eq!(names("reads"), ["SELECT user"]);
    let system = world.pick("sqlite", "mysql");
    for fields in recorder.statements(&asker("writes")) {
        for (name, value) in
            [("target", "trace"), ("otel.kind", "client"), ("db.system", system), ("peer.service", system)]
        {
            assert_eq!(fields[name], value, "{fields:?}");
        }
        assert!(fields["db.statement"].starts_with(&fields["otel.name"][..5]), "{fields:?}");
        assert!(!fields.contains_key("otel.status_code"), "{fields:?}");
    }
    let failed: Vec<_> = recorder.statements(&asker("fails"));
    let marked: Vec<_> = failed.iter().filter(|fields| fields.contains_key("otel.status_code")).collect();
    assert_eq!(marked.len(), 1, "{failed:?}");
    assert_eq!(
        (marked[0]["otel.name"].as_str(), marked[0]["otel.status_code"].as_str()),
        ("INSERT video_like", "ERROR")
    );
}

on_both!(each_statement_has_a_span_of_its_own_inside_its_askers);
