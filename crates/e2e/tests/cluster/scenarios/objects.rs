//! The object store dead and hung: publishing is refused and leaves nothing, all else goes on, and it is well
//! again by itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::{User, eventually};
use rustix::process::Signal;

use crate::cluster::Cluster;
use crate::front::{Front, How};
use crate::load::Load;

const HUNG: Duration = Duration::from_secs(10);
const AWAY: Duration = Duration::from_secs(5);
const BACK_WITHIN: Duration = Duration::from_secs(15);
/// A publish has to have been refused by then.
const REFUSED_WITHIN: Duration = Duration::from_secs(45);

pub async fn without_the_object_store_only_publishing_stops(cluster: Arc<Cluster>) {
    let front = Front::new(&cluster);
    let ann = front.join("objects ann").await;
    front.video(&ann, "objects before").await;
    let load = Load::start(&cluster, "objects", 6).await;

    let killed = load.now();
    cluster.kill("s3").await;
    let began = Instant::now();
    let refused = publish(&front, &ann, "objects away").await;
    println!("s3 killed: publishing says {refused} after {} ms", began.elapsed().as_millis());
    assert_eq!(refused, "503/100008");
    assert!(began.elapsed() < REFUSED_WITHIN, "{:?}", began.elapsed());
    tokio::time::sleep(AWAY.saturating_sub(began.elapsed())).await;
    cluster.restart("s3").await;
    let back = recovery(&front, &ann, "objects back").await;
    let restarted = load.now();

    cluster.signal("s3", Signal::STOP).await;
    let began = Instant::now();
    let hung = publish(&front, &ann, "objects hung").await;
    let took = began.elapsed();
    tokio::time::sleep(HUNG.saturating_sub(took)).await;
    cluster.signal("s3", Signal::CONT).await;
    println!("s3 hung: publishing says {hung} after {} ms", took.as_millis());
    assert!(hung == "503/100008" && took < REFUSED_WITHIN, "{hung} after {took:?}");
    let again = recovery(&front, &ann, "objects again").await;
    let thawed = load.now();

    let done = load.stop().await;
    println!(
        "s3 killed: {}; publishing again {:.1} s after its return",
        done.between(killed, restarted),
        back.as_secs_f64()
    );
    println!(
        "s3 hung: {}; publishing again {:.1} s after",
        done.between(restarted, thawed),
        again.as_secs_f64()
    );
    let list = front.list("/douyin/publish/list/", &[("token", ann.token.clone())], "video_list").await;
    let titles: Vec<&str> = list.iter().filter_map(|video| video["title"].as_str()).collect();
    assert_eq!(titles, ["objects again", "objects back", "objects before"], "what was refused left no row");
    done.verify(&cluster).await;
    assert_eq!(done.summary().failures(), 0, "{}", done.summary());
}

/// What its author sees: nothing special, or a status and a code.
async fn publish(front: &Front, author: &User, title: &str) -> String {
    match front.publish(author, title, e2e::clip::plain()).await.how {
        How::Done(_) => "done".into(),
        How::Refused(http, code) => format!("{http}/{code}"),
        How::Unknown(seen) => seen,
    }
}

/// Publishes once more until it works; how long that took.
async fn recovery(front: &Front, author: &User, title: &str) -> Duration {
    let began = Instant::now();
    eventually("publishing works again", BACK_WITHIN, async || {
        (publish(front, author, title).await == "done").then_some(())
    })
    .await;
    began.elapsed()
}
