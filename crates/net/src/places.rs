//! How many connections there may be, from everywhere and from one network.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Limits;

pub(crate) struct Places {
    port: &'static str,
    all: usize,
    per_network: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    /// Without this machine's own.
    networks: HashMap<IpAddr, usize>,
}

/// A connection's place, until it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    network: Option<IpAddr>,
}

impl Places {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let (all, per_network) = (limits.connections, limits.per_network);
        Arc::new(Self { port: limits.port, all, per_network, taken: Mutex::default() })
    }

    /// A place for a connection from there; the error names what there is too much of.
    pub(crate) fn take(self: &Arc<Self>, from: IpAddr) -> Result<Place, &'static str> {
        let network = network(from);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.all {
            return Err("connections");
        }
        if let Some(network) = network {
            let own = taken.networks.entry(network).or_default();
            if *own >= self.per_network {
                return Err("network");
            }
            *own += 1;
        }
        taken.all += 1;
        metrics::gauge!("dytt_connections", "port" => self.port).set(taken.all as f64);
        Ok(Place { places: Arc::clone(self), network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        metrics::gauge!("dytt_connections", "port" => self.places.port).set(taken.all as f64);
        let Some(network) = self.network else { return };
        if let Some(own) = taken.networks.get_mut(&network) {
            *own -= 1;
            if *own == 0 {
                taken.networks.remove(&network);
            }
        }
    }
}

/// An IPv4 address, or the /64 that one IPv6 customer has; none for this machine.
fn network(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        own if own.is_loopback() => None,
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            Some(IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)))
        }
        four @ IpAddr::V4(_) => Some(four),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(places: &Arc<Places>, from: &str) -> Result<Place, &'static str> {
        places.take(from.parse().expect("an address"))
    }

    #[test]
    fn one_network_cannot_take_every_place_and_all_together_no_more_than_there_are() {
        let places = Places::new(&Limits { connections: 6, per_network: 2, ..Limits::default() });
        let held = ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1", "2001:db8::2:1"]
            .map(|from| take(&places, from).expect("a place"));
        for from in ["203.0.113.9", "2001:db8::3"] {
            assert_eq!(take(&places, from).err(), Some("network"), "{from}");
        }
        let own = ["127.0.0.1", "::1"].map(|from| take(&places, from).expect("a place"));
        for from in ["203.0.113.10", "127.0.0.1"] {
            assert_eq!(take(&places, from).err(), Some("connections"), "{from}");
        }
        drop(own);
        drop(held);
        let taken = places.taken.lock().expect("no panic");
        assert!(taken.all == 0 && taken.networks.is_empty(), "{:?}", taken.networks);
    }

    #[test]
    fn this_machines_own_are_not_a_network() {
        let places = Places::new(&Limits { connections: 9, per_network: 1, ..Limits::default() });
        let _held = ["127.0.0.1", "127.0.0.1", "::1", "::ffff:127.0.0.1"]
            .map(|from| take(&places, from).expect("a place"));
    }
}
