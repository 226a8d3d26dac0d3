//! What people noticed of a scenario, in one line: calls, failures, the longest time without a success.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What a failed call means for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Changes nothing.
    Read,
    /// A second time changes nothing.
    Repeatable,
    /// A second time is a second comment or message.
    Once,
}

/// One call of the load.
#[derive(Clone, Debug)]
pub struct Noted {
    /// When it ended, since the load began.
    pub at: Duration,
    pub took: Duration,
    pub what: &'static str,
    pub kind: Kind,
    /// What was seen instead of success.
    pub failed: Option<String>,
}

/// The calls of some time.
#[derive(Default)]
pub struct Summary {
    pub calls: usize,
    pub failed: BTreeMap<Kind, usize>,
    pub seen: BTreeMap<String, usize>,
    pub longest_gap: Duration,
    /// The same of calls that change something.
    pub longest_write_gap: Duration,
    pub slowest: Duration,
    pub median: Duration,
}

impl Summary {
    /// Of the calls that ended between these moments.
    pub fn of(calls: &[Noted], from: Duration, to: Duration) -> Self {
        let mut within: Vec<&Noted> = calls.iter().filter(|call| call.at >= from && call.at < to).collect();
        within.sort_by_key(|call| call.at);
        let mut summary = Self { calls: within.len(), ..Self::default() };
        let (mut last, mut last_write) = (from, from);
        for call in &within {
            summary.slowest = summary.slowest.max(call.took);
            match &call.failed {
                None => {
                    summary.longest_gap = summary.longest_gap.max(call.at - last);
                    last = call.at;
                    if call.kind != Kind::Read {
                        summary.longest_write_gap = summary.longest_write_gap.max(call.at - last_write);
                        last_write = call.at;
                    }
                }
                Some(seen) => {
                    *summary.failed.entry(call.kind).or_default() += 1;
                    *summary.seen.entry(format!("{} {seen}", call.what)).or_default() += 1;
                }
            }
        }
        let mut times: Vec<Duration> = within.iter().map(|call| call.took).collect();
        times.sort();
        summary.median = times.get(times.len() / 2).copied().unwrap_or_default();
        summary
    }

    /// All failures.
    pub fn failures(&self) -> usize {
        self.failed.values().sum()
    }

    /// Failures of calls that the platform could have repeated by itself.
    pub fn avoidable(&self) -> usize {
        self.failures() - self.failed.get(&Kind::Once).copied().unwrap_or(0)
    }

    /// The share of calls that succeeded.
    pub fn success(&self) -> f64 {
        if self.calls == 0 { 0.0 } else { 1.0 - self.failures() as f64 / self.calls as f64 }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |kind| self.failed.get(&kind).copied().unwrap_or(0);
        write!(
            out,
            "{} calls, {} failed (reads {}, repeatable {}, once {}), longest gap {} ms (of writes {} ms), median {} \
             ms, slowest {} ms",
            self.calls,
            self.failures(),
            of(Kind::Read),
            of(Kind::Repeatable),
            of(Kind::Once),
            self.longest_gap.as_millis(),
            self.longest_write_gap.as_millis(),
            self.median.as_millis(),
            self.slowest.as_millis()
        )?;
        let seen: Vec<String> = self.seen.iter().map(|(what, count)| format!("{what} x{count}")).collect();
        if seen.is_empty() { Ok(()) } else { write!(out, "; seen: {}", seen.join(", ")) }
    }
}
