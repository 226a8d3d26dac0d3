//! The three interceptors every call meets, as a table: {unary, stream} × {client, server} × {logging, bearer,
//! recovery}.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{Call, TraceId, UserId};
use futures_util::StreamExt;
use proto::{
    LikeService, MessageService, RemoteLikeService, RemoteMessageService, Request, Step, WatchRequest,
};
use tonic::Code;
use tonic::body::Body;
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;

use super::world::{GOOD, PANICS, SLOW, World, about, ann, number};
use crate::{Side, log, recover, status};

#[tokio::test]
async fn recovery_on_the_server_unary() {
    let world = World::start(1).await;
    let error = world.likes().like_video(&ann(), about(PANICS)).await.expect_err("a panic");
    assert_eq!(error.reason(), "internal");
    assert!(!error.chain().contains("bug"), "a panic's text stays in its process: {}", error.chain());
    world.likes().like_video(&ann(), about(GOOD)).await.expect("the connection and the process go on");
}

#[tokio::test]
async fn recovery_on_the_server_before_the_first_message_and_in_mid_stream() {
    let world = World::start(1).await;
    let messages = world.messages();
    let Err(before) = messages.watch(&ann(), WatchRequest { after: PANICS }).await else {
        panic!("a panic before the first message is the call's error")
    };
    assert_eq!(before.reason(), "internal");
    let mut stream = messages.watch(&ann(), WatchRequest { after: SLOW }).await.expect("listens");
    for id in 1..=3 {
        assert_eq!(number(&stream.next().await.expect("a message").expect("is well")), id);
    }
    assert_eq!(stream.next().await.expect("an end").expect_err("a panic").reason(), "internal");
    let mut next = messages.watch(&ann(), WatchRequest { after: GOOD }).await.expect("listens");
    assert_eq!(number(&next.next().await.expect("a message").expect("is well")), 1);
}

#[tokio::test]
async fn recovery_on_the_client_unary_and_stream() {
    let broken = recover::layer(Step::new(|_| async { panic!("a layer's bug") }));
    let likes = RemoteLikeService(broken.clone());
    assert_eq!(
        likes.like_video(&ann(), about(GOOD)).await.expect_err("a panic").kind(),
        domain::Kind::Internal
    );
    let messages = RemoteMessageService(broken);
    assert!(messages.watch(&ann(), WatchRequest { after: 0 }).await.is_err());
    // A body that panics after its first frame.
    let world = World::start(1).await;
    let inner = world.clients().step("gateway", "message");
    let breaking = recover::layer(Step::new(move |request| {
        let inner = inner.clone();
        async move {
            let response = inner.take(request).await;
            crate::body::until(response, async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                panic!("while the stream is read")
            })
        }
    }));
    let hanging = WatchRequest { after: super::world::HANGS };
    let mut stream = RemoteMessageService(breaking).watch(&ann(), hanging).await.expect("listens");
    let mut ends = Vec::new();
    while let Some(message) = stream.next().await {
        ends.push(message.map(|message| number(&message)).map_err(|error| error.kind()));
    }
    assert_eq!(ends.last(), Some(&Err(domain::Kind::Internal)), "{ends:?}");
}

#[tokio::test]
async fn bearer_on_the_client_is_minted_for_unary_and_stream_where_there_is_a_key() {
    let world = World::start(0).await;
    let seen: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let notes = Arc::clone(&seen);
    let end = Step::new(move |request: Request| {
        let bearer = request.headers().get("authorization").map(|value| {
            assert!(value.is_sensitive(), "it is never printed");
            value.to_str().expect("is text").to_owned()
        });
        notes.lock().expect("no panic").push(bearer);
        async { status::failed(Code::Unavailable, "the end") }
    });
    let with = crate::client::credentials("like", world.keys(), end.clone());
    let _refused = RemoteLikeService(with.clone()).like_video(&ann(), about(GOOD)).await;
    let _refused =
        RemoteMessageService(with.clone()).watch(&ann(), WatchRequest { after: 0 }).await.map(drop);
    let nobody = Call { viewer: None, ..ann() };
    let _refused = RemoteLikeService(with).like_video(&nobody, about(GOOD)).await;
    let seen = seen.lock().expect("no panic");
    let key = world.keys().for_service("like").expect("a key");
    for bearer in &seen[..2] {
        let token = bearer.as_deref().and_then(|text| text.strip_prefix("Bearer ")).expect("a bearer");
        assert_eq!(crate::assertion::check(&key, "like", token), UserId::parse(41).ok());
    }
    assert_eq!(seen[2], None, "nobody needs no bearer");
}

#[tokio::test]
async fn bearer_on_the_server_refuses_what_the_gateway_did_not_mint_unary_and_stream() {
    let world = World::start(1).await;
    for bearer in ["Bearer nonsense", "Basic YTpi", "Bearer eyJhbGciOiJub25lIn0.e30."] {
        let inner = world.clients().step("comment", "like");
        assert_eq!(
            forged(inner, "/grpc.health.v1.Health/Check", bearer).await,
            Code::Ok,
            "health needs none"
        );
        let from_gateway = world.clients().step("gateway", "like");
        let unary = forged(from_gateway, "/dytt.v1.LikeService/LikeVideo", bearer).await;
        let from_gateway = world.clients().step("gateway", "message");
        let stream = forged(from_gateway, "/dytt.v1.MessageService/Watch", bearer).await;
        assert_eq!((unary, stream), (Code::Unauthenticated, Code::Unauthenticated), "{bearer}");
    }
    assert_eq!(world.calls(), 0, "no handler saw any of them");
}

/// The code of an empty message sent with a bearer of the test's own.
async fn forged(step: Step, path: &'static str, bearer: &'static str) -> Code {
    let mut request = Request::new(Body::new(http_body_util::Full::from(&[0_u8; 5][..])));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = path.parse().expect("a path");
    request.headers_mut().insert("content-type", "application/grpc".parse().expect("a value"));
    request.headers_mut().insert("te", "trailers".parse().expect("a value"));
    request.headers_mut().insert("authorization", bearer.parse().expect("a value"));
    request.extensions_mut().insert(Call::within(Duration::from_secs(4), None, TraceId(1)));
    status::code(&step.take(request).await)
}

#[tokio::test]
async fn logging_on_both_sides_unary_and_stream_tells_method_and_code_and_no_secret() {
    for side in [Side::Client, Side::Server] {
        let lines = Lines::default();
        let fails =
            log::layer(side, Step::new(|_| async { status::refused(domain::Error::internal("why")) }));
        let text = lines.of(RemoteLikeService(fails).like_video(&ann(), about(GOOD))).await;
        assert!(text.contains("LikeVideo") && text.contains("Internal"), "{side:?} unary: {text}");
        assert_eq!(text.contains("why"), side == Side::Server, "the error is told where it stops: {text}");
        let world = World::start(1).await;
        let logged = log::layer(side, world.clients().step("gateway", "message"));
        let text = lines.of(async {
            let messages = RemoteMessageService(logged);
            let stream = messages.watch(&ann(), WatchRequest { after: super::world::FAILS }).await;
            stream.expect("listens").collect::<Vec<_>>().await
        });
        let text = text.await;
        assert!(text.contains("Watch") && text.contains("Unavailable"), "{side:?} stream: {text}");
        assert!(!text.contains("Bearer") && !text.contains("eyJ"), "{text}");
    }
}

/// Everything logged while a future runs.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<String>>);

impl Lines {
    async fn of<T>(&self, future: impl Future<Output = T>) -> String {
        self.0.lock().expect("no panic").clear();
        let _answer = future.with_subscriber(self.clone()).await;
        self.0.lock().expect("no panic").clone()
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("rpc")
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::Id {
        tracing::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::Id, _: &tracing::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Told(&mut self.0.lock().expect("no panic")));
    }

    fn enter(&self, _: &tracing::Id) {}

    fn exit(&self, _: &tracing::Id) {}
}

struct Told<'t>(&'t mut String);

impl Visit for Told<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!("{field}={value:?} "));
    }
}
