//! The slowest requests of the last hour, for administrators who wonder why something took so long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::{Timestamp, TraceId};

/// How many are kept.
const KEPT: usize = 50;
/// For how long.
const FOR: Duration = Duration::from_secs(3600);

/// A request that took long.
#[derive(Clone, Debug)]
pub(crate) struct SlowRequest {
    /// By its template: addresses of people and videos are nobody's business here.
    pub route: String,
    pub method: &'static str,
    pub status: u16,
    pub took: Duration,
    pub trace: TraceId,
    pub at: Timestamp,
    noted: Instant,
}

/// Those of one process.
#[derive(Default)]
pub(crate) struct Slowest {
    /// What a request has to take at least to be noted, in microseconds: most only look at this.
    least: AtomicU64,
    requests: Mutex<Vec<SlowRequest>>,
}

impl Slowest {
    /// Notes a request, if it is one of the slowest.
    pub(crate) fn note(
        &self,
        (method, route): (&'static str, &str),
        status: u16,
        took: Duration,
        trace: TraceId,
    ) {
        if took.as_micros() < u128::from(self.least.load(Ordering::Relaxed)) {
            return;
        }
        let (at, noted) = (Timestamp::now(), Instant::now());
        let request = SlowRequest { route: route.to_owned(), method, status, took, trace, at, noted };
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.retain(|known| known.noted.elapsed() < FOR);
        let place = requests.partition_point(|known| known.took >= took);
        requests.insert(place, request);
        requests.truncate(KEPT);
        // Once it is full, the last one says what it takes. What grows old makes room at the next look.
        let least =
            if requests.len() == KEPT { requests.last().map_or(0, |last| last.took.as_micros()) } else { 0 };
        self.least.store(u64::try_from(least).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The slowest first.
    pub(crate) fn list(&self) -> Vec<SlowRequest> {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.retain(|known| known.noted.elapsed() < FOR);
        if requests.len() < KEPT {
            self.least.store(0, Ordering::Relaxed);
        }
        requests.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_are_kept_in_order_and_others_are_not() {
        let slowest = Slowest::default();
        for ms in (0..200).map(|number| (number * 37) % 200) {
            slowest.note(("GET", "/a/{id}"), 200, Duration::from_millis(ms), TraceId(u128::from(ms)));
        }
        let kept: Vec<u128> = slowest.list().iter().map(|one| one.took.as_millis()).collect();
        assert_eq!(kept, (150..200).rev().collect::<Vec<u128>>());
        slowest.note(("GET", "/a/{id}"), 200, Duration::from_millis(149), TraceId(0));
        assert_eq!(slowest.list().len(), 50);
        assert_eq!(slowest.list()[49].took.as_millis(), 150);
    }
}
