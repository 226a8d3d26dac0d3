//! Peers that send or take slowly.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::world::{QUOTA, WINDOW, World, answer, get, get2, limits, post, rest, within};

/// Pieces a window, and how far they lie apart.
const PIECES: usize = 6;
const APART: Duration = Duration::from_millis(50);

/// Well above the least that has to move, on average.
const HONEST: usize = QUOTA * 3 / PIECES;

#[tokio::test]
async fn who_drips_a_body_is_refused_and_sent_away() {
    let world = World::with(limits()).await;
    let mut peer = world.peer_with(post("/read", 9000)).await;
    let (mut reads, mut writes) = peer.split();
    let drip = async {
        while writes.write_all(b"x").await.is_ok() {
            tokio::time::sleep(APART / 5).await;
        }
    };
    let mut said = Vec::new();
    let read = async {
        let _reset = within("an end", reads.read_to_end(&mut said)).await;
    };
    tokio::join!(drip, read);
    let said = String::from_utf8_lossy(&said);
    assert!(said.is_empty() || said.ends_with("\r\n\r\nslow"), "{said}");
    world.until_open(0).await;
}

#[tokio::test]
async fn a_body_that_stops_is_refused() {
    let world = World::with(limits()).await;
    let mut peer = world.peer_with(post("/read", 9000) + "x").await;
    let (said, took) = rest(&mut peer).await;
    assert!(said.ends_with("\r\n\r\nslow"), "{said}");
    assert!(took > WINDOW / 2, "{took:?}");
    world.until_open(0).await;
}

#[tokio::test]
async fn an_http2_body_that_stops_is_refused_and_its_connection_ends() {
    let world = World::with(limits()).await;
    let (send, connection) = world.peer2(65_535).await;
    let mut send = send.ready().await.expect("is ready");
    let request = Request::post("http://dytt.test/read").body(()).expect("a request");
    let (asked, mut body) = send.send_request(request, false).expect("is sent");
    body.send_data(Bytes::from_static(b"x"), false).expect("is sent");
    let mut answer = within("an answer", asked).await.expect("an answer").into_body();
    assert_eq!(within("its body", answer.data()).await.expect("one").expect("arrives"), "slow");
    drop((body, answer));
    within("the connection ends", connection).await.expect("no panic").expect("ends well");
    world.until_open(0).await;
}

#[tokio::test]
async fn a_body_that_is_slow_but_fast_enough_is_read() {
    let world = World::with(limits()).await;
    let count = PIECES * 5;
    let mut peer = world.peer_with(post("/read", HONEST * count)).await;
    for _ in 0..count {
        tokio::time::sleep(APART).await;
        peer.write_all(&vec![0; HONEST]).await.expect("is taken");
    }
    answer(&mut peer).await;
}

#[tokio::test]
async fn a_body_nobody_reads_yet_is_not_late() {
    let world = World::with(limits()).await;
    let mut peer = world.peer_with(post("/read?later", 4)).await;
    world.until_begun(1).await;
    tokio::time::sleep(WINDOW * 4).await;
    world.seen.go.notify_one();
    peer.write_all(b"body").await.expect("is taken");
    answer(&mut peer).await;
}

#[tokio::test]
async fn who_never_reads_is_cut() {
    let world = World::with(limits()).await;
    let peer = world.peer_with(get("/large")).await;
    world.until_begun(1).await;
    world.until_open(0).await;
    drop(peer);
}

#[tokio::test]
async fn who_reads_slowly_is_cut() {
    let world = World::with(limits()).await;
    let mut peer = world.peer_with(get("/large")).await;
    let began = Instant::now();
    let mut one = [0; 64];
    let drip = async {
        while peer.read(&mut one).await.is_ok_and(|more| more > 0) && !world.ending.connections.is_empty() {
            tokio::time::sleep(APART / 5).await;
        }
    };
    within("the end", drip).await;
    assert!(began.elapsed() > WINDOW / 2);
}

#[tokio::test]
async fn an_http2_peer_that_reads_but_grants_no_window_is_cut() {
    let world = World::with(limits()).await;
    let (send, connection) = world.peer2(1000).await;
    let mut send = send.ready().await.expect("is ready");
    let (asked, _) = send.send_request(get2("/large"), true).expect("is sent");
    let held = within("an answer", asked).await.expect("an answer").into_body();
    world.until_open(0).await;
    let _it_says_nothing = within("the connection ends", connection).await.expect("no panic");
    drop(held);
}

/// What systems buffer comes and goes in pieces of half a MiB: over a window the average is honest.
#[tokio::test]
async fn who_reads_slowly_but_fast_enough_is_served() {
    let mut limits = limits();
    limits.write.bytes_per_second = 100 * 1024;
    limits.write.window = Duration::from_secs(2);
    let world = World::with(limits).await;
    let mut peer = world.peer_with(get("/large")).await;
    let (send, connection) = world.peer2(65_535).await;
    let mut send = send.ready().await.expect("is ready");
    let (asked, _) = send.send_request(get2("/large"), true).expect("is sent");
    let mut body = within("an answer", asked).await.expect("an answer").into_body();
    let began = Instant::now();
    let mut piece = vec![0; 40 * 1024];
    while began.elapsed() < Duration::from_secs(7) {
        within("more", peer.read_exact(&mut piece)).await.expect("more");
        let mut taken = 0;
        while taken < piece.len() {
            let data = within("more", body.data()).await.expect("more").expect("arrives");
            body.flow_control().release_capacity(data.len()).expect("is granted");
            taken += data.len();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!connection.is_finished());
    world.until_open(2).await;
}
