//! Shares of calls as an operator sets them; and an instance of another version, which gets none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::cluster::Cluster;
use crate::front::{Front, How};

const CALLS: usize = 2_000;
const AT_ONCE: usize = 8;
/// How soon a change has to show.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(1);

pub async fn calls_follow_the_weights(cluster: Arc<Cluster>) {
    let front = Arc::new(Front::new(&cluster));
    let ann = front.join("weights ann").await;
    let video = front.video(&ann, "weights").await;
    let like = |front: Arc<Front>| {
        let pairs =
            [("token", ann.token.clone()), ("video_id", video.to_string()), ("action_type", "1".into())];
        async move { front.post("/douyin/favorite/action/", &pairs).await }
    };
    // One of version 2 that would take calls.
    let other = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = other.local_addr().expect("an address");
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let accepting = tokio::spawn(async move {
        while let Ok((_stream, _)) = other.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let value = format!(r#"{{"name":"like","addr":"{address}","version":"v2","weight":100}}"#);
    cluster.etcdctl(&["put", &format!("/like/v2/{address}"), &value]).await;

    weigh(&cluster, "like-1", "300").await;
    tokio::time::sleep(FOLLOWED_WITHIN).await;
    let (one, two) = (calls(&cluster, "like-1").await, calls(&cluster, "like-2").await);
    let began = Instant::now();
    let failed = call_often(&front, &like).await;
    let (one, two) = (calls(&cluster, "like-1").await - one, calls(&cluster, "like-2").await - two);
    let share = one / (one + two);
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "weights 300 to 100: {CALLS} calls in {seconds:.1} s, {failed} failed, {one} to {two}, {:.1} %",
        share * 100.0
    );

    weigh(&cluster, "like-1", "0").await;
    tokio::time::sleep(FOLLOWED_WITHIN).await;
    let drained = calls(&cluster, "like-1").await;
    let mut lost = 0;
    for _ in 0..200 {
        lost += usize::from(!matches!(like(Arc::clone(&front)).await.how, How::Done(_)));
    }
    let after = calls(&cluster, "like-1").await - drained;
    let asked = asked.load(Ordering::Relaxed);
    println!(
        "weight 0: {after} of 200 calls after 1 s, {lost} failed; an instance of v2 got {asked} connections"
    );

    // It asks everybody how they are, the one of version 2 too.
    let listed = cluster.dytt(&["services", "list"]).await;
    weigh(&cluster, "like-1", "100").await;
    cluster.etcdctl(&["del", &format!("/like/v2/{address}")]).await;
    accepting.abort();
    assert!(
        (one + two - CALLS as f64).abs() < 1.0 && failed == 0,
        "each call is counted once: {one} + {two}"
    );
    assert!((0.70..=0.80).contains(&share), "{share}");
    assert_eq!((after, lost, asked), (0.0, 0, 0));
    let address = cluster.address("like-1");
    let shown = listed.stdout.lines().find(|line| line.starts_with("like ") && line.contains(&address));
    let words: Vec<&str> = shown.unwrap_or_default().split_whitespace().collect();
    assert_eq!(words.get(4), Some(&"0"), "{listed:?}");
    assert!(listed.stdout.contains("serving"), "{listed:?}");
}

async fn weigh(cluster: &Cluster, process: &str, weight: &str) {
    let ended = cluster.dytt(&["services", "weight", "like", &cluster.address(process), weight]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

async fn calls(cluster: &Cluster, process: &str) -> f64 {
    cluster.metric(process, "dytt_rpc_server_seconds_count", &["LikeVideo"]).await
}

/// How many of them fail.
async fn call_often<F>(front: &Arc<Front>, call: &impl Fn(Arc<Front>) -> F) -> usize
where
    F: Future<Output = crate::front::Ended> + Send + 'static,
{
    let (mut tasks, mut failed) = (JoinSet::new(), 0);
    for number in 0..CALLS {
        tasks.spawn(call(Arc::clone(front)));
        if number >= AT_ONCE {
            let ended = tasks.join_next().await.expect("one is under way").expect("a call ends");
            failed += usize::from(!matches!(ended.how, How::Done(_)));
        }
    }
    while let Some(ended) = tasks.join_next().await {
        failed += usize::from(!matches!(ended.expect("a call ends").how, How::Done(_)));
    }
    failed
}
