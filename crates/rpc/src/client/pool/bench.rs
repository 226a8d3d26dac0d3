//! What the benchmarks reach of the balancer. It is nobody else's.

use std::time::Instant;

use arc_swap::ArcSwap;
use discovery::Instance;
use tls::Identities;

use super::{Connection, Pool};

/// Instances to pick from; nobody connects to them.
pub struct Balancer(Pool);

impl Balancer {
    /// This many, all of one weight.
    #[must_use]
    pub fn new(identities: &Identities, instances: u16) -> Self {
        let instance = |number: u16| Instance {
            name: "feed".into(),
            addr: format!("127.0.0.1:{number}"),
            version: proto::VERSION.into(),
            weight: 1,
            share: 1.0,
            build: String::new(),
            started_at: 0,
        };
        let pool = Pool { to: "feed", endpoints: ArcSwap::default() };
        let instances: Vec<Instance> = (1..=instances).map(instance).collect();
        let connect = |addr: &str| Connection::new(identities.clone(), "gateway", "feed", addr);
        pool.follow(&instances, &connect, Instant::now());
        Self(pool)
    }

    /// Whether one was found.
    #[must_use]
    pub fn pick(&self) -> bool {
        self.0.pick(None, Instant::now(), fastrand::f64).is_some()
    }
}
