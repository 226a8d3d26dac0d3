//! Webhooks: everything that happens is told once, in order, and who does not listen is left alone.

use domain::{Error, Happening, Reason};

use super::fixture::{LEASE, NOW, On, World, content, later, on_both};
use crate::{Entry, Slice, Subject, Then};

const DAY: i64 = 24 * 3600 * 1000;

/// The payloads that are told now, in order.
async fn told(world: &World, hook: i64, at: i64) -> Vec<serde_json::Value> {
    let mut payloads = Vec::new();
    for since in world.store.told().await.expect("a list") {
        world.store.fill_outbox(&since, later(at)).await.expect("fill");
    }
    while let Some(one) = world.store.claim_delivery(hook, later(at), LEASE).await.expect("claim") {
        let place = (hook, one.id, one.attempts);
        let sent = "200 OK".to_owned();
        world.store.delivery_ended(place, sent, Then::Arrived, later(at)).await.expect("ends");
        payloads.push(serde_json::from_str(&one.payload).expect("json"));
    }
    payloads
}

async fn everything_that_happens_from_then_on_is_told_once(on: On) {
    let world = World::new(on).await;
    let store = &world.store;
    let admin = world.user("admin").await;
    let before = world.video(admin).await;
    let events = Happening::ALL.to_vec();
    let hook = store
        .create_webhook(admin, "https://example.org/".into(), events, vec![7; 32], NOW)
        .await
        .expect("made");
    let ann = store.create_user(super::fixture::user_name("ann"), "hash".into(), Entry::Open, NOW).await;
    let ann = ann.expect("a user");
    let video = world.video(ann).await;
    store.add_comment(ann, before, None, content("said \"so\" 中"), NOW).await.expect("comment");
    store.report(ann, Subject::Video(before), Reason::Spam, None, NOW).await.expect("report");
    store.hide_video(admin, before, "why".into(), NOW).await.expect("hide");
    assert_eq!(told(&world, hook, 4_999).await.len(), 0, "what others may still commit comes first");
    let payloads = told(&world, hook, 5_100).await;
    let mut kinds: Vec<_> = payloads.iter().map(|one| one["type"].as_str().expect("a type")).collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        // The webhook itself is in the log too.
        [
            "audit.recorded",
            "audit.recorded",
            "comment.created",
            "report.created",
            "user.registered",
            "video.published"
        ]
    );
    let of = |kind: &str| payloads.iter().find(|one| one["type"] == kind).expect("one");
    assert_eq!(of("user.registered")["data"]["name"], "ann");
    assert_eq!(of("video.published")["data"]["id"], video.get());
    assert_eq!(of("comment.created")["data"]["content"], "said \"so\" 中");
    assert_eq!(of("comment.created")["timestamp"], NOW.millis());
    assert_eq!(told(&world, hook, 60_000).await.len(), 0, "once");
    // A second process that read the same place adds nothing.
    let stale = store.told().await.expect("a list");
    world.user("bob").await;
    assert_eq!(told(&world, hook, 60_000).await.len(), 1);
    for since in &stale {
        assert!(!store.fill_outbox(since, later(60_000)).await.expect("fill"));
    }
    store.clear_deliveries(hook).await.expect("clear");
    store.delete_webhook(admin, hook, NOW).await.expect("delete");
    assert!(matches!(store.delete_webhook(admin, hook, NOW).await, Err(Error::WebhookNotFound)));
    assert!(store.told().await.expect("a list").is_empty());
    world.is_sound().await;
}

async fn who_does_not_listen_is_left_alone_after_days_until_somebody_tries_again(on: On) {
    let world = World::new(on).await;
    let store = &world.store;
    let admin = world.user("admin").await;
    let events = vec![Happening::UserRegistered];
    let hook = store
        .create_webhook(admin, "https://example.org/".into(), events, vec![7; 32], NOW)
        .await
        .expect("made");
    world.user("ann").await;
    world.user("bob").await;
    assert!(store.fill_outbox(&world.told().await, later(5_000)).await.expect("fill"));
    let claim = async |at: i64| store.claim_delivery(hook, later(at), LEASE).await.expect("claim");
    let fail = async |at: i64, then: Then| {
        let one = claim(at).await.expect("something is due");
        store
            .delivery_ended((hook, one.id, one.attempts), "500".into(), then, later(at))
            .await
            .expect("ends");
        one
    };
    let first = claim(5_000).await.expect("the first");
    let second = fail(5_000, Then::Again(later(DAY))).await;
    assert_ne!(first.id, second.id, "what somebody has is not taken by others");
    assert_eq!(claim(5_000).await, None);
    // Whoever had it is gone; what it says later counts no more.
    let again = claim(5_000 + LEASE.as_millis() as i64).await.expect("the first again");
    assert_eq!((again.id, again.attempts), (first.id, 2));
    store.delivery_ended((hook, first.id, 1), "200".into(), Then::Arrived, later(DAY)).await.expect("late");
    assert!(store.webhooks().await.expect("a list")[0].failing_since.is_some());
    assert_eq!(store.due_webhooks(later(2 * DAY)).await.expect("a list").len(), 1);
    fail(2 * DAY, Then::Again(later(6 * DAY))).await;
    fail(2 * DAY, Then::Again(later(6 * DAY))).await;
    fail(6 * DAY, Then::Again(later(6 * DAY))).await;
    assert_eq!(store.webhooks().await.expect("a list")[0].disabled_at, None, "nothing was given up of late");
    fail(6 * DAY, Then::Never).await;
    fail(6 * DAY, Then::Never).await;
    let row = store.webhooks().await.expect("a list").remove(0);
    assert_eq!(row.disabled_at, Some(later(6 * DAY).millis()));
    world.user("eve").await;
    assert!(store.told().await.expect("a list").is_empty(), "nothing piles up for it");
    let failed = store.deliveries(hook, Slice::NEWEST).await.expect("a list");
    assert!(failed.iter().all(|one| one.state == "failed" && one.outcome.as_deref() == Some("500")));
    store.replay_delivery(admin, hook, first.id, later(7 * DAY)).await.expect("replay");
    let unknown = store.replay_delivery(admin, hook, 999, later(7 * DAY)).await;
    assert!(matches!(unknown, Err(Error::WebhookNotFound)));
    let anew = claim(7 * DAY).await.expect("it is called again");
    assert_eq!((anew.id, anew.attempts), (first.id, 1));
    let place = (hook, anew.id, anew.attempts);
    store.delivery_ended(place, "200".into(), Then::Arrived, later(7 * DAY)).await.expect("ends");
    let row = store.webhooks().await.expect("a list").remove(0);
    assert_eq!((row.failing_since, row.disabled_at), (None, None));
    assert!(store.fill_outbox(&world.told().await, later(8 * DAY)).await.expect("eve"));
    assert!(store.forget_deliveries(later(9 * DAY)).await.expect("forget"));
    assert!(store.deliveries(hook, Slice::NEWEST).await.expect("a list").is_empty());
    world.is_sound().await;
}

async fn only_so_many_are_called(on: On) {
    let world = World::new(on).await;
    let admin = world.user("admin").await;
    let create = async || {
        let events = vec![Happening::UserRegistered];
        world.store.create_webhook(admin, "https://example.org/".into(), events, vec![7; 32], NOW).await
    };
    for _ in 0..20 {
        create().await.expect("one more");
    }
    assert!(matches!(create().await, Err(Error::Invalid { .. })));
}

on_both!(
    everything_that_happens_from_then_on_is_told_once,
    who_does_not_listen_is_left_alone_after_days_until_somebody_tries_again,
    only_so_many_are_called
);
