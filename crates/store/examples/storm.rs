//! How the store bears a crowd on MariaDB: likes each second, alone and on one video, and 50,000 mixed
//! operations on three videos by sixteen workers. Run it with `--release`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::{CommentId, Content, Timestamp, Title, UserId, UserName, VideoId};
use store::{Config, NewObject, NewVideo, Store};
use tokio::task::JoinSet;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const PEOPLE: usize = 200;
const OPERATIONS: u64 = 50_000;
const WORKERS: u64 = 16;
const EACH: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().expect("make a folder");
    let server = servers::mariadb(&folder.path().join("mariadb")).expect("start MariaDB");
    let store = Store::open(&config(folder.path(), server.port()), folder.path()).await.expect("open");
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let name = UserName::parse(&format!("user {number}"), 64).expect("a name");
        people.push(store.create_user(name, "hash".into(), NOW).await.expect("make a user"));
    }
    let mut videos = Vec::new();
    for (number, author) in people.iter().enumerate() {
        videos.push(store.publish(video(*author, number), NOW).await.expect("publish"));
    }
    let people: Arc<[UserId]> = people.into();
    for workers in [1, 16, 64] {
        println!(
            "{workers} workers, likes spread over {PEOPLE} videos: {}",
            likes(&store, &people, &videos, workers).await
        );
        println!(
            "{workers} workers, likes of one video: {}",
            likes(&store, &people, &videos[..1], workers).await
        );
    }
    println!("16 workers, pages of the feed for a viewer: {:.0}/s", pages(&store, &people).await);
    storm(&store, &people, &videos[..3]).await;
    let findings = store.check().await.expect("check");
    println!("the check finds {} differences", findings.len());
    store.close().await;
}

fn config(folder: &Path, port: u16) -> Config {
    use std::os::unix::fs::PermissionsExt;
    let secret = folder.join("password");
    std::fs::write(&secret, servers::MARIADB_PASSWORD).expect("write the password");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("close the file");
    Config {
        url: format!("mysql://{}@127.0.0.1:{port}/dytt_storm", servers::MARIADB_USER),
        password_file: "password".into(),
        write_wait_ms: 5_000,
        read_wait_ms: 5_000,
    }
}

fn video(author: UserId, number: usize) -> NewVideo {
    let play_key = format!("p/{number}");
    let object = NewObject { key: play_key.clone(), bytes: 1, sha256: vec![0; 32] };
    let title = Title::parse("a clip").expect("a title");
    NewVideo { author, title, play_key, cover_key: None, objects: vec![object], source_key: None }
}

/// Likes and their undoing, in words: how many each second, and the slowest of a hundred.
async fn likes(store: &Store, people: &Arc<[UserId]>, videos: &[VideoId], workers: usize) -> String {
    let (began, retries) = (Instant::now(), store.retries());
    let mut tasks = JoinSet::new();
    for worker in 0..workers {
        let (store, people, videos) = (store.clone(), Arc::clone(people), videos.to_vec());
        tasks.spawn(async move {
            let mut times = Vec::new();
            let mut step = worker;
            while began.elapsed() < EACH {
                // Nobody shares a person with another worker; every second operation undoes the first.
                let person = people[(worker + step / (2 * videos.len()) * workers) % people.len()];
                let video = videos[step / 2 % videos.len()];
                let asked = Instant::now();
                let done = match step % 2 {
                    0 => store.like_video(person, video, NOW).await,
                    _ => store.unlike_video(person, video).await,
                };
                done.expect("like");
                times.push(asked.elapsed());
                step += 1;
            }
            times
        });
    }
    let mut times: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    times.sort_unstable();
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    let slow = times[times.len() * 99 / 100];
    format!(
        "{rate:.0}/s, p50 {:.1?}, p99 {slow:.1?}, {} retried",
        times[times.len() / 2],
        store.retries() - retries
    )
}

/// Full pages of the feed each second.
async fn pages(store: &Store, people: &Arc<[UserId]>) -> f64 {
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for worker in 0..16 {
        let (store, viewer) = (store.clone(), people[worker]);
        tasks.spawn(async move {
            let mut read = 0_u32;
            while began.elapsed() < EACH {
                let page = store.feed(Timestamp::from_millis(i64::MAX), Some(viewer)).await.expect("a page");
                assert_eq!(page.page.cards.len(), 30);
                read += 1;
            }
            read
        });
    }
    let read: u32 = tasks.join_all().await.into_iter().sum();
    f64::from(read) / began.elapsed().as_secs_f64()
}

async fn storm(store: &Store, people: &Arc<[UserId]>, videos: &[VideoId]) {
    let (began, retries) = (Instant::now(), store.retries());
    let failed = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    for worker in 0..WORKERS {
        let (store, people, videos) = (store.clone(), Arc::clone(people), videos.to_vec());
        let failed = Arc::clone(&failed);
        tasks.spawn(async move {
            let mut chance = fastrand::Rng::with_seed(worker);
            let mut mine: Vec<(UserId, VideoId, CommentId)> = Vec::new();
            for _ in 0..OPERATIONS / WORKERS {
                let (one, other) = (people[chance.usize(..20)], people[chance.usize(..20)]);
                let video = videos[chance.usize(..videos.len())];
                let done = match chance.u8(..8) {
                    0 | 1 => store.like_video(one, video, NOW).await,
                    2 | 3 => store.unlike_video(one, video).await,
                    4 => store.follow_user(one, other, NOW).await,
                    5 => store.unfollow_user(one, other).await,
                    6 => {
                        let text = Content::parse("content", "text").expect("a text");
                        let added = store.add_comment(one, video, text, NOW).await;
                        added.map(|row| mine.push((one, video, CommentId::parse(row.id).expect("a number"))))
                    }
                    _ => match mine.pop() {
                        Some((by, video, comment)) => store.delete_comment(by, video, comment).await,
                        None => Ok(()),
                    },
                };
                if let Err(error) = done {
                    println!("failed: {}", error.chain());
                    failed.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    tasks.join_all().await;
    let took = began.elapsed();
    println!(
        "{OPERATIONS} operations by {WORKERS} workers on {} videos: {took:.1?}, {:.0}/s, {} failed, {} retried",
        videos.len(),
        OPERATIONS as f64 / took.as_secs_f64(),
        failed.load(Ordering::Relaxed),
        store.retries() - retries
    );
}
