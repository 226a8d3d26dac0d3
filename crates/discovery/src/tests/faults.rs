//! What etcd does to us: killed, wiped, frozen, compacted. Callers always see the instances that live.

use super::*;

/// Two instances, who sees them, and the fewest that were ever seen.
struct Fleet {
    world: World,
    owner: Process,
    caller: Process,
    told: watch::Receiver<Instances>,
    registrations: Vec<Registration>,
    until: CancellationToken,
    fewest: tokio::task::JoinHandle<usize>,
}

impl Fleet {
    async fn start() -> Option<Self> {
        let world = World::start()?;
        let (owner, caller) = (world.process("owner"), world.process("caller"));
        let mut told = caller.watch("user", "v1");
        let registrations = vec![owner.register(instance("user", 1)), owner.register(instance("user", 2))];
        ports(&mut told, &[1, 2]).await;
        let until = CancellationToken::new();
        let fewest = fewest(told.clone(), until.clone());
        Some(Self { world, owner, caller, told, registrations, until, fewest })
    }

    /// Waits until both are registered in etcd itself; says how long that took.
    async fn registered(&self) -> Duration {
        let began = Instant::now();
        let both = async {
            for key in ["/user/v1/127.0.0.1:1", "/user/v1/127.0.0.1:2"] {
                while self.world.lease_of(key).await.is_none() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        };
        tokio::time::timeout(PATIENCE, both).await.expect("both registered");
        began.elapsed()
    }

    /// What is seen still follows what is registered.
    async fn follows(&mut self) {
        let third = self.owner.register(instance("user", 3));
        ports(&mut self.told, &[1, 2, 3]).await;
        third.withdraw().await;
        ports(&mut self.told, &[1, 2]).await;
    }

    /// A watcher that was not started.
    fn watcher(&self) -> crate::watcher::Watcher {
        match &self.caller.inner.source {
            Source::Registry(registry) => registry.watcher("user", "v1"),
            Source::List(_) => panic!("a list has no watcher"),
        }
    }

    async fn ends(self) -> usize {
        self.until.cancel();
        self.fewest.await.expect("counted")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_killed_and_back() {
    let Some(mut fleet) = Fleet::start().await else { return };
    fleet.world.etcd.kill();
    becomes(&mut fleet.caller.up(), |&up| !up).await;
    // Five leases long.
    tokio::time::sleep(QUICK.ttl * 5).await;
    ports(&mut fleet.told, &[1, 2]).await;
    fleet.world.etcd.start_again().expect("etcd again");
    let back = becomes(&mut fleet.caller.up(), |&up| up).await;
    assert!(back < Duration::from_secs(5), "{back:?}");
    let took = fleet.registered().await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    fleet.follows().await;
    assert_eq!(fleet.ends().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_wiped() {
    let Some(mut fleet) = Fleet::start().await else { return };
    let caller_sees = fleet.caller.set_weight("user", "127.0.0.1:1", 50).await.expect("written");
    becomes(&mut fleet.registrations[0].weight(), |&weight| weight == caller_sees.weight).await;
    // Far ahead of what a fresh etcd will have.
    let mut raw = fleet.world.raw().await;
    for _ in 0..200 {
        raw.put("/elsewhere", "", None).await.expect("written");
    }
    fleet.world.etcd.kill();
    fleet.world.etcd.wipe().expect("wiped");
    fleet.world.etcd.start_again().expect("etcd again");
    let took = fleet.registered().await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    fleet.follows().await;
    assert_eq!(fleet.told.borrow()[0].weight, 50, "the operator's weight outlives the wipe");
    assert_eq!(fleet.ends().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_frozen_is_noticed_and_survived() {
    let Some(mut fleet) = Fleet::start().await else { return };
    fleet.world.etcd.freeze();
    let noticed = becomes(&mut fleet.caller.up(), |&up| !up).await;
    assert!(noticed < Duration::from_secs(6), "{noticed:?}");
    let began = Instant::now();
    fleet.caller.list().await.expect_err("etcd hangs");
    assert!(began.elapsed() < Duration::from_millis(3_500), "{:?}", began.elapsed());
    // Nothing of ours hangs with it.
    let began = Instant::now();
    let third = fleet.owner.register(instance("user", 3));
    third.drain().await;
    third.withdraw().await;
    assert!(began.elapsed() < Duration::from_millis(3_500), "{:?}", began.elapsed());
    tokio::time::sleep(QUICK.ttl * 2).await;
    ports(&mut fleet.told, &[1, 2]).await;
    fleet.world.etcd.thaw();
    let back = becomes(&mut fleet.caller.up(), |&up| up).await;
    assert!(back < Duration::from_secs(5), "{back:?}");
    fleet.follows().await;
    fleet.registered().await;
    assert!(fleet.ends().await >= 1, "never nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_compacted_while_the_watch_was_cut_off() {
    let Some(mut fleet) = Fleet::start().await else { return };
    fleet.world.etcd.kill();
    becomes(&mut fleet.caller.up(), |&up| !up).await;
    fleet.world.etcd.start_again().expect("etcd again");
    let mut raw = fleet.world.raw().await;
    for _ in 0..50 {
        raw.put("/user/v1/127.0.0.1:9", "{", None).await.expect("written");
    }
    let answer = raw.delete("/user/v1/127.0.0.1:9", None).await.expect("deleted");
    let revision = answer.header().expect("a header").revision();
    let compact = etcd_client::CompactionOptions::new().with_physical();
    raw.compact(revision, Some(compact)).await.expect("compacted");
    becomes(&mut fleet.caller.up(), |&up| up).await;
    fleet.follows().await;

    // A watch that begins where nothing is left any more is told so, and ends to list anew.
    let options = etcd_client::WatchOptions::new().with_prefix().with_start_revision(2);
    let mut late = raw.watch("/user/v1/", Some(options)).await.expect("a watch");
    let mut watcher = fleet.watcher();
    let ended = loop {
        let message = late.message().await.expect("an answer").expect("a message");
        if let Err(error) = watcher.hear(&message, "/user/v1/") {
            break error.to_string();
        }
    };
    assert!(ended.contains("compacted"), "{ended}");
    assert_eq!(fleet.ends().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_left_while_etcd_was_away_goes() {
    let Some(mut fleet) = Fleet::start().await else { return };
    fleet.world.etcd.kill();
    let leaves = fleet.registrations.remove(0);
    let began = Instant::now();
    leaves.withdraw().await;
    assert!(began.elapsed() < Duration::from_millis(2_500), "{:?}", began.elapsed());
    fleet.world.etcd.start_again().expect("etcd again");
    // One of two: no mass removal.
    let took = ports(&mut fleet.told, &[2]).await;
    assert!(took < QUICK.ttl + Duration::from_secs(5), "{took:?}");
    assert_eq!(fleet.ends().await, 1);
}
