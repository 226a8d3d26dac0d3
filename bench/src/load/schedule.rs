//! When each request of an open loop is due.

use std::time::Duration;

use tokio::time::Instant;

/// Evenly spaced moments.
pub struct Schedule {
    start: Instant,
    rate: f64,
    count: u64,
}

impl Schedule {
    /// From `start`, so many a second, for this long.
    pub fn new(start: Instant, rate: f64, time: Duration) -> Self {
        Self { start, rate, count: (rate * time.as_secs_f64()) as u64 }
    }

    /// When a request is due; nothing after the last.
    pub fn due(&self, number: u64) -> Option<Instant> {
        (number < self.count).then(|| self.start + Duration::from_secs_f64(number as f64 / self.rate))
    }

    /// Whether a request belongs to the first half (0) or the second (1).
    pub fn half(&self, number: u64) -> usize {
        usize::from(number >= self.count.div_ceil(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_evenly_and_end_with_the_time() {
        let start = Instant::now();
        let schedule = Schedule::new(start, 200.0, Duration::from_secs(2));
        assert_eq!(schedule.due(0), Some(start));
        assert_eq!(schedule.due(200), Some(start + Duration::from_secs(1)));
        assert!(schedule.due(399).is_some() && schedule.due(400).is_none());
        assert_eq!([0, 199, 200, 399].map(|number| schedule.half(number)), [0, 0, 1, 1]);
    }
}
