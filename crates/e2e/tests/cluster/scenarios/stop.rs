//! Orderly ends: everything is restarted one after another under load and nobody notices; the order of an
//! end; ends that a second signal hastens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, names};
use crate::load::Load;

pub async fn everything_is_restarted_one_after_another_under_load(cluster: Arc<Cluster>) {
    let load = Load::start(&cluster, "restart", 8).await;
    let mut parts = Vec::new();
    for name in names() {
        let (from, began) = (load.now(), Instant::now());
        cluster.restart(&name).await;
        parts.push((name, from, load.now(), began.elapsed()));
    }
    let done = load.stop().await;
    let mut longest = Duration::ZERO;
    for (name, from, to, took) in &parts {
        longest = longest.max(*took);
        let part = done.between(*from, *to);
        if part.failures() > 0 {
            println!("restart {name} ({:.1} s): {part}", took.as_secs_f64());
        }
    }
    let summary = done.summary();
    let facts = done.verify(&cluster).await;
    println!(
        "restart of {} processes: {summary}; 0 of {facts} facts lost; the slowest stop and start took {:.1} s",
        parts.len(),
        longest.as_secs_f64()
    );
    assert_eq!(summary.failures(), 0, "{summary}");
    assert!(longest < Duration::from_secs(20), "{longest:?}");
}
