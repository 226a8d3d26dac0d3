//! What came of many requests: how many, how fast, and what went wrong.

use std::io;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::answer::{Answer, Verdict};

/// Longer ones are told as this.
const LONGEST_MICROS: u64 = 60_000_000;
const DIGITS: u8 = 3;
/// Different faults told; one kind of fault repeats itself.
const MAX_FAULTS: usize = 4;

/// Counts, and latencies in microseconds.
#[derive(Clone)]
pub struct Tally {
    /// Of the requests that were done.
    pub accepted: Histogram<u64>,
    /// Of those refused for want of room.
    pub refused: Histogram<u64>,
    /// Requests that ended otherwise.
    pub failed: u64,
    /// Requests without an answer in time.
    pub timed_out: u64,
    /// Bytes of the bodies.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
    /// What failed requests said, each once.
    pub faults: Vec<String>,
}

impl Tally {
    /// Nothing yet.
    pub fn new() -> Self {
        // The bounds are constants the histogram takes.
        let empty = || Histogram::new_with_max(LONGEST_MICROS, DIGITS).expect("the bounds are good ones");
        Self {
            accepted: empty(),
            refused: empty(),
            failed: 0,
            timed_out: 0,
            bytes: 0,
            seconds: 0.0,
            faults: Vec::new(),
        }
    }

    /// Counts what came of a request: no answer in time, an error, an answer. Whether the connection is good for
    /// another.
    pub fn count(&mut self, answer: Option<io::Result<Answer>>, latency: Duration) -> bool {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        match answer {
            None => self.timed_out += 1,
            Some(Err(error)) => self.fault(error.to_string()),
            Some(Ok(answer)) => {
                self.bytes += answer.bytes;
                match answer.verdict {
                    Verdict::Accepted => self.accepted.saturating_record(micros),
                    Verdict::Refused => self.refused.saturating_record(micros),
                    Verdict::Failed(http, code) => self.fault(format!("HTTP {http}, status_code {code}")),
                }
                return true;
            }
        }
        false
    }

    fn fault(&mut self, text: String) {
        self.failed += 1;
        if self.faults.len() < MAX_FAULTS && !self.faults.contains(&text) {
            self.faults.push(text);
        }
    }

    /// The same, with the time it took.
    #[must_use]
    pub fn over(mut self, time: Duration) -> Self {
        self.seconds = time.as_secs_f64();
        self
    }

    /// Both, one after the other.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        self.accepted += &later.accepted;
        self.refused += &later.refused;
        self.failed += later.failed;
        self.timed_out += later.timed_out;
        self.bytes += later.bytes;
        self.seconds += later.seconds;
        for fault in later.faults.into_iter().filter(|fault| !self.faults.contains(fault)).collect::<Vec<_>>()
        {
            self.faults.push(fault);
        }
        self
    }

    /// Requests done a second.
    pub fn per_second(&self) -> f64 {
        self.accepted.len() as f64 / self.seconds
    }

    /// A percentile of the requests done, in milliseconds.
    pub fn millis(&self, percentile: f64) -> f64 {
        self.accepted.value_at_percentile(percentile) as f64 / 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(verdict: Verdict) -> Option<io::Result<Answer>> {
        Some(Ok(Answer { verdict, bytes: 10, closes: false }))
    }

    #[test]
    fn every_end_is_counted_in_its_own_place() {
        let mut tally = Tally::new();
        for millis in 1..=100 {
            assert!(tally.count(answered(Verdict::Accepted), Duration::from_millis(millis)));
        }
        tally.count(answered(Verdict::Refused), Duration::from_millis(900));
        tally.count(answered(Verdict::Failed(500, 100_001)), Duration::from_millis(900));
        assert!(!tally.count(Some(Err(io::ErrorKind::UnexpectedEof.into())), Duration::ZERO));
        assert!(!tally.count(None, Duration::from_secs(10)));
        let tally = tally.over(Duration::from_secs(2));
        assert_eq!((tally.per_second(), tally.refused.len()), (50.0, 1));
        assert_eq!((tally.failed, tally.timed_out, tally.bytes), (2, 1, 1020));
        assert_eq!((tally.millis(50.0).round(), tally.millis(99.0).round()), (50.0, 99.0));
        assert_eq!(tally.faults, ["HTTP 500, status_code 100001", "unexpected end of file"]);
    }

    #[test]
    fn two_halves_make_a_whole() {
        let half = |millis| {
            let mut tally = Tally::new();
            tally.count(answered(Verdict::Accepted), Duration::from_millis(millis));
            tally.count(Some(Err(io::Error::other("the same"))), Duration::ZERO);
            tally.over(Duration::from_secs(1))
        };
        let whole = half(10).then(half(30));
        assert_eq!((whole.accepted.len(), whole.failed, whole.seconds), (2, 2, 2.0));
        assert_eq!((whole.millis(50.0).round(), whole.millis(100.0).round()), (10.0, 30.0));
        assert_eq!(whole.faults, ["the same"]);
    }
}
