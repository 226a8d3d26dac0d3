//! A start of everything at once, in an order nobody planned.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::task::JoinSet;

use crate::cluster::{Cluster, names};
use crate::front::{Front, How};

const READY_WITHIN: Duration = Duration::from_secs(15);
const AT_ONCE: usize = 6;

pub async fn services_start_in_any_order(cluster: Arc<Cluster>) {
    let mut order = names();
    Rng::with_seed(14).shuffle(&mut order);
    for name in &order {
        cluster.kill(name).await;
    }
    let began = Instant::now();
    let mut starting = JoinSet::new();
    for name in order.clone() {
        if starting.len() >= AT_ONCE {
            starting.join_next().await.expect("one is starting").expect("it starts");
        }
        let cluster = Arc::clone(&cluster);
        starting.spawn(async move { cluster.restart(&name).await });
    }
    while let Some(started) = starting.join_next().await {
        started.expect("it starts");
    }
    let ready = began.elapsed();
    let front = Front::new(&cluster);
    let answered = front.get("/douyin/feed/", &[]).await;
    println!(
        "order: {} processes killed and started in the order {}: ready after {:.1} s",
        order.len(),
        order.join(" "),
        ready.as_secs_f64()
    );
    assert!(matches!(answered.how, How::Done(_)), "{answered:?}");
    assert!(ready <= READY_WITHIN, "{ready:?}");
    cluster.fsck().await;
}
