//! One transaction a like on SQLite: by one writer for all callers, or by many connections that wait for
//! each other's lock.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rusqlite::Connection;

use super::{Likes, Meter, Outcome, Seen, Spread, USERS, VIDEOS};

/// How a caller's like gets to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// Through one thread that writes for all callers.
    One,
    /// By a connection of its own, with `BEGIN IMMEDIATE`.
    EachCaller,
}

/// When a commit returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// After the disk has it.
    Full,
    /// After the operating system has it.
    Normal,
}

const SCHEMA: &str = "CREATE TABLE user (id INTEGER PRIMARY KEY); CREATE TABLE video (id INTEGER PRIMARY KEY); \
    CREATE TABLE video_stat (video_id INTEGER PRIMARY KEY REFERENCES video, like_count INTEGER NOT NULL); \
    CREATE TABLE video_like (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES user, \
        video_id INTEGER NOT NULL REFERENCES video, created_at INTEGER NOT NULL); \
    CREATE UNIQUE INDEX ix_pair ON video_like (user_id, video_id); CREATE INDEX ix_video ON video_like (video_id)";
const COUNT: &str = "UPDATE video_stat SET like_count = like_count + 1 WHERE video_id = ?";
const INSERT: &str = "INSERT INTO video_like (user_id, video_id, created_at) VALUES (?, ?, 0)";

/// Likes for so long, by so many callers, into a new file in a folder of its own under `folder`.
pub fn likes_on_sqlite(
    folder: &Path,
    writers: Writers,
    durability: Durability,
    spread: Spread,
    callers: usize,
    seconds: f64,
) -> Result<Outcome> {
    let scratch = tempfile::tempdir_in(folder).context("make a folder for the scratch database")?;
    let path = scratch.path().join("likes.sqlite");
    let open = || open(&path, durability);
    prepare(&open()?).context("prepare the scratch database")?;
    let likes = Likes::new(spread, seconds);
    let meter = Meter::start()?;
    let seen = match writers {
        Writers::One => through_one(&likes, callers, open()?),
        Writers::EachCaller => {
            let connections = (0..callers).map(|_| open()).collect::<Result<Vec<_>>>()?;
            each_alone(&likes, connections)
        }
    }?;
    let outcome = meter.outcome(seen)?;
    verify(&open()?, outcome.done)?;
    Ok(outcome)
}

fn open(path: &Path, durability: Durability) -> Result<Connection> {
    let connection = Connection::open(path)?;
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
    };
    let settings =
        format!("PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = ON");
    connection.execute_batch(&settings)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(SCHEMA)?;
    for (table, rows) in [("user", USERS), ("video", VIDEOS)] {
        let numbers =
            format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})");
        connection.execute_batch(&format!("INSERT INTO {table} (id) {numbers} SELECT i FROM n"))?;
    }
    connection.execute_batch("INSERT INTO video_stat (video_id, like_count) SELECT id, 0 FROM video")
}

fn through_one(likes: &Likes, callers: usize, connection: Connection) -> Result<Vec<Seen>> {
    type Job = ((i64, i64), SyncSender<rusqlite::Result<()>>);
    let (sender, jobs) = sync_channel::<Job>(callers);
    thread::scope(|scope| {
        scope.spawn(move || {
            for (pair, answer) in jobs {
                // A caller waits for each answer.
                let _told = answer.send(like(&connection, pair));
            }
        });
        let tasks: Vec<_> = (0..callers)
            .map(|_| sender.clone())
            .map(|sender| {
                scope.spawn(move || {
                    let (answer, answers) = sync_channel(1);
                    call(likes, |pair| {
                        let sent = sender.send((pair, answer.clone())).is_ok();
                        sent && answers.recv().is_ok_and(|answer| answer.is_ok())
                    })
                })
            })
            .collect();
        drop(sender);
        tasks.into_iter().map(|task| task.join().map_err(|_| anyhow!("a caller panicked"))).collect()
    })
}

fn each_alone(likes: &Likes, connections: Vec<Connection>) -> Result<Vec<Seen>> {
    thread::scope(|scope| {
        let alone =
            |connection: Connection| scope.spawn(move || call(likes, |pair| like(&connection, pair).is_ok()));
        let tasks: Vec<_> = connections.into_iter().map(alone).collect();
        tasks.into_iter().map(|task| task.join().map_err(|_| anyhow!("a caller panicked"))).collect()
    })
}

/// One caller: a like, its answer, the next like.
fn call(likes: &Likes, mut like: impl FnMut((i64, i64)) -> bool) -> Seen {
    let mut seen = Seen::default();
    while let Some(pair) = likes.next() {
        let began = Instant::now();
        if like(pair) {
            seen.times.push(began.elapsed());
        } else {
            seen.errors += 1;
        }
    }
    seen
}

fn like(connection: &Connection, pair: (i64, i64)) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let change = || {
        connection.prepare_cached(COUNT)?.execute([pair.1])?;
        connection.prepare_cached(INSERT)?.execute(pair)?;
        connection.prepare_cached("COMMIT")?.execute([])
    };
    if let Err(error) = change() {
        connection.execute_batch("ROLLBACK")?;
        return Err(error);
    }
    Ok(())
}

/// Every like that was answered is a row, and every row is counted.
fn verify(connection: &Connection, done: u64) -> Result<()> {
    let sql = "SELECT (SELECT COUNT(*) FROM video_like), (SELECT SUM(like_count) FROM video_stat)";
    let counts: (i64, i64) = connection.query_row(sql, [], |row| row.try_into())?;
    super::same(counts, done)
}
