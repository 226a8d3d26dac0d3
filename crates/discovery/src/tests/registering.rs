//! Registering, drain and withdrawal, weights and shares, and what others do to our key.

use super::*;

const KEY: &str = "/user/v1/127.0.0.1:1";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_registered_is_seen_until_it_is_withdrawn() {
    let Some(world) = World::start() else { return };
    let (owner, caller) = (world.process("owner"), world.process("caller"));
    let mut told = caller.watch("user", "v1");
    assert!(told.borrow().is_empty());
    let first = owner.register(instance("user", 1));
    let second = owner.register(instance("user", 2));
    let _feed = owner.register(instance("feed", 3));
    ports(&mut told, &[1, 2]).await;
    ports(&mut caller.watch("feed", "v1"), &[3]).await;
    assert_eq!(told.borrow()[0], instance("user", 1));
    assert_eq!(caller.list().await.expect("etcd is there").len(), 3);
    // Outlives its lease: it is renewed.
    tokio::time::sleep(QUICK.ttl * 2).await;
    ports(&mut told, &[1, 2]).await;
    first.withdraw().await;
    assert!(ports(&mut told, &[2]).await < Duration::from_secs(1));
    // The last one too goes at once when it goes in order.
    second.withdraw().await;
    assert!(ports(&mut told, &[]).await < Duration::from_secs(1));
    assert_eq!(world.lease_of(KEY).await, None);
    let left: Vec<_> =
        caller.list().await.expect("etcd is there").into_iter().map(|each| each.name).collect();
    assert_eq!(left, ["feed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_instance_is_seen_with_weight_0_and_gets_no_other() {
    let Some(world) = World::start() else { return };
    let (owner, caller) = (world.process("owner"), world.process("caller"));
    let mut told = caller.watch("user", "v1");
    let registration = owner.register(instance("user", 1));
    ports(&mut told, &[1]).await;
    let began = Instant::now();
    registration.drain().await;
    assert!(began.elapsed() < Duration::from_secs(1), "it was written, not given up");
    seen(&mut told, |told| told.iter().all(|each| each.weight == 0) && told.len() == 1).await;
    // An operator's weight does not bring it back: the owner's next sign of life puts 0 there again.
    caller.set_weight("user", "127.0.0.1:1", 9).await.expect("written");
    seen(&mut told, |told| told[0].weight == 9).await;
    seen(&mut told, |told| told[0].weight == 0).await;
    assert_eq!(*registration.weight().borrow(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weight_is_seen_within_a_second_and_outlives_the_lease() {
    let Some(world) = World::start() else { return };
    let (owner, caller) = (world.process("owner"), world.process("caller"));
    let mut told = caller.watch("user", "v1");
    let registration = owner.register(instance("user", 1));
    let mut weight = registration.weight();
    ports(&mut told, &[1]).await;
    let lease = world.lease_of(KEY).await.expect("registered");

    let written = caller.set_weight("user", "127.0.0.1:1", 300).await.expect("written");
    assert_eq!(written, Instance { weight: 300, ..instance("user", 1) });
    let took = seen(&mut told, |told| told[0].weight == 300).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    becomes(&mut weight, |&weight| weight == 300).await;
    assert_eq!(world.lease_of(KEY).await, Some(lease), "the lease is kept");

    world.raw().await.lease_revoke(lease).await.expect("revoked");
    let new_lease = async {
        loop {
            match world.lease_of(KEY).await {
                Some(other) if other != lease => return,
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    let began = Instant::now();
    tokio::time::timeout(PATIENCE, new_lease).await.expect("registered again");
    assert!(began.elapsed() < QUICK.ttl, "{:?}", began.elapsed());
    seen(&mut told, |told| told.len() == 1 && told[0].weight == 300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weight_and_a_share_written_at_once_both_stay() {
    let Some(world) = World::start() else { return };
    let (owner, caller) = (world.process("owner"), world.process("caller"));
    let mut told = caller.watch("user", "v1");
    let registration = owner.register(instance("user", 1));
    ports(&mut told, &[1]).await;
    for round in 1..=30_u32 {
        registration.set_share(1.0 / f64::from(round));
        let share = (1000.0 / f64::from(round)).round() / 1000.0;
        caller.set_weight("user", "127.0.0.1:1", round).await.expect("written");
        seen(&mut told, |told| told[0].weight == round && told[0].share == share).await;
    }
    becomes(&mut registration.weight(), |&weight| weight == 30).await;
    registration.set_share(f64::NAN);
    registration.set_share(-1.0);
    seen(&mut told, |told| told[0].share == 0.01).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_do_to_our_key_is_put_right() {
    let Some(world) = World::start() else { return };
    let (owner, caller) = (world.process("owner"), world.process("caller"));
    let mut told = caller.watch("user", "v1");
    let _kept = owner.register(instance("user", 1));
    ports(&mut told, &[1]).await;
    let mut raw = world.raw().await;
    let strange =
        ["{", "", r#"{"name":"user","addr":"127.0.0.1:1","version":"v1","weight":5,"build":"other"}"#];
    for value in strange {
        raw.put(KEY, value, None).await.expect("written");
        let put_right = async {
            while raw.get(KEY, None).await.expect("an answer").kvs()[0].value() == value.as_bytes() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(QUICK.ttl, put_right).await.expect("put right by the next sign of life");
        assert_ne!(world.lease_of(KEY).await, Some(0), "and on a lease again");
        seen(&mut told, |told| told == [instance("user", 1)]).await;
    }
    raw.delete(KEY, None).await.expect("deleted");
    let back = async {
        while world.lease_of(KEY).await.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(QUICK.ttl, back).await.expect("registered again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_in_order_is_weight_0_and_then_no_key() {
    let Some(world) = World::start() else { return };
    let owner = world.process("owner");
    let registration = owner.register(instance("user", 1));
    ports(&mut owner.watch("user", "v1"), &[1]).await;
    let mut history = world.raw().await.watch(KEY, None).await.expect("a watch");
    assert!(history.message().await.expect("an answer").expect("a message").created());
    registration.drain().await;
    registration.withdraw().await;
    let mut events = Vec::new();
    while events.len() < 2 {
        let message = history.message().await.expect("an answer").expect("a message");
        events.extend(message.events().iter().cloned());
    }
    let pair = events[0].kv().expect("a pair");
    let written = Instance::parse(KEY, pair.value()).expect("an instance");
    assert_eq!((events[0].event_type(), written.weight), (etcd_client::EventType::Put, 0));
    assert_eq!(events[1].event_type(), etcd_client::EventType::Delete);
    let ttl = world.raw().await.lease_time_to_live(pair.lease(), None).await.expect("an answer").ttl();
    assert_eq!(ttl, -1, "the lease is gone too");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_could_use_is_not_registered() {
    let Some(world) = World::start() else { return };
    let process = world.process("process");
    let bad = process.register(Instance { addr: "nowhere".into(), ..instance("user", 1) });
    let _good = process.register(instance("user", 2));
    ports(&mut process.watch("user", "v1"), &[2]).await;
    bad.withdraw().await;
    assert_eq!(process.list().await.expect("etcd is there").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_weight_for_nobody_is_an_error() {
    let Some(world) = World::start() else { return };
    let operator = world.process("operator");
    let _other = operator.register(instance("user", 1));
    let error = operator.set_weight("user", "127.0.0.1:2", 1).await.expect_err("not there");
    assert_eq!(error.to_string(), "no instance of `user` is registered at 127.0.0.1:2");
    let error = operator.set_weight("user", "127.0.0.1:1", MAX_WEIGHT + 1).await.expect_err("too much");
    assert!(matches!(error, Error::Weight(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_registration_ends_with_its_lease() {
    let Some(world) = World::start() else { return };
    let (owner, caller) = (world.process("owner"), world.process("caller"));
    let mut told = caller.watch("user", "v1");
    let _stays = owner.register(instance("user", 1));
    let dropped = owner.register(instance("user", 2));
    ports(&mut told, &[1, 2]).await;
    drop(dropped);
    ports(&mut told, &[1]).await;
}
