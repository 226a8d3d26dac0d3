//! Which instance gets a call, and what happens when one cannot take it.

use std::time::{Duration, Instant};

use proto::{LikeService, RemoteLikeService};

use super::world::{BUSY, FAILS, GOOD, World, about, ann};

#[tokio::test]
async fn a_dead_instance_fails_no_call() {
    let world = World::start(2).await;
    let dead = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").to_string()
    };
    let addrs = world.instances.iter().map(|instance| instance.addr.as_str()).chain([dead.as_str()]);
    let likes = RemoteLikeService(world.clients_of(addrs).step("gateway", "like"));
    for call in 0..500 {
        likes
            .like_video(&ann(), about(GOOD))
            .await
            .unwrap_or_else(|error| panic!("{call}: {}", error.chain()));
    }
    assert_eq!(world.calls(), 500, "each call was made once");
}

#[tokio::test]
async fn an_instance_that_accepts_and_never_answers_is_routed_around() {
    let world = World::start(1).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = silent.local_addr().expect("an address").to_string();
    let addrs = [world.instances[0].addr.as_str(), addr.as_str()];
    let likes = RemoteLikeService(world.clients_of(addrs.into_iter()).step("gateway", "like"));
    let (began, mut failed, mut slowest) = (Instant::now(), 0, Duration::ZERO);
    for _ in 0..300 {
        let call = Instant::now();
        failed += u32::from(likes.like_video(&ann(), about(GOOD)).await.is_err());
        slowest = slowest.max(call.elapsed());
    }
    // Connecting takes at most two seconds, and a call that was not sent is tried elsewhere.
    assert_eq!(failed, 0, "after {:?}", began.elapsed());
    assert!(slowest < Duration::from_secs(4), "{slowest:?}");
}

#[tokio::test]
async fn a_service_that_always_fails_is_asked_at_most_a_fifth_more_often() {
    let world = World::start(2).await;
    let likes = world.likes();
    // One in ten is well, so that nothing stands open or shut by itself.
    for call in 0..400 {
        let what = if call % 10 == 0 { GOOD } else { FAILS };
        let _answer = likes.like_video(&ann(), about(what)).await;
    }
    let calls = world.calls();
    assert!((440..=400 + 80 + 10).contains(&calls), "{calls} calls reached a handler for 400");
}

#[tokio::test]
async fn a_service_that_only_fails_is_soon_asked_once_a_second() {
    let world = World::start(2).await;
    let likes = world.likes();
    for _ in 0..400 {
        likes.like_video(&ann(), about(FAILS)).await.expect_err("fails");
    }
    assert!(world.calls() < 80, "{} calls reached a handler", world.calls());
}

#[tokio::test]
async fn an_overloaded_service_is_not_asked_again_and_not_left_out() {
    let world = World::start(2).await;
    let likes = world.likes();
    for _ in 0..100 {
        let error = likes.like_video(&ann(), about(BUSY)).await.expect_err("is busy");
        assert_eq!(error.reason(), "overloaded");
    }
    assert_eq!(world.calls(), 100, "each call was made once");
    likes.like_video(&ann(), about(GOOD)).await.expect("nothing is broken");
}

#[tokio::test]
async fn no_instance_at_all_is_told_at_once() {
    let world = World::start(0).await;
    let began = Instant::now();
    let error = world.likes().like_video(&ann(), about(GOOD)).await.expect_err("nobody is there");
    assert!(error.chain().contains("no instance of like is known"), "{}", error.chain());
    assert!(began.elapsed() < Duration::from_secs(1));
}
