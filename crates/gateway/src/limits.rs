//! How much one account or network may ask for. What a refusal looks like is the error catalogue's.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use domain::{Error, Result, UserId};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Requests a second and in one burst.
const RATE: (u32, u32) = (100, 1000);
/// Failed logins an account may have within a window from one network.
const LOGIN_FAILURES: u32 = 20;
const LOGIN_WINDOW: Duration = Duration::from_secs(60);
/// Uploads that may arrive at once from one network, of those that admission has places for.
const UPLOADS: usize = 8;
/// Failing accounts remembered at once; should more fail within a window, counting starts anew.
const LOGIN_MEMORY: usize = 100_000;

/// Who is asking, for the purpose of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Asker {
    Account(UserId),
    Network(IpAddr),
}

pub(crate) struct Limits {
    enabled: bool,
    requests: DefaultKeyedRateLimiter<Asker>,
    failures: Mutex<HashMap<(String, IpAddr), Window>>,
    uploads: Mutex<HashMap<IpAddr, usize>>,
    routes: Mutex<Vec<Weak<RouteLimit>>>,
}

/// How often a route may be asked for.
pub(crate) struct RouteLimit {
    enabled: bool,
    asked: RateLimiter<Asker, DefaultKeyedStateStore<Asker>, DefaultClock, StateInformationMiddleware>,
}

/// The right to send one upload.
pub(crate) struct UploadPlace<'l> {
    limits: &'l Limits,
    network: IpAddr,
}

struct Window {
    began: Instant,
    failures: u32,
}

impl Limits {
    pub(crate) fn new(enabled: bool) -> Self {
        let quota = Quota::per_second(number(RATE.0)).allow_burst(number(RATE.1));
        Self {
            enabled,
            requests: DefaultKeyedRateLimiter::keyed(quota),
            failures: Mutex::default(),
            uploads: Mutex::default(),
            routes: Mutex::default(),
        }
    }

    /// Counts a request; this machine's own anonymous ones are not limited.
    pub(crate) fn admit(&self, asker: Asker) -> Result<()> {
        let Some(asker) = asker.limited().filter(|_| self.enabled) else { return Ok(()) };
        self.requests.check_key(&asker).map_err(|until| Error::RateLimited {
            // The limiter's own clock: making another one takes 16 µs, more than the whole answer.
            retry_after: until.wait_time_from(self.requests.clock().now()),
        })
    }

    /// A limit for one route.
    pub(crate) fn route(&self, a_minute: u32, burst: u32) -> Arc<RouteLimit> {
        let quota = Quota::per_minute(number(a_minute)).allow_burst(number(burst));
        let asked = RateLimiter::keyed(quota).with_middleware();
        let limit = Arc::new(RouteLimit { enabled: self.enabled, asked });
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&limit));
        limit
    }

    /// Counts an upload against its network until it is dropped; this machine's own are not limited.
    pub(crate) fn admit_upload(&self, client: IpAddr) -> Result<UploadPlace<'_>> {
        let network = network(client);
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        let own = uploads.entry(network).or_default();
        if self.enabled && *own >= UPLOADS && !client.is_loopback() {
            return Err(Error::Overloaded);
        }
        *own += 1;
        Ok(UploadPlace { limits: self, network })
    }

    /// Counts a login as a failed one until it has succeeded, so that many at once are no way around; refuses
    /// it when it would be a guess too many. The owner elsewhere is not locked out.
    pub(crate) fn admit_login(&self, name: &str, client: IpAddr) -> Result<()> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= LOGIN_MEMORY {
            failures.retain(|_, window| window.began.elapsed() < LOGIN_WINDOW);
        }
        if failures.len() >= LOGIN_MEMORY {
            failures.clear();
        }
        let fresh = Window { began: Instant::now(), failures: 0 };
        let window = failures.entry((name.to_owned(), network(client))).or_insert(fresh);
        if window.began.elapsed() >= LOGIN_WINDOW {
            *window = Window { began: Instant::now(), failures: 0 };
        }
        if self.enabled && window.failures >= LOGIN_FAILURES {
            return Err(Error::RateLimited { retry_after: LOGIN_WINDOW - window.began.elapsed() });
        }
        window.failures += 1;
        Ok(())
    }

    /// Takes a login back that was no guess after all.
    pub(crate) fn login_was_no_guess(&self, name: &str, client: IpAddr) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(window) = failures.get_mut(&(name.to_owned(), network(client))) {
            window.failures = window.failures.saturating_sub(1);
        }
    }

    /// Forgets who has not asked for a while.
    pub(crate) fn tidy(&self) {
        self.requests.retain_recent();
        self.requests.shrink_to_fit();
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        for route in routes.iter().filter_map(Weak::upgrade) {
            route.asked.retain_recent();
            route.asked.shrink_to_fit();
        }
    }
}

impl RouteLimit {
    /// Counts a request; how many more may follow at once, if it is limited at all.
    pub(crate) fn admit(&self, asker: Asker) -> Result<Option<u32>> {
        let Some(asker) = asker.limited().filter(|_| self.enabled) else { return Ok(None) };
        match self.asked.check_key(&asker) {
            Ok(left) => Ok(Some(left.remaining_burst_capacity())),
            Err(until) => {
                let retry_after = until.wait_time_from(self.asked.clock().now());
                Err(Error::RateLimited { retry_after })
            }
        }
    }
}

impl Asker {
    /// As whom they are counted; this machine's own anonymous requests are not.
    fn limited(self) -> Option<Self> {
        match self {
            Self::Network(address) if address.is_loopback() => None,
            Self::Network(address) => Some(Self::Network(network(address))),
            account @ Self::Account(_) => Some(account),
        }
    }
}

fn number(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN)
}

impl Drop for UploadPlace<'_> {
    fn drop(&mut self) {
        let mut uploads = self.limits.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = uploads.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                uploads.remove(&self.network);
            }
        }
    }
}

/// An IPv4 address, or the /64 that one IPv6 customer has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));
    const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

    #[test]
    fn a_burst_over_the_limit_is_refused_for_that_account_alone() {
        let limits = Limits::new(true);
        let (one, other) = (UserId::parse(1).expect("id"), UserId::parse(2).expect("id"));
        let refused = (0..1200).filter(|_| limits.admit(Asker::Account(one)).is_err()).count();
        assert!(refused > 0, "1,200 at once pass a burst of 1,000");
        assert!(limits.admit(Asker::Account(other)).is_ok());
        assert!((0..3000).all(|_| limits.admit(Asker::Network(IpAddr::V6(Ipv6Addr::LOCALHOST))).is_ok()));
        let off = Limits::new(false);
        assert!((0..3000).all(|_| off.admit(Asker::Account(one)).is_ok()));
    }

    #[test]
    fn guessing_is_slowed_without_locking_the_owner_out() {
        let limits = Limits::new(true);
        for _ in 0..LOGIN_FAILURES {
            assert!(limits.admit_login("ann", HOME).is_ok());
        }
        assert!(matches!(limits.admit_login("ann", HOME), Err(Error::RateLimited { .. })));
        assert!(limits.admit_login("ann", AWAY).is_ok());
        for _ in 0..3 * LOGIN_FAILURES {
            assert!(limits.admit_login("bob", HOME).is_ok());
            limits.login_was_no_guess("bob", HOME);
        }
    }

    #[test]
    fn one_network_cannot_take_every_place_for_uploads() {
        let limits = Limits::new(true);
        let own: Vec<_> = (0..20).filter_map(|_| limits.admit_upload(HOME).ok()).collect();
        assert_eq!(own.len(), UPLOADS);
        assert!(limits.admit_upload(AWAY).is_ok());
        let this_machine = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
        let local: Vec<_> = (0..100).filter_map(|_| limits.admit_upload(this_machine).ok()).collect();
        assert_eq!(local.len(), 100);
        drop((own, local));
        assert!(limits.uploads.lock().expect("is whole").is_empty());
    }

    #[test]
    fn one_customer_is_one_network() {
        let address = |text: &str| network(text.parse().expect("address"));
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff::9"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_eq!(address("::ffff:203.0.113.7"), HOME);
    }
}
