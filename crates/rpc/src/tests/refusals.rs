//! Who is refused: by certificate, by rule, by deadline, by load.

use std::time::Duration;

use domain::{Call, TraceId};
use proto::{LikeService, RemoteLikeService, Request, Step};
use tls::Identities;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Code;
use tonic::body::Body;

use super::world::{GOOD, World, about, ann};
use crate::{RULES, server, status};

fn empty(path: &str) -> Request {
    let mut request = Request::new(Body::new(http_body_util::Full::from(&[0_u8; 5][..])));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = path.parse().expect("a path");
    request.headers_mut().insert("content-type", "application/grpc".parse().expect("a value"));
    request.headers_mut().insert("te", "trailers".parse().expect("a value"));
    request
}

#[tokio::test]
async fn every_pair_of_caller_and_method_is_as_the_rules_say() {
    // The peer layer alone: every caller × every method of the contracts, and one that has no rule.
    let passed = server::peer_layer(Step::new(|_| async { status::failed(Code::Ok, "") }));
    let callers = ["gateway", "user", "feed", "video", "like", "comment", "follow", "message", "media", "x"];
    let methods = proto::METHODS.iter().map(|method| method.path).chain(["/dytt.v1.LikeService/Burn"]);
    let mut admitted = 0;
    for path in methods {
        for caller in callers {
            let mut request = empty(path);
            request.extensions_mut().insert(tls::Peer { service: caller.to_owned() });
            let code = status::code(&passed.take(request).await);
            let rule = RULES.iter().find(|rule| rule.path == path);
            let may = rule.is_some_and(|rule| rule.callers.contains(&caller));
            assert_eq!(code, if may { Code::Ok } else { Code::PermissionDenied }, "{caller} {path}");
            admitted += usize::from(may);
        }
    }
    assert_eq!(admitted, proto::METHODS.len(), "each method has exactly one caller today");
    assert_eq!(status::code(&passed.take(empty(RULES[0].path)).await), Code::PermissionDenied, "nobody");
}

#[tokio::test]
async fn a_service_with_another_certificate_reaches_no_handler() {
    let world = World::start(1).await;
    let likes = RemoteLikeService(world.clients().step("comment", "like"));
    let error = likes.like_video(&ann(), about(GOOD)).await.expect_err("is not the gateway");
    assert!(error.chain().contains("may not call that"), "{}", error.chain());
    assert_eq!((error.kind(), world.calls()), (domain::Kind::Internal, 0), "a person did nothing wrong");
}

#[tokio::test]
async fn a_server_that_is_not_the_service_called_gets_no_call() {
    let mut world = World::start(0).await;
    let imposter = world.instance("127.0.0.1:0", &["comment"]).await;
    world.instances.push(imposter);
    world.likes().like_video(&ann(), about(GOOD)).await.expect_err("is comment, not like");
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn a_call_without_a_deadline_is_refused() {
    let world = World::start(1).await;
    let identities = Identities::load(world.dir(), &["gateway"]).expect("identities");
    let there = crate::client::Connection::new(identities, "gateway", "like", &world.instances[0].addr);
    let answer = there.send(empty("/dytt.v1.LikeService/LikeVideo")).await;
    assert_eq!(status::code(&answer), Code::InvalidArgument);
    let mut timed = empty("/dytt.v1.LikeService/LikeVideo");
    timed.headers_mut().insert("grpc-timeout", "soon".parse().expect("a value"));
    assert_eq!(status::code(&there.send(timed).await), Code::InvalidArgument);
    let health = there.send(empty("/grpc.health.v1.Health/Check")).await;
    assert_eq!(status::code(&health), Code::Ok, "tools ask without one");
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn plaintext_gets_no_byte_of_an_answer() {
    let world = World::start(1).await;
    let mut stream = tokio::net::TcpStream::connect(&world.instances[0].addr).await.expect("connects");
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("writes");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(8), stream.read_to_end(&mut answer)).await;
    let _closed = read.expect("it is closed in time");
    // A TLS alert may come (record type 21), an HTTP/2 frame may not.
    assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
}

#[tokio::test]
async fn what_there_is_no_room_for_is_refused_at_once_and_not_tried_again() {
    let slow = Step::new(|_| async { std::future::pending().await });
    let shed = server::limited(1, 1, slow);
    // A place is taken when the step is, before anything is polled.
    let first = shed.take(empty("/dytt.v1.LikeService/LikeVideo"));
    let second = shed.take(empty("/dytt.v1.LikeService/UnlikeVideo"));
    let answer = tokio::time::timeout(Duration::from_secs(1), second).await.expect("at once");
    assert_eq!(status::verdict(&answer), status::Verdict::Busy);
    assert!(status::asks_for_no_retry(&answer));
    drop(first);
    let third = shed.take(empty("/dytt.v1.LikeService/LikeVideo"));
    let third = tokio::time::timeout(Duration::from_millis(50), third).await;
    assert!(third.is_err(), "there is room again, and it is at work");
}

#[tokio::test]
async fn a_standard_client_finds_the_contracts_by_reflection() {
    let world = World::start(1).await;
    let mut request = empty("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
    request.extensions_mut().insert(Call::within(Duration::from_secs(4), None, TraceId(1)));
    // list_services (field 7) = "": the names come back in one message.
    let message: &[u8] = &[0, 0, 0, 0, 2, 0x3a, 0];
    *request.body_mut() = Body::new(http_body_util::Full::from(message));
    let answer = world.clients().step("gateway", "like").take(request).await;
    let body = http_body_util::BodyExt::collect(answer.into_body()).await.expect("answers").to_bytes();
    let text = String::from_utf8_lossy(&body);
    assert!(text.contains("dytt.v1.LikeService") && text.contains("dytt.v1.MessageService"), "{text}");
}
