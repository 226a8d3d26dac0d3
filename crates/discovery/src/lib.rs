//! Who serves what: a static list or etcd. Which of them gets a call is `rpc`'s.
//!
//! A process registers what it serves ([`Discovery::register`]) under `/<service>/<version>/<addr>`, on a
//! lease it renews; a caller watches a service in one version ([`Discovery::watch`]). etcd is asked, never
//! waited for: while it is away everybody goes on with what was known last, also across a restart.

mod backoff;
mod complaints;
mod config;
mod error;
mod instance;
mod known;
mod members;
mod memory;
mod registration;
mod registry;
mod watcher;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use config::{Config, Kind, TlsFiles};
pub use error::{Error, Trouble};
pub use instance::{Instance, MAX_WEIGHT};
pub use registration::Registration;

use registry::Registry;

/// The version a listed instance is shown with: a list names none and serves every one.
const LISTED_VERSION: &str = "v1";

/// How long things take; tests use shorter times.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// A registration lives this long without a sign of life of its owner; whole seconds, at least 2.
    ttl: Duration,
    /// How long instances are kept that vanished in masses.
    grace: Duration,
    /// How often etcd is asked whether it is there.
    heartbeat: Duration,
}

const TIMES: Times =
    Times { ttl: Duration::from_secs(10), grace: Duration::from_secs(30), heartbeat: Duration::from_secs(2) };

/// A handle on who serves what; clones share it.
#[derive(Clone)]
pub struct Discovery {
    inner: Arc<Inner>,
}

struct Inner {
    source: Source,
    /// One channel a service and version; kept here, so that a receiver never sees it closed.
    watched: Mutex<HashMap<(String, String), Told>>,
}

type Instances = Arc<[Instance]>;
type Told = Arc<watch::Sender<Instances>>;

enum Source {
    List(Vec<Instance>),
    Registry(Registry),
}

impl Discovery {
    /// Opens the list or the registry, inside a tokio runtime; never waits for etcd and never fails because
    /// it is down.
    ///
    /// `memory` is a file where the instances known last are kept for the next start; broken content is
    /// ignored with one warning. `stop` ends the watching; registrations end by themselves.
    ///
    /// # Errors
    /// A configuration that cannot work: see [`Error`].
    pub fn open(config: &Config, memory: PathBuf, stop: CancellationToken) -> Result<Self, Error> {
        Self::start(config, None, memory, stop, TIMES)
    }

    /// [`Discovery::open`] for an etcd behind TLS.
    ///
    /// # Errors
    /// As [`Discovery::open`]. Files that cannot be read are etcd being away, until they can be.
    pub fn open_with_tls(
        config: &Config,
        tls: TlsFiles,
        memory: PathBuf,
        stop: CancellationToken,
    ) -> Result<Self, Error> {
        Self::start(config, Some(tls), memory, stop, TIMES)
    }

    fn start(
        config: &Config,
        tls: Option<TlsFiles>,
        memory: PathBuf,
        stop: CancellationToken,
        times: Times,
    ) -> Result<Self, Error> {
        if config.weight > MAX_WEIGHT {
            return Err(Error::Weight(config.weight));
        }
        let source = match config.kind {
            Kind::Static => Source::List(config.listed()?),
            Kind::Etcd => {
                let urls = config.members(tls.is_some())?;
                Source::Registry(Registry::start(urls, tls, memory, stop, times))
            }
        };
        Ok(Self { inner: Arc::new(Inner { source, watched: Mutex::default() }) })
    }

    /// The instances of a service in one version, now and later, in the order of their addresses; drained
    /// ones (weight 0) are among them. Never empty merely because etcd is away.
    pub fn watch(&self, service: &str, version: &str) -> watch::Receiver<Instances> {
        let mut watched = self.inner.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = watched.entry((service.to_owned(), version.to_owned())).or_insert_with(|| {
            match &self.inner.source {
                Source::List(listed) => {
                    let of_service = listed.iter().filter(|instance| instance.name == service);
                    let instances = of_service
                        .map(|instance| Instance { version: version.to_owned(), ..instance.clone() });
                    Arc::new(watch::Sender::new(instances.collect()))
                }
                Source::Registry(registry) => registry.watch(service, version),
            }
        });
        sender.subscribe()
    }

    /// Registers an instance and keeps it registered until it is withdrawn; a list registers nothing.
    ///
    /// A weight written by somebody else ([`Discovery::set_weight`]) is taken over and outlives a lost lease
    /// and a wiped etcd, though not this process. An instance nobody could use (a name, address or weight
    /// out of bounds) is not registered and logged as an error.
    pub fn register(&self, instance: Instance) -> Registration {
        match &self.inner.source {
            Source::List(_) => Registration::unwritten(instance.weight),
            Source::Registry(registry) => registry.register(instance),
        }
    }

    /// What is registered right now, every service and version, in the order of their keys; at most 5,000.
    /// Of a list: the list.
    ///
    /// # Errors
    /// [`Error::Away`] when no member answers within 3 s.
    pub async fn list(&self) -> Result<Vec<Instance>, Error> {
        match &self.inner.source {
            Source::List(listed) => Ok(listed.clone()),
            Source::Registry(registry) => registry.list().await,
        }
    }

    /// Gives a registered instance another weight, at most [`MAX_WEIGHT`]; its lease stays its own.
    ///
    /// # Errors
    /// [`Error::NoInstance`], [`Error::Weight`], [`Error::Listed`] for a list, [`Error::Busy`] when others
    /// kept changing the key, [`Error::Away`].
    pub async fn set_weight(&self, service: &str, addr: &str, weight: u32) -> Result<Instance, Error> {
        if weight > MAX_WEIGHT {
            return Err(Error::Weight(weight));
        }
        match &self.inner.source {
            Source::List(_) => Err(Error::Listed),
            Source::Registry(registry) => registry.set_weight(service, addr, weight).await,
        }
    }
}

#[cfg(test)]
mod tests;
