//! One of two instances frozen, away or slow: calls go around it, and it is back soon after it is well.

use std::sync::Arc;
use std::time::Duration;

use e2e::eventually;
use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::extra::Extra;
use crate::load::Load;

const NOTICED_WITHIN: Duration = Duration::from_secs(5);
const FROZEN: Duration = Duration::from_secs(12);
const BACK_WITHIN: Duration = Duration::from_secs(30);
const AWAY: Duration = Duration::from_secs(10);
/// Both ways together.
const SLOWNESS: Duration = Duration::from_secs(2);
const ENOUGH: f64 = 0.999;

pub async fn one_of_two_instances_is_frozen_then_away(cluster: Arc<Cluster>) {
    let load = Load::start(&cluster, "frozen", 3).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let frozen = load.now();
    cluster.signal("like-2", Signal::STOP).await;
    tokio::time::sleep(FROZEN).await;
    let thawed = load.now();
    cluster.signal("like-2", Signal::CONT).await;
    let before = calls(&cluster, "like-2").await;
    let back = Instant::now();
    // More than what it had taken when it froze.
    eventually("the thawed instance gets calls", BACK_WITHIN, async || {
        (calls(&cluster, "like-2").await >= before + 20.0).then_some(())
    })
    .await;
    let back = back.elapsed();

    let killed = load.now();
    cluster.kill("follow-1").await;
    tokio::time::sleep(AWAY).await;
    let restarted = load.now();
    cluster.restart("follow-1").await;

    let done = load.stop().await;
    let at_once = done.between(frozen, frozen + NOTICED_WITHIN);
    let after = done.between(frozen + NOTICED_WITHIN, thawed);
    let away = done.between(killed, restarted);
    let facts = done.verify(&cluster).await;
    println!("frozen like-2, first 5 s: {at_once}");
    println!("frozen like-2, then: {after}; calls again {:.1} s after SIGCONT", back.as_secs_f64());
    println!("follow-1 away {} s: {away}; 0 of {facts} facts lost", AWAY.as_secs());
    assert!(after.success() >= ENOUGH, "{after}");
    assert_eq!(away.avoidable(), 0, "{away}");
}

pub async fn one_instance_of_three_is_two_seconds_slow(cluster: Arc<Cluster>) {
    let port = servers::free_port();
    let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let advertised = proxy.local_addr().expect("an address").to_string();
    let upstream = format!("127.0.0.1:{port}");
    let relay = tokio::spawn(relay(proxy, upstream.clone()));
    let load = Load::start(&cluster, "slow", 33).await;
    let from = load.now();
    let settings = [("DYTT_RPC__ADVERTISE", advertised.as_str())];
    let third = Extra::start(&cluster, "like", &settings, &["--rpc-listen", &upstream]).await;
    let registered = load.now();
    tokio::time::sleep(NOTICED_WITHIN + Duration::from_secs(6)).await;
    let until = load.now();
    let done = load.stop().await;
    let at_once = done.between(from, registered + NOTICED_WITHIN);
    let after = done.between(registered + NOTICED_WITHIN, until);
    let facts = done.verify(&cluster).await;
    println!("like-3 2 s slow, first 5 s: {at_once}");
    println!("like-3 2 s slow, then: {after}; 0 of {facts} facts lost");
    assert!(third.stop().await, "the slow one ends in order");
    relay.abort();
    assert!(after.success() >= ENOUGH && at_once.avoidable() == 0, "{at_once}; {after}");
    let likes: Vec<Duration> =
        done.calls.iter().filter(|call| call.what == "like").map(|call| call.took).collect();
    assert!(likes.iter().any(|took| *took >= SLOWNESS), "the slow one was tried: {:?}", likes.iter().max());
    let slow = likes.iter().filter(|took| **took >= SLOWNESS).count();
    assert!(slow * 5 < likes.len(), "most calls go around it: {slow} of {}", likes.len());
}

async fn calls(cluster: &Cluster, process: &str) -> f64 {
    cluster.metric(process, "dytt_rpc_server_seconds_count", &["LikeService"]).await
}

/// Hands everything on, half of the slowness later in each direction.
async fn relay(listener: TcpListener, upstream: String) {
    while let Ok((near, _)) = listener.accept().await {
        let Ok(far) = TcpStream::connect(&upstream).await else { continue };
        let ((near_reads, near_writes), (far_reads, far_writes)) = (near.into_split(), far.into_split());
        tokio::spawn(later(near_reads, far_writes));
        tokio::spawn(later(far_reads, near_writes));
    }
}

async fn later(mut from: impl AsyncRead + Unpin + Send + 'static, mut to: impl AsyncWrite + Unpin) {
    let (sender, mut due) = mpsc::channel::<(Instant, Vec<u8>)>(1024);
    tokio::spawn(async move {
        let mut bytes = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            let at = Instant::now() + SLOWNESS / 2;
            if sender.send((at, bytes[..count].to_vec())).await.is_err() {
                return;
            }
        }
    });
    while let Some((at, bytes)) = due.recv().await {
        tokio::time::sleep_until(at).await;
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
