//! The end of a port and of a connection: what is under way ends well, and nobody can hold it up.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::world::{LONG, World, answer, get, get2, limits, post, rest, within};
use crate::Limits;

#[tokio::test]
async fn what_is_under_way_finishes_and_nobody_else_is_let_in() {
    let world = World::with(limits()).await;
    let mut resting = world.peer_with(get("/")).await;
    answer(&mut resting).await;
    let mut silent = world.peer_with("GE").await;
    let mut busy = world.peer_with(get("/held")).await;
    world.until_begun(2).await;
    let ending = world.ending.clone();
    let drained = tokio::spawn(async move { ending.drain(LONG).await });
    for peer in [&mut resting, &mut silent] {
        assert_eq!(rest(peer).await.0, "");
    }
    within("the port closes", async { while TcpStream::connect(world.address).await.is_ok() {} }).await;
    assert!(!drained.is_finished());
    world.seen.go.notify_one();
    let said = rest(&mut busy).await.0;
    assert!(said.contains("connection: close") && said.ends_with("hi"), "{said}");
    assert_eq!(drained.await.expect("no panic"), 0);
}

#[tokio::test]
async fn an_http2_peer_hears_of_it_and_keeps_what_it_asked_for() {
    let world = World::with(limits()).await;
    let (send, connection) = world.peer2(65_535).await;
    let mut send = send.ready().await.expect("is ready");
    let (asked, _) = send.send_request(get2("/held"), true).expect("is sent");
    world.until_begun(1).await;
    let ending = world.ending.clone();
    let drained = tokio::spawn(async move { ending.drain(LONG).await });
    within("it is told", async {
        while std::future::poll_fn(|context| send.poll_ready(context)).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    world.seen.go.notify_one();
    assert_eq!(within("an answer", asked).await.expect("an answer").status(), 200);
    within("the connection ends", connection).await.expect("no panic").expect("ends well");
    assert_eq!(drained.await.expect("no panic"), 0);
}

#[tokio::test]
async fn whoever_does_not_end_is_cut() {
    // Their pace must not be what ends them.
    let mut limits = limits();
    limits.write.window = LONG;
    limits.body = None;
    let world = World::with(limits).await;
    let mut thinking = world.peer_with(get("/never")).await;
    let mut sending = world.peer_with(post("/read", 9) + "x").await;
    let deaf = world.peer_with(get("/large")).await;
    let (send, connection) = world.peer2(1000).await;
    let mut send = send.ready().await.expect("is ready");
    let asked = send.send_request(get2("/large"), true).expect("is sent");
    world.until_begun(4).await;
    assert_eq!(world.ending.drain(Duration::from_millis(50)).await, 4);
    let began = Instant::now();
    world.ending.cut().await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    world.until_open(0).await;
    for peer in [&mut thinking, &mut sending] {
        rest(peer).await;
    }
    let _told_before = within("the connection ends", connection).await.expect("no panic");
    drop((deaf, asked));
}

#[tokio::test]
async fn a_host_sends_a_caller_away_after_its_request() {
    let world = World::with(limits()).await;
    let mut busy = world.peer_with(get("/held")).await;
    world.until_begun(1).await;
    world.seen.over.notify_one();
    world.seen.go.notify_one();
    assert!(rest(&mut busy).await.0.ends_with("hi"));
    world.until_open(0).await;
    let mut next = world.peer_with(get("/")).await;
    answer(&mut next).await;
}

#[tokio::test]
async fn who_was_sent_away_and_stays_is_cut() {
    let world = World::with(Limits { leaving: Duration::from_millis(50), ..limits() }).await;
    let mut busy = world.peer_with(get("/never")).await;
    world.until_begun(1).await;
    world.seen.over.notify_one();
    assert_eq!(rest(&mut busy).await.0, "");
    world.until_open(0).await;
}
