//! One of two instances is killed under load: nobody notices, but for what can only be done once and was
//! under way.

use std::sync::Arc;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::load::Load;

/// Long enough for the load to meet the gap.
const GAP: Duration = Duration::from_secs(2);

pub async fn one_of_two_instances_is_killed_under_load(cluster: Arc<Cluster>) {
    let load = Load::start(&cluster, "kill", 2).await;
    let mut parts = Vec::new();
    for name in ["user-1", "like-2", "feed-1", "video-2", "comment-1", "message-2"] {
        let from = load.now();
        tokio::time::sleep(Duration::from_millis(500)).await;
        cluster.kill(name).await;
        tokio::time::sleep(GAP).await;
        cluster.restart(name).await;
        parts.push((name, from, load.now()));
    }
    let done = load.stop().await;
    for (name, from, to) in &parts {
        println!("kill {name}: {}", done.between(*from, *to));
    }
    let facts = done.verify(&cluster).await;
    let summary = done.summary();
    println!("kill: {summary}; 0 of {facts} facts lost");
    assert_eq!(summary.avoidable(), 0, "reads and repeatable writes do not fail");
    // At most what eight people had under way, six times.
    assert!(summary.failures() <= 6, "{summary}");
}
