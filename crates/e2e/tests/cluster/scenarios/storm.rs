//! A service that fails for good is not asked much more often than people ask: retries stay within their
//! budget.

use std::sync::Arc;

use crate::cluster::{Cluster, names};
use crate::front::{Front, How};

const CALLS: usize = 300;
/// Calls to the service for each call of people.
const MOST: f64 = 1.2;

pub async fn a_service_that_always_fails_is_asked_a_fifth_more_at_most(cluster: Arc<Cluster>) {
    let front = Front::new(&cluster);
    let ann = front.join("storm ann").await;
    let video = front.video(&ann, "storm").await;
    cluster.kill("mariadb").await;
    let (clients, servers) = counts(&cluster).await;
    let mut done = 0;
    for _ in 0..CALLS {
        let pairs =
            [("token", ann.token.clone()), ("video_id", video.to_string()), ("action_type", "1".into())];
        done += usize::from(matches!(front.post("/douyin/favorite/action/", &pairs).await.how, How::Done(_)));
    }
    let (clients_after, servers_after) = counts(&cluster).await;
    cluster.restart("mariadb").await;
    let (asked, taken) = (clients_after - clients, servers_after - servers);
    println!(
        "storm: {CALLS} likes of people, {asked} calls by gateways, {taken} taken by instances of a failing like"
    );
    assert_eq!(done, 0, "nothing can be liked without a database");
    assert!((asked - CALLS as f64).abs() < 1.0, "each request is one call: {asked}");
    assert!(taken <= MOST * asked, "{taken} of {asked}");
}

/// Calls made by gateways, and taken by services.
async fn counts(cluster: &Cluster) -> (f64, f64) {
    let (mut clients, mut servers) = (0.0, 0.0);
    for name in names() {
        if name.starts_with("gateway") {
            clients += cluster.metric(&name, "dytt_rpc_client_seconds_count", &["LikeVideo"]).await;
        } else if name.starts_with("like") {
            servers += cluster.metric(&name, "dytt_rpc_server_seconds_count", &["LikeVideo"]).await;
        }
    }
    (clients, servers)
}
