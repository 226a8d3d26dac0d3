//! What a call carries from one process to another, and what comes back.

use std::time::{Duration, Instant};

use domain::Error;
use futures_util::StreamExt;
use proto::{LikeService, MessageService, WatchRequest};

use super::world::{FAILS, GOOD, HANGS, MISSING, World, about, ann, nobody, number};

#[tokio::test]
async fn viewer_trace_key_and_what_is_left_of_the_time_arrive() {
    let world = World::start(1).await;
    let call = ann();
    world.likes().like_video(&call, about(GOOD)).await.expect("likes");
    let seen = world.instances[0].probe.seen.lock().expect("no panic")[0];
    assert_eq!((seen.viewer, seen.trace, seen.key), (call.viewer, call.trace, call.key));
    let left = seen.deadline.saturating_duration_since(Instant::now());
    assert!(left < Duration::from_secs(4) && left > Duration::from_secs(2), "{left:?}");
}

#[tokio::test]
async fn an_anonymous_call_stays_anonymous() {
    let world = World::start(1).await;
    world.likes().like_video(&nobody(), about(GOOD)).await.expect("likes");
    assert_eq!(world.instances[0].probe.seen.lock().expect("no panic")[0].viewer, None);
}

#[tokio::test]
async fn an_error_comes_back_as_itself_and_its_source_stays_behind() {
    let world = World::start(1).await;
    let missing = world.likes().like_video(&ann(), about(MISSING)).await;
    assert!(matches!(missing, Err(Error::VideoNotFound(id)) if id.get() == MISSING));
    let failed = world.likes().like_video(&ann(), about(FAILS)).await.expect_err("fails");
    assert_eq!(failed.reason(), "unavailable");
    assert!(!failed.chain().contains("disk"), "{}", failed.chain());
}

#[tokio::test]
async fn a_stream_brings_its_messages_in_order_and_then_its_error() {
    let world = World::start(1).await;
    let mut stream = world.messages().watch(&ann(), WatchRequest { after: FAILS }).await.expect("listens");
    for id in 1..=3 {
        assert_eq!(number(&stream.next().await.expect("a message").expect("is well")), id);
    }
    let end = stream.next().await.expect("an end").expect_err("fails");
    assert_eq!(end.reason(), "unavailable");
    assert!(stream.next().await.is_none());
    assert_eq!(world.instances[0].probe.seen.lock().expect("no panic")[0].viewer, ann().viewer);
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_on_both_sides_and_leaves_nothing_running() {
    let world = World::start(1).await;
    let mut call = ann();
    call.deadline = Instant::now() + Duration::from_millis(300);
    let began = Instant::now();
    let late = world.likes().like_video(&call, about(HANGS)).await.expect_err("is late");
    assert_eq!(late.reason(), "unavailable");
    assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
    let seen = world.instances[0].probe.seen.lock().expect("no panic")[0].deadline;
    assert!(seen <= call.deadline, "a hop may only shorten the time");
    let over = ann();
    let over = domain::Call { deadline: Instant::now(), ..over };
    let calls = world.calls();
    world.likes().like_video(&over, about(GOOD)).await.expect_err("no time is left");
    assert_eq!(world.calls(), calls, "a call without time is not sent");
}

#[tokio::test]
async fn an_instance_says_that_it_is_well() {
    let world = World::start(1).await;
    let health = world.clients().health("gateway", "like", &world.instances[0].addr).await;
    assert_eq!(health.as_deref(), Ok("SERVING"));
    assert!(world.clients().health("gateway", "like", "127.0.0.1:1").await.is_err());
}
