//! Who listens for events: a bounded number, of each account and of all together, because each holds a connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Error, Result, UserId};
use metrics::Gauge;

/// Streams of one account at once: its devices and windows.
const OF_ONE: usize = 8;
/// Streams at once.
const OF_ALL: usize = 10_000;
/// When it is worth coming again.
const LATER: Duration = Duration::from_secs(30);

/// Seats for listeners; clones share them.
#[derive(Clone)]
pub(crate) struct Listeners {
    seated: Arc<Mutex<Seated>>,
    gauge: Gauge,
}

#[derive(Default)]
struct Seated {
    all: usize,
    of: HashMap<UserId, usize>,
}

/// One of them, until it is dropped.
pub(crate) struct Seat {
    listeners: Listeners,
    user: UserId,
}

impl Default for Listeners {
    fn default() -> Self {
        Self { seated: Arc::default(), gauge: metrics::gauge!("dytt_http_listeners") }
    }
}

impl Listeners {
    /// A seat, if there is one.
    pub(crate) fn enter(&self, user: UserId) -> Result<Seat> {
        let mut seated = self.seated.lock().unwrap_or_else(PoisonError::into_inner);
        if seated.all >= OF_ALL {
            return Err(Error::Overloaded);
        }
        let own = seated.of.entry(user).or_default();
        if *own >= OF_ONE {
            return Err(Error::RateLimited { retry_after: LATER });
        }
        *own += 1;
        seated.all += 1;
        self.gauge.increment(1);
        Ok(Seat { listeners: self.clone(), user })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Listeners { seated, gauge } = &self.listeners;
        let mut seated = seated.lock().unwrap_or_else(PoisonError::into_inner);
        seated.all -= 1;
        if let Some(own) = seated.of.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                seated.of.remove(&self.user);
            }
        }
        gauge.decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_some_seats_and_gives_them_back() {
        let listeners = Listeners::default();
        let (ann, bob) = (UserId::parse(1).expect("an id"), UserId::parse(2).expect("an id"));
        let seats: Vec<_> = (0..20).filter_map(|_| listeners.enter(ann).ok()).collect();
        assert_eq!(seats.len(), OF_ONE);
        assert!(matches!(listeners.enter(ann), Err(Error::RateLimited { .. })));
        let other = listeners.enter(bob);
        assert!(other.is_ok());
        drop((seats, other));
        assert!(listeners.enter(ann).is_ok());
        let seated = listeners.seated.lock().expect("is whole");
        assert!(seated.all == 0 && seated.of.is_empty());
    }

    #[test]
    fn there_is_an_end_of_seats() {
        let listeners = Listeners::default();
        let somebody = |number: usize| UserId::parse(number as i64 / OF_ONE as i64 + 1).expect("an id");
        let seats: Vec<_> =
            (0..OF_ALL + 10).filter_map(|number| listeners.enter(somebody(number)).ok()).collect();
        assert_eq!(seats.len(), OF_ALL);
        assert!(matches!(listeners.enter(somebody(0)), Err(Error::RateLimited { .. } | Error::Overloaded)));
    }
}
