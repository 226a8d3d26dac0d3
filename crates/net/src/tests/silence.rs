//! Peers that say nothing, or not enough, between requests.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::world::{HEAD, IDLE, LONG, REST, World, answer, get, get2, limits, rest, within};
use crate::Limits;

#[tokio::test]
async fn who_does_not_finish_a_first_request_is_sent_away() {
    let world = World::with(limits()).await;
    let begun = ["", "G", "GET / HTTP/1.1\r\nHost: a\r\nX-", "PRI * HTTP/2.0\r\n\r\nSM"];
    for begun in begun {
        let mut peer = world.peer_with(begun).await;
        let (said, took) = rest(&mut peer).await;
        assert_eq!(said, "", "{begun:?}");
        // The peer's clock starts a little before or after the port's.
        assert!(took > HEAD / 2 && took < IDLE * 4, "{begun:?}: {took:?}");
    }
    world.until_open(0).await;
}

#[tokio::test]
async fn who_drips_a_head_is_sent_away_whether_it_is_the_first_or_not() {
    let world = World::with(limits()).await;
    for before in [0, 2] {
        let mut peer = world.peer().await;
        for _ in 0..before {
            peer.write_all(get("/").as_bytes()).await.expect("is taken");
            answer(&mut peer).await;
        }
        peer.write_all(b"GET / HTTP/1.1\r\nX-Long: ").await.expect("is taken");
        let dripped = async {
            while peer.write_all(b"x").await.is_ok() {
                tokio::time::sleep(HEAD / 20).await;
            }
        };
        within("the drip ends", dripped).await;
    }
    world.until_open(0).await;
}

#[tokio::test]
async fn a_connection_may_rest_longer_than_a_head_takes_but_not_for_ever() {
    let world = World::with(limits()).await;
    let mut peer = world.peer().await;
    for _ in 0..3 {
        peer.write_all(get("/").as_bytes()).await.expect("is taken");
        answer(&mut peer).await;
        tokio::time::sleep(HEAD + HEAD / 2).await;
    }
    let (said, took) = rest(&mut peer).await;
    assert!(said.is_empty() && took < IDLE, "{said:?} {took:?}");
    world.until_open(0).await;
}

#[tokio::test]
async fn what_came_before_a_rest_is_not_lost_by_it() {
    let world = World::with(Limits { head: REST * 20, ..limits() }).await;
    let next = get("/");
    let (begun, end) = next.split_at(9);
    let mut peer = world.peer_with(get("/") + begun).await;
    answer(&mut peer).await;
    tokio::time::sleep(REST * 3).await;
    peer.write_all(end.as_bytes()).await.expect("is taken");
    answer(&mut peer).await;
    tokio::time::sleep(REST * 3).await;
    let ending = world.ending.clone();
    assert_eq!(ending.drain(LONG).await, 0);
    assert_eq!(rest(&mut peer).await.0, "");
}

#[tokio::test]
async fn a_resting_http2_connection_is_told_to_end() {
    let world = World::with(limits()).await;
    let (send, connection) = world.peer2(65_535).await;
    let mut send = send.ready().await.expect("is ready");
    let (asked, _) = send.send_request(get2("/"), true).expect("is sent");
    assert_eq!(asked.await.expect("an answer").status(), 200);
    // GOAWAY without an error: whoever has sent a request meanwhile knows that it was not taken.
    within("the connection ends", connection).await.expect("no panic").expect("ends well");
    world.until_open(0).await;
}

#[tokio::test]
async fn an_http2_peer_that_is_told_to_end_and_does_not_is_cut() {
    let world = World::with(limits()).await;
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    // It answers nothing, the GOAWAY neither.
    let mut peer = world.peer_with([&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], settings].concat()).await;
    rest(&mut peer).await;
    world.until_open(0).await;
}

#[tokio::test]
async fn without_an_idle_limit_a_connection_rests_as_it_likes() {
    let world = World::with(Limits { idle: None, ..limits() }).await;
    let mut peer = world.peer().await;
    for _ in 0..2 {
        peer.write_all(get("/").as_bytes()).await.expect("is taken");
        answer(&mut peer).await;
        tokio::time::sleep(IDLE + Duration::from_millis(200)).await;
    }
    world.until_open(1).await;
}

#[tokio::test]
async fn a_server_that_thinks_is_waited_for() {
    let world = World::with(limits()).await;
    let mut peer = world.peer_with(get("/held")).await;
    let (send, _connection) = world.peer2(65_535).await;
    let mut send = send.ready().await.expect("is ready");
    let (asked, _) = send.send_request(get2("/held"), true).expect("is sent");
    world.until_begun(2).await;
    tokio::time::sleep(IDLE * 2).await;
    world.seen.go.notify_one();
    world.seen.go.notify_one();
    answer(&mut peer).await;
    assert_eq!(within("an answer", asked).await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn a_stream_of_events_may_be_silent() {
    let world = World::with(limits()).await;
    let mut one = world.peer_with(get("/events")).await;
    let (send, connection) = world.peer2(65_535).await;
    let mut send = send.ready().await.expect("is ready");
    let (asked, _) = send.send_request(get2("/events"), true).expect("is sent");
    let mut events = asked.await.expect("an answer").into_body();
    assert_eq!(within("an event", events.data()).await.expect("one").expect("arrives"), "event");
    tokio::time::sleep(IDLE * 2).await;
    assert!(!connection.is_finished(), "{:?}", connection.await);
    world.until_open(2).await;
    one.shutdown().await.expect("leaves");
}
