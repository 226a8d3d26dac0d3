//! The client side: for each pair of services one way from the first to the second, with its layers.

mod attempt;
mod breaker;
mod connection;
mod credentials;
mod deadline;
mod endpoint;
mod pool;
mod retry;
mod span;

use std::sync::Arc;

use discovery::Discovery;
use proto::Step;
use tokio_util::sync::CancellationToken;

use crate::{Side, log, recover, status};
pub(crate) use connection::Connection;
#[cfg(test)]
pub(crate) use credentials::layer as credentials;
use pool::Pool;
#[doc(hidden)]
pub use pool::bench;
use tls::keys::RpcKeys;

/// The ways to services elsewhere; clones share them.
#[derive(Clone)]
pub struct Clients(Arc<Inner>);

struct Inner {
    identities: tls::Identities,
    keys: Arc<RpcKeys>,
    discovery: Discovery,
    stop: CancellationToken,
}

impl Clients {
    /// No connection is made before the first call.
    #[must_use]
    pub fn new(
        identities: tls::Identities,
        keys: Arc<RpcKeys>,
        discovery: Discovery,
        stop: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner { identities, keys, discovery, stop }))
    }

    /// The way from one service to another, with connections of its own: to be made once and kept.
    #[must_use]
    pub fn step(&self, from: &'static str, to: &'static str) -> Step {
        // Followed from now on, so that the first call finds somebody; a way nobody can take follows nobody.
        let pool = self.0.identities.holds(from).then(|| self.pool(from, to));
        let picking = Step::new(move |request| {
            let pool = pool.clone();
            async move {
                match pool {
                    Some(pool) => pool.send(request).await,
                    None => status::not_sent(format!("this process does not call as {from}")),
                }
            }
        });
        let attempt = attempt::layer(from, to, picking);
        let breaker = breaker::layer(to, attempt);
        let retry = retry::layer(to, breaker);
        let credentials = credentials::layer(to, Arc::clone(&self.0.keys), retry);
        let deadline = deadline::layer(credentials);
        let recover = recover::layer(deadline);
        let log = log::layer(Side::Client, recover);
        span::layer(from, log)
    }

    /// Whether an instance of a service is known, so that a call could be tried.
    #[must_use]
    pub fn knows(&self, service: &str) -> bool {
        !self.0.discovery.watch(service, proto::VERSION).borrow().is_empty()
    }

    /// What one instance says of its own health, asked as one of our services.
    ///
    /// # Errors
    /// A line for operators.
    pub async fn health(&self, from: &'static str, service: &str, addr: &str) -> Result<String, String> {
        let there = Connection::new(self.0.identities.clone(), from, service, addr);
        crate::health::ask(there, service).await
    }

    fn pool(&self, from: &'static str, to: &'static str) -> Arc<Pool> {
        let instances = self.0.discovery.watch(to, proto::VERSION);
        Pool::start(self.0.identities.clone(), from, to, instances, self.0.stop.clone())
    }
}
