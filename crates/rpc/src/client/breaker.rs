//! Stops asking a service that has failed many times in a row, whichever instance was asked: callers learn it
//! at once instead of waiting, and one call a second finds out whether it is back. Inside of retries.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use proto::Step;

use crate::server::Deadline;
use crate::status::{self, Verdict};

/// Failures in a row before nobody is let through.
const FAILURES: u32 = 50;
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Default)]
struct State {
    failures: u32,
    /// When the next call may find out.
    closed_until: Option<Instant>,
}

impl State {
    fn admits(&mut self, now: Instant) -> bool {
        match self.closed_until {
            None => true,
            Some(until) if now < until => false,
            // This call is the probe; the next one waits for another pause.
            Some(_) => {
                self.closed_until = Some(now + PAUSE);
                true
            }
        }
    }

    fn note(&mut self, verdict: Verdict, now: Instant) {
        match verdict {
            Verdict::Good => *self = Self::default(),
            Verdict::Busy => {}
            Verdict::Bad => {
                self.failures = self.failures.saturating_add(1);
                if self.failures >= FAILURES {
                    self.closed_until = Some(now + PAUSE);
                }
            }
        }
    }
}

pub(crate) fn layer(to: &'static str, next: Step) -> Step {
    let state = Arc::new(Mutex::new(State::default()));
    Step::new(move |request| {
        let (next, state) = (next.clone(), Arc::clone(&state));
        async move {
            if !state.lock().unwrap_or_else(PoisonError::into_inner).admits(Instant::now()) {
                metrics::counter!("dytt_rpc_broken_total", "service" => to).increment(1);
                return status::without_retry(status::failed(
                    tonic::Code::Unavailable,
                    format!("{to} has failed many times in a row"),
                ));
            }
            let mut noted =
                Noted { state: &state, deadline: request.extensions().get().copied(), done: false };
            let response = next.take(request).await;
            noted.note(status::verdict(&response));
            response
        }
    })
}

/// Notes a call once: as it was answered, or as a failure when it was given up because it was late.
struct Noted<'s> {
    state: &'s Mutex<State>,
    deadline: Option<Deadline>,
    done: bool,
}

impl Noted<'_> {
    fn note(&mut self, verdict: Verdict) {
        self.done = true;
        self.state.lock().unwrap_or_else(PoisonError::into_inner).note(verdict, Instant::now());
    }
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        if !self.done && self.deadline.is_some_and(|Deadline(at)| Instant::now() >= at) {
            self.note(Verdict::Bad);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_failures_close_it_and_one_success_opens_it() {
        let (mut state, now) = (State::default(), Instant::now());
        for _ in 0..FAILURES {
            assert!(state.admits(now));
            state.note(Verdict::Bad, now);
        }
        assert!(!state.admits(now));
        let later = now + PAUSE;
        assert!(state.admits(later) && !state.admits(later), "one probe a pause");
        state.note(Verdict::Good, later);
        assert!(state.admits(later));
    }
}
