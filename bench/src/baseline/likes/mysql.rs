//! One transaction a like on MySQL or MariaDB: in the order that locks the counter first, and in the natural
//! order, which deadlocks.

use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sea_orm::sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError};
use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _, Executor as _, query, query_as};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::{Likes, Meter, Outcome, Seen, Spread, USERS, VIDEOS};

/// What a transaction does first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The counter, in a row of its own, then the like: nobody waits for a lock that another one shares.
    CounterFirst,
    /// The like, whose foreign key shares a lock on its video, then the counter in the video's row, which
    /// wants that lock alone: two likes of one video are a deadlock.
    LikeFirst,
}

const SCHEMA: [&str; 4] = [
    "CREATE TABLE user (id BIGINT PRIMARY KEY) ENGINE = InnoDB",
    "CREATE TABLE video (id BIGINT PRIMARY KEY, like_count BIGINT NOT NULL DEFAULT 0) ENGINE = InnoDB",
    "CREATE TABLE video_stat (video_id BIGINT PRIMARY KEY, like_count BIGINT NOT NULL DEFAULT 0, \
        FOREIGN KEY (video_id) REFERENCES video (id)) ENGINE = InnoDB",
    "CREATE TABLE video_like (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id BIGINT NOT NULL, \
        video_id BIGINT NOT NULL, created_at BIGINT NOT NULL, UNIQUE KEY (user_id, video_id), KEY (video_id), \
        FOREIGN KEY (user_id) REFERENCES user (id), FOREIGN KEY (video_id) REFERENCES video (id)) ENGINE = InnoDB",
];
const COUNT_APART: &str = "UPDATE video_stat SET like_count = like_count + 1 WHERE video_id = ?";
const COUNT_IN_VIDEO: &str = "UPDATE video SET like_count = like_count + 1 WHERE id = ?";
const INSERT: &str = "INSERT INTO video_like (user_id, video_id, created_at) VALUES (?, ?, 0)";

/// A lock that was not given in time, and a deadlock.
const TRY_AGAIN: [u16; 2] = [1205, 1213];
/// What a like may take after the run's time is over.
const PATIENCE: Duration = Duration::from_secs(2);

/// Likes for so long, over so many connections, into a database of its own on the server of
/// `mysql://USER@HOST:PORT/NAME`, on which the user may make one whose name begins with `dytt_bench`.
pub async fn likes_on_mysql(
    url: &str,
    password: &str,
    order: Order,
    spread: Spread,
    connections: usize,
    seconds: f64,
) -> Result<Outcome> {
    static RUN: AtomicU32 = AtomicU32::new(0);
    let options =
        MySqlConnectOptions::from_str(url).context("read the database's address")?.password(password);
    let run = RUN.fetch_add(1, Ordering::Relaxed);
    let name = format!("dytt_bench_{}_{run}", std::process::id());
    let anywhere = options.clone().database("information_schema");
    let mut connection = MySqlConnection::connect_with(&anywhere).await.context("connect to the database")?;
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
    let outcome = run_in(&options.database(&name), order, spread, connections, seconds).await;
    connection.execute(AssertSqlSafe(format!("DROP DATABASE {name}"))).await?;
    outcome
}

async fn run_in(
    options: &MySqlConnectOptions,
    order: Order,
    spread: Spread,
    connections: usize,
    seconds: f64,
) -> Result<Outcome> {
    let mut first = MySqlConnection::connect_with(options).await?;
    prepare(&mut first).await.context("prepare the scratch database")?;
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(MySqlConnection::connect_with(options).await?);
    }
    let likes = Arc::new(Likes::new(spread, seconds));
    let meter = Meter::start()?;
    let mut callers = JoinSet::new();
    for connection in opened {
        callers.spawn(call(Arc::clone(&likes), connection, order));
    }
    let outcome = meter.outcome(callers.join_all().await)?;
    verify(&mut first, order, outcome.done).await?;
    Ok(outcome)
}

async fn prepare(connection: &mut MySqlConnection) -> Result<()> {
    for table in SCHEMA {
        connection.execute(table).await?;
    }
    for (table, column, rows) in
        [("user", "id", USERS), ("video", "id", VIDEOS), ("video_stat", "video_id", VIDEOS)]
    {
        let rows: Vec<String> = (1..=rows).map(|row| format!("({row})")).collect();
        connection
            .execute(AssertSqlSafe(format!("INSERT INTO {table} ({column}) VALUES {}", rows.join(","))))
            .await?;
    }
    Ok(())
}

/// One caller on a connection of its own: a like, again until it is done, then the next one.
async fn call(likes: Arc<Likes>, mut connection: MySqlConnection, order: Order) -> Seen {
    let mut seen = Seen::default();
    let end = tokio::time::Instant::from_std(likes.until + PATIENCE);
    while let Some(pair) = likes.next() {
        let began = Instant::now();
        let trying = like_at_last(&mut connection, order, pair, &mut seen.retries);
        match timeout_at(end, trying).await {
            Ok(Ok(())) => seen.times.push(began.elapsed()),
            // The connection is in the midst of something.
            Ok(Err(_)) | Err(_) => {
                seen.errors += 1;
                return seen;
            }
        }
    }
    seen
}

async fn like_at_last(
    connection: &mut MySqlConnection,
    order: Order,
    pair: (i64, i64),
    retries: &mut u64,
) -> Result<(), sqlx::Error> {
    loop {
        match like(connection, order, pair).await {
            Err(error) if may_be_tried_again(&error) => {
                *retries += 1;
                connection.execute("ROLLBACK").await?;
            }
            done => return done,
        }
    }
}

async fn like(connection: &mut MySqlConnection, order: Order, pair: (i64, i64)) -> Result<(), sqlx::Error> {
    let insert = query(INSERT).bind(pair.0).bind(pair.1);
    connection.execute("START TRANSACTION").await?;
    match order {
        Order::CounterFirst => {
            query(COUNT_APART).bind(pair.1).execute(&mut *connection).await?;
            insert.execute(&mut *connection).await?;
        }
        Order::LikeFirst => {
            insert.execute(&mut *connection).await?;
            query(COUNT_IN_VIDEO).bind(pair.1).execute(&mut *connection).await?;
        }
    }
    connection.execute("COMMIT").await?;
    Ok(())
}

fn may_be_tried_again(error: &sqlx::Error) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
    error.is_some_and(|error| TRY_AGAIN.contains(&error.number()))
}

/// Every like that was answered is a row, and every row is counted.
async fn verify(connection: &mut MySqlConnection, order: Order, done: u64) -> Result<()> {
    let sql = match order {
        Order::CounterFirst => {
            "SELECT COUNT(*), (SELECT CAST(SUM(like_count) AS SIGNED) FROM video_stat) FROM video_like"
        }
        Order::LikeFirst => {
            "SELECT COUNT(*), (SELECT CAST(SUM(like_count) AS SIGNED) FROM video) FROM video_like"
        }
    };
    super::same(query_as(sql).fetch_one(connection).await?, done)
}
