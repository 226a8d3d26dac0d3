//! Stopping: nobody's call fails because an instance goes, and nobody can keep it from going.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use proto::{LikeService, MessageService, WatchRequest};

use super::world::{GOOD, HANGS, SLOW, World, about, ann, number};

#[tokio::test]
async fn stopping_one_of_two_under_load_fails_no_call() {
    let mut world = World::start(2).await;
    let likes = Arc::new(world.likes());
    let (over, made) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let (likes, over, made) = (Arc::clone(&likes), Arc::clone(&over), Arc::clone(&made));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let what = if caller == 0 { SLOW } else { GOOD };
                    likes.like_video(&ann(), about(what)).await.unwrap_or_else(|error| {
                        panic!("after {} calls: {}", made.load(Ordering::Relaxed), error.chain())
                    });
                    made.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..3 {
        let gone = world.instances.remove(0);
        let before = made.load(Ordering::Relaxed);
        while made.load(Ordering::Relaxed) < before + 200 {
            tokio::task::yield_now().await;
        }
        gone.serving.stop(Duration::from_secs(5)).await;
        let before = made.load(Ordering::Relaxed);
        while made.load(Ordering::Relaxed) < before + 200 {
            tokio::task::yield_now().await;
        }
        let back = world.instance(&gone.addr, &["like", "message"]).await;
        world.instances.push(back);
    }
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("no call failed");
    }
}

#[tokio::test]
async fn a_stream_ends_with_a_hint_to_ask_again() {
    let mut world = World::start(1).await;
    let mut stream = world.messages().watch(&ann(), WatchRequest { after: HANGS }).await.expect("listens");
    for id in 1..=3 {
        assert_eq!(number(&stream.next().await.expect("a message").expect("is well")), id);
    }
    let began = Instant::now();
    let stopping = tokio::spawn(world.instances.remove(0).serving.stop(Duration::from_secs(10)));
    let end = stream.next().await.expect("an end").expect_err("it stops");
    assert!(end.chain().contains("ask again"), "{}", end.chain());
    drop(stream);
    stopping.await.expect("stops");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn new_certificates_end_old_connections_and_fail_no_call() {
    let world = World::start(1).await;
    let fresh = tokio::spawn(world.instances[0].identities.clone().keep_fresh(world.stop.clone()));
    let mut changed = world.instances[0].identities.changes();
    let likes = world.likes();
    likes.like_video(&ann(), about(GOOD)).await.expect("likes");
    for revoked in [None, Some("gateway")] {
        world.renew(&["like"], revoked);
        let mut calls = 0;
        while !changed.has_changed().expect("is watched") {
            likes.like_video(&ann(), about(GOOD)).await.expect("no call fails while nothing is revoked");
            calls += 1;
        }
        changed.borrow_and_update();
        assert!(calls > 0);
        if revoked.is_none() {
            likes.like_video(&ann(), about(GOOD)).await.expect("a new connection is made");
            continue;
        }
        let refused = async { while likes.like_video(&ann(), about(GOOD)).await.is_ok() {} };
        tokio::time::timeout(Duration::from_secs(5), refused).await.expect("who was revoked is sent away");
    }
    world.stop.cancel();
    fresh.await.expect("ends");
}

#[tokio::test]
async fn a_silent_peer_cannot_hold_it() {
    let mut world = World::start(1).await;
    let silent = tokio::net::TcpStream::connect(&world.instances[0].addr).await.expect("connects");
    let likes = world.likes();
    let hanging = tokio::spawn(async move { likes.like_video(&ann(), about(HANGS)).await });
    while world.calls() == 0 {
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    world.instances.remove(0).serving.stop(Duration::from_millis(300)).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert!(hanging.await.expect("ends").is_err(), "what was cut fails");
    drop(silent);
}
