//! The database is killed while people write: what was acknowledged stays, refusals are quick and honest, and
//! all is well seconds after it is back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::eventually;

use crate::cluster::{Cluster, names};
use crate::front::{Front, How};
use crate::load::Load;

const ROUNDS: usize = 3;
/// How long it is away.
const AWAY: Duration = Duration::from_secs(3);
/// The longest the gateway grants a call, and a little for the machine.
const DEADLINE: Duration = Duration::from_millis(10_500);
const RECOVERED_WITHIN: Duration = Duration::from_secs(5);

pub async fn the_database_is_killed_while_people_write(cluster: Arc<Cluster>) {
    let pids = pids(&cluster).await;
    let load = Load::start(&cluster, "database", 5).await;
    let port = cluster.port("mariadb");
    let mut parts = Vec::new();
    for round in 0..ROUNDS {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let feed = anonymous_feed(&load.front).await.expect("a feed before the fault");
        let from = load.now();
        cluster.kill("mariadb").await;
        let killed = Instant::now();
        eventually("a service says it is not ready", Duration::from_secs(4), async || {
            (cluster.ready("like-1").await == Some(503)).then_some(())
        })
        .await;
        let unready = killed.elapsed();
        for name in names() {
            let lives = cluster.admin(&name, "/livez").await.map(|(status, _)| status);
            assert_eq!(lives, Some(200), "{name} lives");
        }
        let last = anonymous_feed(&load.front).await;
        tokio::time::sleep(AWAY.saturating_sub(killed.elapsed())).await;
        cluster.restart("mariadb").await;
        let back = load.now();
        assert!(servers::mariadb_sql(port, "SELECT 1").is_ok(), "it accepts connections");
        tokio::time::sleep(RECOVERED_WITHIN + Duration::from_secs(3)).await;
        parts.push((from, back, load.now()));
        println!(
            "database round {round}: /readyz 503 after {} ms, anonymous feed meanwhile {:?} of {feed} videos",
            unready.as_millis(),
            last
        );
        assert!(unready <= Duration::from_secs(2), "{unready:?}");
        assert!(last.is_ok(), "the anonymous feed goes on with its last page: {last:?}");
    }
    let done = load.stop().await;
    let mut recovered = Vec::new();
    for (from, back, to) in parts {
        println!("database away and back: {}", done.between(from, to));
        let after = done.between(back + RECOVERED_WITHIN, to);
        println!("database, 5 s after its return: {after}");
        recovered.push(after.success());
    }
    let summary = done.summary();
    let facts = done.verify(&cluster).await;
    println!("database: {summary}; 0 of {facts} facts lost");
    assert!(recovered.iter().all(|share| *share >= 0.99), "{recovered:?}");
    assert!(summary.slowest <= DEADLINE, "every request ends within its deadline: {summary}");
    assert_eq!(self::pids(&cluster).await, pids, "no process ended");
}

/// How many videos it shows, or what it says instead.
async fn anonymous_feed(front: &Front) -> Result<usize, String> {
    match front.get("/douyin/feed/", &[]).await.how {
        How::Done(json) => Ok(json["video_list"].as_array().map_or(0, Vec::len)),
        how @ (How::Refused(..) | How::Unknown(_)) => Err(format!("{how:?}")),
    }
}

async fn pids(cluster: &Cluster) -> Vec<u32> {
    let mut pids = Vec::new();
    for name in names() {
        pids.push(cluster.pid(&name).await);
    }
    pids
}
