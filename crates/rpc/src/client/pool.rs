//! The instances of one service and which of them gets a call: two are drawn by weight, the one with less to
//! do for its weight gets it ("the power of two choices", Mitzenmacher 2001), and who fails is left out.

#[doc(hidden)]
pub mod bench;

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use discovery::Instance;
use proto::{Request, Response};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::endpoint::Endpoint;
use crate::rules::rule;
use crate::status;

/// The instance a first try went to.
#[derive(Clone)]
pub(crate) struct Avoid(pub Arc<str>);

/// The instance an answer came from.
#[derive(Clone)]
pub(crate) struct By(pub Arc<str>);

pub(crate) struct Pool {
    to: &'static str,
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
}

impl Pool {
    /// Follows the instances until `stop`.
    pub(crate) fn start(
        identities: tls::Identities,
        from: &'static str,
        to: &'static str,
        mut instances: watch::Receiver<Arc<[Instance]>>,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let pool = Arc::new(Self { to, endpoints: ArcSwap::default() });
        let connect = move |addr: &str| Connection::new(identities.clone(), from, to, addr);
        pool.follow(&instances.borrow_and_update().clone(), &connect, Instant::now());
        let following = Arc::clone(&pool);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    changed = instances.changed() => if changed.is_err() { return },
                    () = stop.cancelled() => return,
                }
                let now = instances.borrow_and_update().clone();
                following.follow(&now, &connect, Instant::now());
            }
        });
        pool
    }

    /// Takes over a new set: who stays keeps its connection and its record.
    fn follow(&self, instances: &[Instance], connect: &impl Fn(&str) -> Connection, now: Instant) {
        let old = self.endpoints.load();
        // All at once new are this process's first sight, not newcomers that need a slow start.
        let first_sight = old.is_empty();
        let new = instances.iter().map(|instance| {
            let known = old.iter().find(|known| *known.addr == *instance.addr);
            let endpoint = known.cloned().unwrap_or_else(|| {
                Arc::new(Endpoint::new(
                    &instance.addr,
                    connect(&instance.addr),
                    (!first_sight).then_some(now),
                ))
            });
            endpoint.set_weight(instance.effective());
            endpoint
        });
        self.endpoints.store(Arc::new(new.collect()));
    }

    /// Sends a call to an instance.
    pub(crate) async fn send(&self, request: Request) -> Response {
        let avoid = request.extensions().get::<Avoid>().map(|Avoid(addr)| Arc::clone(addr));
        let Some(endpoint) = self.pick(avoid.as_deref(), Instant::now(), fastrand::f64) else {
            return status::not_sent(format!("no instance of {} is known", self.to));
        };
        let is_quick = rule(request.uri().path()).is_none_or(crate::rules::Rule::is_quick);
        let others = self.endpoints.load_full();
        let mut response = endpoint.send(request, is_quick, &others).await;
        response.extensions_mut().insert(By(Arc::clone(&endpoint.addr)));
        response
    }

    /// `draw` gives numbers in [0, 1).
    fn pick(
        &self,
        avoid: Option<&str>,
        now: Instant,
        mut draw: impl FnMut() -> f64,
    ) -> Option<Arc<Endpoint>> {
        let all = self.endpoints.load();
        let usable = || all.iter().map(|one| (one, one.weight_at(now))).filter(|(_, weight)| *weight > 0.0);
        let elsewhere = || usable().filter(|(one, _)| Some(&*one.addr) != avoid);
        let mut candidates: Vec<(&Arc<Endpoint>, f64)> =
            elsewhere().filter(|(one, _)| one.admits(now)).collect();
        if candidates.is_empty() {
            // Better one that is left out, or at last the one that failed, than none.
            candidates = elsewhere().collect();
        }
        if candidates.is_empty() {
            candidates = usable().collect();
        }
        let total: f64 = candidates.iter().map(|(_, weight)| weight).sum();
        let mut one = || {
            let mut left = draw() * total;
            let drawn = candidates.iter().find(|(_, weight)| {
                left -= weight;
                left < 0.0
            });
            drawn.or(candidates.last())
        };
        let ((first, weight), (second, other)) = (one()?, one()?);
        let load = |endpoint: &Endpoint, weight: f64| f64::from(endpoint.in_flight()) / weight;
        let picked: &Arc<Endpoint> = if load(second, *other) < load(first, *weight) { second } else { first };
        picked.begin_probe(now);
        Some(Arc::clone(picked))
    }
}

#[cfg(test)]
mod tests;
