//! More peers than there is room for, and more than fits into one request.

use tokio::io::AsyncWriteExt;

use super::world::{World, answer, get, get2, limits, rest, within};
use crate::Limits;

#[tokio::test]
async fn beyond_the_last_place_a_connection_is_closed_and_a_place_comes_back() {
    let world = World::with(Limits { connections: 2, ..limits() }).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(world.peer_with(get("/held")).await);
    }
    world.until_begun(2).await;
    let mut third = world.peer_with(get("/")).await;
    assert_eq!(rest(&mut third).await.0, "");
    world.seen.go.notify_one();
    world.seen.go.notify_one();
    for mut peer in held {
        answer(&mut peer).await;
    }
    world.until_open(0).await;
    let mut fourth = world.peer_with(get("/")).await;
    answer(&mut fourth).await;
}

#[tokio::test]
async fn strangers_are_few_and_have_to_hurry() {
    let world = World::mute(Limits { strangers: 2, ..limits() }).await;
    let mut peers = Vec::new();
    for _ in 0..2 {
        peers.push(world.peer().await);
    }
    world.until_open(2).await;
    let mut third = world.peer().await;
    assert_eq!(rest(&mut third).await.0, "");
    for mut peer in peers {
        assert_eq!(rest(&mut peer).await.0, "");
    }
    world.until_open(0).await;
}

#[tokio::test]
async fn a_head_has_a_length() {
    let world = World::with(limits()).await;
    for (length, status) in [(32_000, "200"), (34_000, "431")] {
        let mut peer = world.peer().await;
        let head = format!("GET /?{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "x".repeat(length));
        // It may be refused before it is whole.
        let _refused = peer.write_all(head.as_bytes()).await;
        let said = rest(&mut peer).await.0;
        assert!(said.is_empty() && status == "431" || said.contains(status), "{length}: {said}");
    }
}

#[tokio::test]
async fn one_connection_has_so_many_streams() {
    let world = World::with(Limits { streams: 3, ..limits() }).await;
    let (send, connection) = world.peer2(65_535).await;
    // One answer, so that its settings have arrived.
    let mut send = send.ready().await.expect("is ready");
    within("an answer", send.send_request(get2("/"), true).expect("is sent").0).await.expect("an answer");
    let mut asked = Vec::new();
    for _ in 0..4 {
        asked.push(send.send_request(get2("/held"), true).expect("is queued").0);
    }
    world.until_begun(4).await;
    for _ in 0..4 {
        world.seen.go.notify_one();
        let (answer, _, rest) = futures_util::future::select_all(asked).await;
        assert_eq!(answer.expect("an answer").status(), 200);
        asked = rest;
    }
    drop(send);
    within("the connection ends", connection).await.expect("no panic").expect("ends well");
}

#[tokio::test]
async fn where_only_http2_is_spoken_http1_is_sent_away() {
    let world = World::with(Limits { http1: false, ..limits() }).await;
    let mut peer = world.peer_with(get("/")).await;
    assert_eq!(rest(&mut peer).await.0, "");
    world.until_open(0).await;
}

#[tokio::test]
async fn requests_may_come_before_their_turn_and_byte_by_byte() {
    let world = World::with(limits()).await;
    let mut peer = world.peer().await;
    peer.set_nodelay(true).expect("is set");
    for byte in get("/").bytes() {
        peer.write_all(&[byte]).await.expect("is taken");
    }
    answer(&mut peer).await;
    let last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    peer.write_all((get("/").repeat(4) + last).as_bytes()).await.expect("is taken");
    assert_eq!(rest(&mut peer).await.0.matches("\r\n\r\nhi").count(), 5);
}
