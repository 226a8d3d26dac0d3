//! How long to wait before the next try. What is tried is the caller's.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);

/// Waits that double from 0.1 to 2 s, each cut by up to a half at random so that a fleet does not come back
/// in one moment.
#[derive(Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    pub(crate) fn next(&mut self) -> Duration {
        let longest = FIRST.saturating_mul(1 << self.tries.min(10)).min(LONGEST);
        self.tries = self.tries.saturating_add(1);
        longest.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// The wait after something that had gone well for a while.
    pub(crate) fn next_after(&mut self, went_well: Duration) -> Duration {
        if went_well > 2 * LONGEST {
            self.reset();
        }
        self.next()
    }

    pub(crate) fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_limit_and_begin_anew() {
        let mut backoff = Backoff::default();
        assert!(backoff.next() <= FIRST);
        let waits: Vec<_> = (0..100).map(|_| backoff.next()).collect();
        assert!(waits.iter().all(|&wait| wait <= LONGEST && wait >= FIRST / 2), "{waits:?}");
        assert!(waits[50..].iter().all(|&wait| wait >= LONGEST / 2), "{waits:?}");
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
