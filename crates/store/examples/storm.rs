//! How the store bears a crowd: likes each second of 64 callers, spread and on one video, beside the same likes
//! with a transaction each, on SQLite and on MariaDB; there also 50,000 mixed operations on three videos. Run it
//! with `--release`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use domain::{CommentId, Content, Timestamp, Title, UserId, UserName, VideoId};
use sea_orm::sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions};
use store::{Config, NewObject, NewVideo, Store};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const PEOPLE: usize = 512;
const CALLERS: usize = 64;
const OPERATIONS: u64 = 50_000;
const WORKERS: u64 = 16;
const EACH: Duration = Duration::from_secs(4);
const ROUNDS: usize = 3;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().expect("make a folder");
    let config = Config { write_wait_ms: 5_000, read_wait_ms: 5_000, ..sqlite() };
    let store = Store::open(&config, folder.path()).await.expect("open");
    let crowd = Crowd::new(&store).await;
    let alone = Alone::Sqlite(one_writer(&folder.path().join("dytt.sqlite")));
    println!("SQLite, synchronous=FULL");
    compare(&store, alone, &crowd).await;
    store.close().await;

    let server = servers::mariadb(&folder.path().join("mariadb")).expect("start MariaDB");
    let config = mariadb(folder.path(), server.port());
    let store = Store::open(&config, folder.path()).await.expect("open");
    let crowd = Crowd::new(&store).await;
    let options: MySqlConnectOptions = config.url.parse().expect("an address");
    let pool = MySqlPoolOptions::new().max_connections(16);
    let pool = pool.connect_with(options.password(servers::MARIADB_PASSWORD)).await.expect("connect");
    println!("MariaDB, 16 connections for transactions of one like");
    compare(&store, Alone::MySql(pool), &crowd).await;
    println!("16 workers, pages of the feed for a viewer: {:.0}/s", pages(&store, &crowd.people).await);
    storm(&store, &crowd.people, &crowd.videos[..3]).await;
    store.close().await;
}

/// Who likes, and what.
struct Crowd {
    people: Arc<[UserId]>,
    videos: Vec<VideoId>,
}

impl Crowd {
    async fn new(store: &Store) -> Self {
        let (mut people, mut videos) = (Vec::new(), Vec::new());
        for number in 0..PEOPLE {
            let name = UserName::parse(&format!("user {number}"), 64).expect("a name");
            people.push(
                store.create_user(name, "hash".into(), store::Entry::Open, NOW).await.expect("make a user"),
            );
        }
        for (number, author) in people.iter().enumerate() {
            videos.push(store.publish(video(*author, number), NOW).await.expect("publish"));
        }
        Self { people: people.into(), videos }
    }
}

fn sqlite() -> Config {
    Config {
        url: "sqlite:dytt.sqlite".into(),
        password_file: String::new(),
        write_wait_ms: 5_000,
        read_wait_ms: 5_000,
    }
}

fn mariadb(folder: &Path, port: u16) -> Config {
    use std::os::unix::fs::PermissionsExt;
    let secret = folder.join("password");
    std::fs::write(&secret, servers::MARIADB_PASSWORD).expect("write the password");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("close the file");
    let url = format!("mysql://{}@127.0.0.1:{port}/dytt_storm", servers::MARIADB_USER);
    Config { url, password_file: "password".into(), ..sqlite() }
}

fn video(author: UserId, number: usize) -> NewVideo {
    let play_key = format!("p/{number}");
    let object = NewObject {
        key: play_key.clone(),
        role: store::REMUX.into(),
        bytes: 1,
        sha256: vec![0; 32],
        ..NewObject::default()
    };
    let title = Title::parse("a clip").expect("a title");
    NewVideo {
        author,
        title,
        play_key,
        cover_key: None,
        objects: vec![object],
        visibility: domain::Visibility::Public,
        duration_ms: 8_000,
        received_at: Timestamp::now(),
        upload: None,
    }
}

/// A like, or one taken back.
#[derive(Clone, Copy)]
struct Wish {
    viewer: UserId,
    video: VideoId,
    likes: bool,
}

/// A transaction each, in the order of locks that is best on either database.
#[derive(Clone)]
enum Alone {
    Sqlite(Sender<(Wish, oneshot::Sender<()>)>),
    MySql(MySqlPool),
}

impl Alone {
    async fn carry_out(&self, wish: Wish) {
        match self {
            Self::Sqlite(writer) => {
                let (answer, answered) = oneshot::channel();
                writer.send((wish, answer)).expect("a writer");
                answered.await.expect("an answer");
            }
            Self::MySql(pool) => transact(pool, wish).await.expect("a transaction"),
        }
    }
}

const AUTHOR: &str = "SELECT (SELECT author_id FROM video WHERE id = video_id AND published_at IS NOT NULL) \
                      FROM video_stat WHERE video_id = ?";
const INSERT: &str = "INSERT INTO video_like (user_id, video_id, created_at) VALUES (?, ?, 0)";
const DELETE: &str = "DELETE FROM video_like WHERE user_id = ? AND video_id = ?";
const COUNT_VIDEO: &str = "UPDATE video_stat SET like_count = like_count + ? WHERE video_id = ?";
const COUNT_PEOPLE: &str = "UPDATE user_stat SET liked_count = liked_count + ? * (user_id = ?), \
                            received_like_count = received_like_count + ? * (user_id = ?) \
                            WHERE user_id IN (?, ?)";

async fn transact(pool: &MySqlPool, wish: Wish) -> Result<(), sea_orm::sqlx::Error> {
    use sea_orm::sqlx::{AssertSqlSafe, query, query_scalar};
    let (viewer, video) = (wish.viewer.get(), wish.video.get());
    let (change, by) = if wish.likes { (INSERT, 1_i64) } else { (DELETE, -1) };
    let mut transaction = pool.begin().await?;
    let author = AssertSqlSafe(format!("{AUTHOR} FOR UPDATE"));
    let author: i64 = query_scalar(author).bind(video).fetch_one(&mut *transaction).await?;
    let changed = query(change).bind(viewer).bind(video).execute(&mut *transaction).await?;
    assert_eq!(changed.rows_affected(), 1);
    query(COUNT_VIDEO).bind(by).bind(video).execute(&mut *transaction).await?;
    let count = query(COUNT_PEOPLE).bind(by).bind(viewer).bind(by).bind(author).bind(viewer).bind(author);
    count.execute(&mut *transaction).await?;
    transaction.commit().await
}

/// One thread that writes.
fn one_writer(file: &Path) -> Sender<(Wish, oneshot::Sender<()>)> {
    let connection = rusqlite::Connection::open(file).expect("open");
    connection.pragma_update(None, "foreign_keys", true).expect("foreign keys");
    connection.pragma_update(None, "synchronous", "FULL").expect("FULL");
    connection.busy_timeout(EACH).expect("a time-out");
    let (writer, wishes): (_, Receiver<(Wish, oneshot::Sender<()>)>) = channel();
    std::thread::spawn(move || {
        for (wish, answer) in wishes {
            write(&connection, wish).expect("a transaction");
            let _gone = answer.send(());
        }
    });
    writer
}

fn write(connection: &rusqlite::Connection, wish: Wish) -> rusqlite::Result<()> {
    let (viewer, video) = (wish.viewer.get(), wish.video.get());
    let (change, by) = if wish.likes { (INSERT, 1_i64) } else { (DELETE, -1) };
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let author: i64 = connection.prepare_cached(AUTHOR)?.query_row([video], |row| row.get(0))?;
    assert_eq!(connection.prepare_cached(change)?.execute([viewer, video])?, 1);
    connection.prepare_cached(COUNT_VIDEO)?.execute([by, video])?;
    connection.prepare_cached(COUNT_PEOPLE)?.execute([by, viewer, by, author, viewer, author])?;
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}

/// One way after the other, in turn, hot and spread.
async fn compare(store: &Store, alone: Alone, crowd: &Crowd) {
    for (what, videos) in [("one video", &crowd.videos[..1]), ("spread", &crowd.videos[..])] {
        for _ in 0..ROUNDS {
            let each = alone.clone();
            let base = likes(crowd, videos, move |wish| {
                let each = each.clone();
                async move { each.carry_out(wish).await }
            });
            let base = base.await;
            let (shared, retries) = (store.clone(), store.retries());
            let together = likes(crowd, videos, move |Wish { viewer, video, likes }| {
                let store = shared.clone();
                async move {
                    let done = match likes {
                        true => store.like_video(viewer, video, NOW).await,
                        false => store.unlike_video(viewer, video).await,
                    };
                    done.expect("like");
                }
            });
            let together = together.await;
            println!(
                "  {what}: {} alone, {} together: {:.1} times; {} retried",
                base.words(),
                together.words(),
                together.rate / base.rate,
                store.retries() - retries
            );
        }
    }
    let findings = store.check().await.expect("check");
    assert!(findings.is_empty(), "{findings:?}");
}

/// How many each second, and how long one of them took.
struct Pace {
    rate: f64,
    times: Vec<Duration>,
}

impl Pace {
    fn words(&self) -> String {
        let (half, slow) = (self.times[self.times.len() / 2], self.times[self.times.len() * 99 / 100]);
        format!("{:.0}/s (p50 {half:.1?}, p99 {slow:.1?})", self.rate)
    }
}

/// Likes and their undoing by 64 callers, each of them a few people nobody else is.
async fn likes<F>(
    crowd: &Crowd,
    videos: &[VideoId],
    carry_out: impl Fn(Wish) -> F + Clone + Send + 'static,
) -> Pace
where
    F: Future<Output = ()> + Send,
{
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let (people, videos, carry_out) = (Arc::clone(&crowd.people), videos.to_vec(), carry_out.clone());
        tasks.spawn(async move {
            let (mut times, mut chance) = (Vec::new(), fastrand::Rng::with_seed(caller as u64));
            let mut undone: Vec<Wish> = Vec::new();
            while began.elapsed() < EACH || !undone.is_empty() {
                let viewer = people[caller + chance.usize(..PEOPLE / CALLERS) * CALLERS];
                let video = videos[chance.usize(..videos.len())];
                let is_new = !undone.iter().any(|wish| (wish.viewer, wish.video) == (viewer, video));
                let wish = match undone.len() {
                    // A few stay for a while, so that what comes and what goes is mixed.
                    0..5 if is_new && began.elapsed() < EACH => Wish { viewer, video, likes: true },
                    _ => Wish { likes: false, ..undone.remove(0) },
                };
                let asked = Instant::now();
                carry_out(wish).await;
                times.push(asked.elapsed());
                if wish.likes {
                    undone.push(wish);
                }
            }
            times
        });
    }
    let mut times: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    times.sort_unstable();
    Pace { rate: times.len() as f64 / began.elapsed().as_secs_f64(), times }
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
                assert_eq!(page.cards().len(), 30);
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
                    4 => store.follow_user(one, other, NOW).await.map(|_| ()),
                    5 => store.unfollow_user(one, other).await,
                    6 => {
                        let text = Content::parse("text").expect("a text");
                        let added = store.add_comment(one, video, None, text, NOW).await;
                        added.map(|row| mine.push((one, video, CommentId::parse(row.id).expect("a number"))))
                    }
                    _ => match mine.pop() {
                        Some((by, video, comment)) => store.delete_comment(by, video, comment, false).await,
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
