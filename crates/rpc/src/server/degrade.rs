//! An instance that fails most of what it is asked takes a smaller share of the calls by itself: every ten
//! seconds below 50 % success halve it, every ten above double it, up to the whole.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use discovery::Registration;
use proto::Step;
use tokio_util::sync::CancellationToken;

use crate::status::{self, Verdict};

const WINDOW: Duration = Duration::from_secs(10);
/// Fewer calls than this say nothing.
const ENOUGH: u32 = 5;
/// Some calls have to come, or nothing would show that it works again.
const LEAST: f64 = 1.0 / 16.0;

/// Calls and failures of each service since the last look.
#[derive(Default)]
pub(crate) struct Successes(Mutex<HashMap<&'static str, (u32, u32)>>);

impl Successes {
    fn note(&self, service: &'static str, bad: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (calls, failures) = all.entry(service).or_default();
        *calls += 1;
        *failures += u32::from(bad);
    }

    fn take(&self, service: &'static str) -> (u32, u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(service).unwrap_or_default()
    }
}

pub(crate) fn layer(successes: Arc<Successes>, next: Step) -> Step {
    Step::new(move |request| {
        let (next, successes) = (next.clone(), Arc::clone(&successes));
        let service = proto::method(request.uri().path()).map(|method| method.service);
        async move {
            let response = next.take(request).await;
            if let Some(service) = service {
                successes.note(service, status::verdict(&response) == Verdict::Bad);
            }
            response
        }
    })
}

/// A service and what is registered of it.
pub(crate) struct Registered {
    pub service: &'static str,
    pub registration: Registration,
    pub share: f64,
}

/// Looks every ten seconds until `stop`, then gives the registrations back.
pub(crate) async fn run(
    mut all: Vec<Registered>,
    successes: Arc<Successes>,
    stop: CancellationToken,
) -> Vec<Registration> {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(WINDOW) => all.iter_mut().for_each(|one| one.adjust(&successes)),
        }
    }
    all.into_iter().map(|one| one.registration).collect()
}

impl Registered {
    fn adjust(&mut self, successes: &Successes) {
        let (service, share) = (self.service, next_share(self.share, successes.take(self.service)));
        if share < self.share {
            tracing::warn!(service, share, "most calls fail, a smaller share of them is asked for");
        } else if share > self.share {
            tracing::info!(service, share, "calls succeed again");
        } else {
            return;
        }
        self.share = share;
        self.registration.set_share(share);
        metrics::gauge!("dytt_rpc_share", "service" => service).set(share);
    }
}

fn next_share(now: f64, (calls, failures): (u32, u32)) -> f64 {
    if calls >= ENOUGH && failures * 2 > calls { (now / 2.0).max(LEAST) } else { (now * 2.0).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "powers of two are exact")]
    fn failures_halve_the_share_and_success_doubles_it() {
        assert_eq!(next_share(1.0, (100, 51)), 0.5);
        assert_eq!(next_share(1.0, (100, 50)), 1.0, "half is not most");
        assert_eq!(next_share(1.0, (4, 4)), 1.0, "too few to judge");
        assert_eq!(next_share(LEAST, (10, 10)), LEAST);
        assert_eq!(next_share(0.25, (10, 0)), 0.5);
        assert_eq!(next_share(0.5, (0, 0)), 1.0, "no calls: let some come");
    }
}
