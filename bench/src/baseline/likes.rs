//! Likes with a transaction each, the way the platform's coalesced writes replace: on a scratch database of
//! their own, the like's row and one counter, every caller answered after its commit. No HTTP, no account's
//! counters, no look-up of the video: less work than the platform does for a like, which flatters them.

mod mysql;
mod sqlite;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::data::{Rng, Weighted};

pub use mysql::{Order, likes_on_mysql};
pub use sqlite::{Durability, Writers, likes_on_sqlite};

/// Users and videos of the scratch database. A run ends early when every user has liked once.
const USERS: u64 = 100_000;
const VIDEOS: u64 = 1_000;

/// Which videos are liked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// One.
    Hot,
    /// All, by Zipf (s = 0.99).
    Zipf,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Likes that were committed.
    pub done: u64,
    /// Those each second.
    pub per_second: f64,
    /// Transactions that were begun again after a deadlock or a lock that was not given in time.
    pub retries: u64,
    /// Likes that were given up: refused, or not done when the time was over.
    pub errors: u64,
    /// Half of the likes took less.
    pub p50: Duration,
    /// One in a hundred took longer.
    pub p99: Duration,
    /// The slowest.
    pub max: Duration,
    /// CPU of this process for each like, in microseconds; the server's is not in it.
    pub cpu_us_per_op: f64,
}

/// The likes of a run: each by another user.
struct Likes {
    spread: Spread,
    zipf: Weighted,
    next: AtomicU64,
    until: Instant,
}

impl Likes {
    fn new(spread: Spread, seconds: f64) -> Self {
        let zipf = Weighted::new((1..=VIDEOS).map(|rank| (rank as f64).powf(-0.99)).collect());
        Self {
            spread,
            zipf,
            next: AtomicU64::new(0),
            until: Instant::now() + Duration::from_secs_f64(seconds),
        }
    }

    /// The next user and video; nothing when the time is over or everybody has liked.
    fn next(&self) -> Option<(i64, i64)> {
        if Instant::now() >= self.until {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let video = match self.spread {
            Spread::Hot => 1,
            Spread::Zipf => self.zipf.pick(&mut Rng::with_seed(number)),
        };
        (number < USERS).then_some((number.cast_signed() + 1, video.cast_signed()))
    }
}

/// What one caller saw.
#[derive(Default)]
struct Seen {
    times: Vec<Duration>,
    retries: u64,
    errors: u64,
}

/// The clock and the CPU of this process from here on.
struct Meter {
    began: Instant,
    cpu: Duration,
}

impl Meter {
    fn start() -> Result<Self> {
        Ok(Self { began: Instant::now(), cpu: cpu()? })
    }

    fn outcome(&self, seen: Vec<Seen>) -> Result<Outcome> {
        let (seconds, cpu) = (self.began.elapsed().as_secs_f64(), cpu()? - self.cpu);
        let (retries, errors) =
            (seen.iter().map(|one| one.retries).sum(), seen.iter().map(|one| one.errors).sum());
        let mut times: Vec<Duration> = seen.into_iter().flat_map(|one| one.times).collect();
        times.sort_unstable();
        let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default();
        let done = times.len() as u64;
        Ok(Outcome {
            done,
            per_second: done as f64 / seconds,
            retries,
            errors,
            p50: at(0.5),
            p99: at(0.99),
            max: times.last().copied().unwrap_or_default(),
            cpu_us_per_op: cpu.as_secs_f64() * 1e6 / done.max(1) as f64,
        })
    }
}

/// The CPU this process has used, user and system, in hundredths of a second.
fn cpu() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/self/stat").context("read /proc/self/stat")?;
    // The name before it may hold spaces.
    let fields = text.rsplit_once(')').map_or("", |(_, after)| after).split_whitespace();
    let ticks = fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap_or(0)).sum::<u64>();
    Ok(Duration::from_millis(ticks * 10))
}

/// Fails unless rows and counters agree and hold every like that was answered; more may be there, of callers
/// that were given up in the midst of a commit.
fn same((rows, counted): (i64, i64), done: u64) -> Result<()> {
    ensure!(rows == counted, "{rows} likes, but the counters say {counted}");
    ensure!(rows >= done.cast_signed(), "{done} likes were answered, {rows} are there");
    Ok(())
}
