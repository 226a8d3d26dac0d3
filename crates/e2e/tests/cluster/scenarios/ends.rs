//! One end at a time: its order, as etcd and `/readyz` see it; what a second signal does; and an upload and a
//! re-encoding that were under way.

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::{clip, eventually, raw, within};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;

use crate::cluster::Cluster;
use crate::extra::Extra;
use crate::front::{Front, How};
use crate::load::Load;

const ENDED_WITHIN: Duration = Duration::from_secs(20);
const SEEN_WITHIN: Duration = Duration::from_secs(10);
/// How exactly two watchers can tell what came first.
const BLUR: Duration = Duration::from_millis(150);
const ENCODED_WITHIN: Duration = Duration::from_secs(90);

pub async fn an_end_has_its_order_and_a_second_signal_hastens_it(cluster: Arc<Cluster>) {
    let load = Load::start(&cluster, "ends", 88).await;
    let extra = Extra::start(&cluster, "like", &[], &[]).await;
    let key = format!("/like/v1/{}", extra.rpc);
    let mut watch = watch(&cluster, &key);
    let mut events = BufReader::new(watch.stdout.take().expect("its output")).lines();
    eventually("it is registered", SEEN_WITHIN, async || {
        cluster.registered().await.is_some_and(|keys| keys.contains(&key)).then_some(())
    })
    .await;
    eventually("it gets calls", SEEN_WITHIN, async || {
        let (_, text) = get(&extra.admin, "/metrics").await?;
        text.contains("dytt_rpc_server_seconds_count").then_some(())
    })
    .await;
    let (admin, rpc) = (extra.admin.clone(), extra.rpc.clone());
    let began = Instant::now();
    let ending = tokio::spawn(async move { (extra.stop().await, began.elapsed()) });
    let removed = async {
        while let Ok(Some(line)) = events.next_line().await {
            if line == "DELETE" {
                return began.elapsed();
            }
        }
        panic!("etcd's watch ended");
    };
    let unready = eventually("it is not ready", SEEN_WITHIN, async || match get(&admin, "/readyz").await {
        Some((200, _)) => None,
        _ => Some(began.elapsed()),
    });
    let closed = eventually("it takes no new connection", SEEN_WITHIN, async || {
        TcpStream::connect(&rpc).await.is_err().then(|| began.elapsed())
    });
    let (removed, unready, closed) =
        within("the end is seen", SEEN_WITHIN, async { tokio::join!(removed, unready, closed) }).await;
    let (in_order, ended) = ending.await.expect("it ends");
    watch.kill().await.expect("the watch ends");

    let mut hasty = Extra::start(&cluster, "follow", &[], &[]).await;
    let pid = Pid::from_raw(hasty.child.id().expect("it runs").cast_signed()).expect("a pid");
    kill_process(pid, Signal::TERM).expect("the signal is sent");
    eventually("it is not ready", SEEN_WITHIN, async || {
        (get(&hasty.admin, "/readyz").await.map(|(status, _)| status) == Some(503)).then_some(())
    })
    .await;
    let second = Instant::now();
    kill_process(pid, Signal::TERM).expect("the signal is sent");
    let status = within("it ends", SEEN_WITHIN, hasty.child.wait()).await.expect("a status");
    let second = second.elapsed();

    let done = load.stop().await;
    let facts = done.verify(&cluster).await;
    println!(
        "end of an instance: out of etcd after {} ms, /readyz 503 after {}, port closed after {}, ended after {} \
         with {}; after a second SIGTERM {} ms ({status}); {}; 0 of {facts} facts lost",
        removed.as_millis(),
        unready.as_millis(),
        closed.as_millis(),
        ended.as_millis(),
        if in_order { "0" } else { "an error" },
        second.as_millis(),
        done.summary()
    );
    assert!(in_order && ended <= ENDED_WITHIN, "{ended:?}");
    assert!(removed <= unready + BLUR && unready < closed && closed <= ended + BLUR);
    assert!(second <= Duration::from_secs(1), "{second:?}");
    // What an instance had under way when it was told twice is cut off.
    assert_eq!(done.summary().avoidable(), 0, "{}", done.summary());
}

pub async fn an_upload_and_a_job_outlive_the_end_of_their_process(cluster: Arc<Cluster>) {
    let front = Front::new(&cluster);
    let ann = front.join("ends ann").await;
    let parts: [(&str, &[u8]); 3] = [
        ("name=\"token\"", ann.token.as_bytes()),
        ("name=\"title\"", b"ends upload"),
        ("name=\"data\"; filename=\"a\"", clip::plain()),
    ];
    let request = raw::post_form("/douyin/publish/action/", &parts);
    let mut upload = TcpStream::connect(("127.0.0.1", cluster.port("gateway-1"))).await.expect("connects");
    raw::send(&mut upload, &request[..request.len() / 2]).await;
    let restarting = Arc::clone(&cluster);
    let restart = tokio::spawn(async move { restarting.restart("gateway-1").await });
    eventually("gateway-1 is ending", SEEN_WITHIN, async || {
        (cluster.ready("gateway-1").await != Some(200)).then_some(())
    })
    .await;
    raw::send(&mut upload, &request[request.len() / 2..]).await;
    let (status, json) = raw::parsed(&raw::rest(&mut upload).await);
    println!("end during an upload: {status}/{}", json["status_code"]);
    restart.await.expect("gateway-1 is back");
    assert_eq!((status, &json["status_code"]), (200, &0.into()), "{json}");

    let began = Instant::now();
    let before = jobs(&cluster).await;
    let published = front.publish(&ann, "ends job", clip::long_webm()).await;
    assert!(matches!(published.how, How::Done(_)), "{published:?}");
    let working = eventually("somebody has begun the job", SEEN_WITHIN, async || {
        let now = jobs(&cluster).await;
        (0..2).find(|index| now[*index] > before[*index])
    })
    .await;
    let name = ["media-1", "media-2"][working];
    cluster.restart(name).await;
    eventually("the video is everybody's", ENCODED_WITHIN, async || {
        let feed = front.list("/douyin/feed/", &[], "video_list").await;
        feed.iter().any(|video| video["title"] == "ends job").then_some(())
    })
    .await;
    let after = jobs(&cluster).await;
    println!(
        "end during a job: {name} had begun it, {} other begins, done {:.1} s after it was published",
        after.iter().sum::<f64>() - before[1 - working],
        began.elapsed().as_secs_f64()
    );
    cluster.fsck().await;
}

async fn jobs(cluster: &Cluster) -> [f64; 2] {
    let started = "dytt_media_jobs_started_total";
    [cluster.metric("media-1", started, &[]).await, cluster.metric("media-2", started, &[]).await]
}

/// Prints a line when the key changes.
fn watch(cluster: &Cluster, key: &str) -> tokio::process::Child {
    let mut command = tokio::process::Command::new("etcdctl");
    command.env("ETCDCTL_API", "3").arg(format!("--endpoints=http://127.0.0.1:{}", cluster.port("etcd")));
    command.args(["watch", key]).stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command.spawn().expect("etcdctl starts")
}

async fn get(admin: &str, path: &str) -> Option<(u16, String)> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(1)).build().ok()?;
    let response = client.get(format!("http://{admin}{path}")).send().await.ok()?;
    Some((response.status().as_u16(), response.text().await.ok()?))
}
