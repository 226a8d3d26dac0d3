//! Watching: versions apart, bad keys left out, and who is kept that vanished.

use super::lines::Warnings;
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_not_seen() {
    let Some(world) = World::start() else { return };
    let process = world.process("process");
    let (mut v1, mut v2) = (process.watch("user", "v1"), process.watch("user", "v2"));
    let smallest = process.watch("user", "v");
    let _new = process.register(Instance { version: "v2".into(), ..instance("user", 2) });
    ports(&mut v2, &[2]).await;
    let _old = process.register(instance("user", 1));
    ports(&mut v1, &[1]).await;
    ports(&mut v2, &[2]).await;
    assert!(smallest.borrow().is_empty());
}

// One thread, so that what is logged is seen.
#[tokio::test]
async fn a_bad_key_is_left_out_and_told_of_once() {
    let Some(world) = World::start() else { return };
    let (warnings, _guard) = Warnings::gather();
    let good = |addr: &str, weight: i64| {
        format!(r#"{{"name":"user","addr":"{addr}","version":"v1","weight":{weight}}}"#)
    };
    let bad = [
        ("/user/v1/broken:1", "{".to_owned()),
        ("/user/v1/nothing:1", String::new()),
        ("/user/v1/nowhere", good("nowhere", 1)),
        ("/user/v1/other:1", good("127.0.0.1:9", 1)),
        ("/user/v1/negative:1", good("negative:1", -1)),
        ("/user/v1/heavy:1", good("heavy:1", 1_000_000)),
        ("/user/v1/deep/127.0.0.1:1", good("127.0.0.1:1", 1)),
    ];
    for (key, value) in &bad {
        world.plant(key, value).await;
    }
    world.plant("/user/v1/127.0.0.1:1", &good("127.0.0.1:1", 1)).await;
    let process = world.process("process");
    let mut told = process.watch("user", "v1");
    ports(&mut told, &[1]).await;
    // One that comes while watching, and lists besides: still a line each.
    world.plant("/user/v1/late:1", "[]").await;
    world.plant("/user/v1/127.0.0.1:2", &good("127.0.0.1:2", 1)).await;
    ports(&mut told, &[1, 2]).await;
    for _ in 0..3 {
        assert_eq!(process.list().await.expect("etcd is there").len(), 2);
    }
    for (key, _) in bad.iter().chain(&[("/user/v1/late:1", String::new())]) {
        assert_eq!(warnings.with(&format!("key={key} ")), 1, "{key}");
    }
    // Written again it is told of again.
    world.plant("/user/v1/broken:1", "{").await;
    world.plant("/user/v1/127.0.0.1:3", &good("127.0.0.1:3", 1)).await;
    ports(&mut told, &[1, 2, 3]).await;
    assert_eq!(warnings.with("key=/user/v1/broken:1 "), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_that_dies_goes_and_the_last_is_kept_for_the_grace() {
    let Some(world) = World::start() else { return };
    let process = world.process_with("process", Times { grace: Duration::from_secs(2), ..QUICK });
    let mut told = process.watch("user", "v1");
    let mut leases = Vec::new();
    for port in [1, 2] {
        let instance = instance("user", port);
        let value = serde_json::to_string(&instance).expect("JSON");
        leases.push(world.plant(&instance.key(), &value).await);
    }
    ports(&mut told, &[1, 2]).await;
    let mut raw = world.raw().await;
    raw.lease_revoke(leases[0]).await.expect("revoked");
    assert!(ports(&mut told, &[2]).await < Duration::from_secs(1));
    // Out of the first one's shadow: they did not vanish together.
    tokio::time::sleep(QUICK.ttl).await;
    let until = CancellationToken::new();
    let least = fewest(told.clone(), until.clone());
    raw.lease_revoke(leases[1]).await.expect("revoked");
    tokio::time::sleep(Duration::from_secs(1)).await;
    until.cancel();
    assert_eq!(least.await.expect("counted"), 1, "kept");
    let took = ports(&mut told, &[]).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
}
