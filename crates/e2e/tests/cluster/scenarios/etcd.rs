//! etcd dead, hung, forgetful or away at a start: who is known stays known, and who was forgotten comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::eventually;
use rustix::process::Signal;

use crate::cluster::Cluster;
use crate::load::Load;

const DEAD: Duration = Duration::from_secs(30);
const HUNG: Duration = Duration::from_secs(15);
const TTL: Duration = Duration::from_secs(10);
const ALL_BACK_WITHIN: Duration = Duration::from_secs(15);
/// An instance that failed for long is tried each 20 s.
const TRIED_AGAIN_WITHIN: Duration = Duration::from_secs(30);

pub async fn etcd_is_killed_hung_and_wiped_and_nobody_notices(cluster: Arc<Cluster>) {
    let load = Load::start(&cluster, "etcd", 4).await;
    let mut parts = Vec::new();

    let from = load.now();
    cluster.kill("etcd").await;
    tokio::time::sleep(DEAD).await;
    cluster.restart("etcd").await;
    let back = cluster.all_registered(ALL_BACK_WITHIN).await;
    parts.push((
        format!("killed for {} s, all there {:.1} s after", DEAD.as_secs(), back.as_secs_f64()),
        from,
        load.now(),
    ));

    let from = load.now();
    cluster.signal("etcd", Signal::STOP).await;
    tokio::time::sleep(HUNG).await;
    cluster.signal("etcd", Signal::CONT).await;
    let back = cluster.all_registered(ALL_BACK_WITHIN).await;
    parts.push((
        format!("hung for {} s, all there {:.1} s after", HUNG.as_secs(), back.as_secs_f64()),
        from,
        load.now(),
    ));

    let from = load.now();
    cluster.kill("etcd").await;
    std::fs::remove_dir_all(cluster.dir().join("etcd/data")).expect("its data are wiped");
    cluster.restart("etcd").await;
    let back = cluster.all_registered(ALL_BACK_WITHIN).await;
    parts.push((format!("wiped, all there {:.1} s after", back.as_secs_f64()), from, load.now()));

    let from = load.now();
    cluster.kill("etcd").await;
    cluster.restart("like-2").await;
    // This one has to find everybody in its memory.
    cluster.restart("gateway-2").await;
    cluster.restart("etcd").await;
    let back = cluster.all_registered(ALL_BACK_WITHIN).await;
    let before = calls_of(&cluster, "like-2").await;
    eventually("the one that started without etcd gets calls", TRIED_AGAIN_WITHIN, async || {
        (calls_of(&cluster, "like-2").await > before).then_some(())
    })
    .await;
    parts.push((
        format!("away while two started, all there {:.1} s after", back.as_secs_f64()),
        from,
        load.now(),
    ));

    let from = load.now();
    let began = Instant::now();
    revoke_lease_of(&cluster, "comment", "comment-1").await;
    cluster.all_registered(TTL).await;
    parts.push((
        format!("a lease revoked, all there {:.1} s after", began.elapsed().as_secs_f64()),
        from,
        load.now(),
    ));

    let done = load.stop().await;
    for (what, from, to) in parts {
        println!("etcd {what}: {}", done.between(from, to));
    }
    let summary = done.summary();
    let facts = done.verify(&cluster).await;
    println!("etcd: {summary}; 0 of {facts} facts lost");
    assert_eq!(summary.failures(), 0, "{summary}");
}

async fn calls_of(cluster: &Cluster, process: &str) -> f64 {
    cluster.metric(process, "dytt_rpc_server_seconds_count", &["LikeService"]).await
}

async fn revoke_lease_of(cluster: &Cluster, service: &str, process: &str) {
    let key = format!("/{service}/v1/{}", cluster.address(process));
    let lease = lease_of(cluster, &key).await.expect("a lease");
    cluster.etcdctl(&["lease", "revoke", &format!("{lease:x}")]).await;
    // It may be back already.
    assert_ne!(lease_of(cluster, &key).await, Some(lease), "the lease took its key along");
}

async fn lease_of(cluster: &Cluster, key: &str) -> Option<i64> {
    let found: serde_json::Value =
        serde_json::from_str(&cluster.etcdctl(&["get", key, "-w", "json"]).await).expect("JSON");
    found["kvs"][0]["lease"].as_i64()
}
