//! The server side: one port for all services of a process, their layers, and a stop that fails nobody.

mod accept;
mod bearer;
mod deadline;
mod degrade;
mod peer;
mod shed;
mod trace;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use discovery::{Discovery, Instance, Registration};
use futures_util::future::join_all;
use proto::Step;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::codegen::Service;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::{Config, Side, log, recover, status};
pub(crate) use bearer::IDEMPOTENCY_KEY;
pub(crate) use deadline::{Deadline, MARGIN, late};
use degrade::{Registered, Successes};
pub(crate) use trace::mark;
#[cfg(test)]
pub(crate) use {peer::layer as peer_layer, shed::limited};

/// How long callers need to learn that an instance wants no more calls: a watch event travels in
/// milliseconds, a loaded machine gets a second.
pub const PROPAGATION: Duration = Duration::from_secs(1);

/// A service this process answers for.
pub struct Hosted {
    /// Its noun.
    pub service: &'static str,
    /// What answers.
    pub handler: Step,
}

/// Why a process cannot answer calls; the text names the key.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("rpc.listen: listen on {address}")]
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The contracts cannot be shown.
    #[error("rpc.reflection: the contracts cannot be read")]
    Reflection(#[source] tonic_reflection::server::Error),
}

/// A port that is open and takes no calls yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    advertise: String,
    reflection: bool,
}

/// A server that takes calls.
pub struct Serving {
    registrations: Option<JoinHandle<Vec<Registration>>>,
    health: HealthReporter,
    names: Vec<String>,
    ending: net::Ending,
    background: CancellationToken,
}

impl Server {
    /// Opens the port.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn bind(config: &Config) -> Result<Self, StartError> {
        let failed = |source| StartError::Listen { address: config.listen.clone(), source };
        let listener = TcpListener::bind(&config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        // A port of 0 was picked just now: of the advertised address the host is then meant.
        let advertise = match config.advertise.strip_suffix(":0") {
            Some(host) => format!("{host}:{}", address.port()),
            None if config.advertise.is_empty() => address.to_string(),
            None => config.advertise.clone(),
        };
        Ok(Self { listener, address, advertise, reflection: config.reflection })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes calls for these services, and says so where callers look.
    ///
    /// # Errors
    /// [`StartError::Reflection`].
    pub async fn serve(
        self,
        hosted: Vec<Hosted>,
        identities: tls::Identities,
        keys: Arc<tls::keys::RpcKeys>,
        discovery: &Discovery,
        described: &Instance,
    ) -> Result<Serving, StartError> {
        let (health, health_server) = tonic_health::server::health_reporter();
        let successes = Arc::new(Successes::default());
        // The empty name is the whole process (gRPC health checking).
        let names = hosted.iter().map(|one| full_name(one.service)).chain([String::new()]).collect();
        let mut handlers = HashMap::new();
        for one in &hosted {
            let handler = bearer::layer(one.service, Arc::clone(&keys), one.handler.clone());
            handlers.insert(full_name(one.service), handler);
            health.set_service_status(full_name(one.service), ServingStatus::Serving).await;
        }
        handlers.insert("grpc.health.v1.Health".into(), step(health_server));
        if self.reflection {
            let reflection = tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
                .build_v1()
                .map_err(StartError::Reflection)?;
            handlers.insert("grpc.reflection.v1.ServerReflection".into(), step(reflection));
        }
        let stack = stack(router(handlers), Arc::clone(&successes));
        let ending = net::Ending::default();
        let callers = accept::Callers { identities, stack, stopping: ending.stopping().clone() };
        tokio::spawn(net::serve(self.listener, accept::limits(), callers, ending.clone()));
        let registered = hosted.iter().map(|one| {
            let (name, addr) = (one.service.to_owned(), self.advertise.clone());
            let registration = discovery.register(Instance { name, addr, ..described.clone() });
            Registered { service: one.service, registration, share: 1.0 }
        });
        let background = CancellationToken::new();
        let registrations =
            Some(tokio::spawn(degrade::run(registered.collect(), successes, background.clone())));
        Ok(Serving { registrations, health, names, ending, background })
    }
}

impl Serving {
    /// Tells callers to go elsewhere; [`PROPAGATION`] later they have heard it. Calls are still answered.
    pub async fn withdraw(&mut self) {
        for name in &self.names {
            self.health.set_service_status(name, ServingStatus::NotServing).await;
        }
        self.background.cancel();
        let Some(Ok(registrations)) =
            futures_util::future::OptionFuture::from(self.registrations.take()).await
        else {
            return;
        };
        // Weight 0 first: who sees only the removal cannot tell it from a crash.
        join_all(registrations.iter().map(Registration::drain)).await;
        join_all(registrations.into_iter().map(Registration::withdraw)).await;
    }

    /// Takes no new calls, lets those in flight end for at most `grace`, then cuts what is left.
    pub async fn stop(self, grace: Duration) {
        let left = self.ending.drain(grace).await;
        if left > 0 {
            tracing::warn!(connections = left, "calls were cut when the grace was over");
            self.ending.cut().await;
        }
    }
}

/// The layers in their order, outermost first.
fn stack(handlers: Step, successes: Arc<Successes>) -> Step {
    let peer = peer::layer(handlers);
    let shed = shed::layer(peer);
    let deadline = deadline::layer(shed);
    let recover = recover::layer(deadline);
    let degrade = degrade::layer(successes, recover);
    let log = log::layer(Side::Server, degrade);
    trace::layer(log)
}

/// Finds the service of a path.
fn router(handlers: HashMap<String, Step>) -> Step {
    let handlers = Arc::new(handlers);
    Step::new(move |request| {
        let name = request.uri().path().trim_start_matches('/').split('/').next().unwrap_or_default();
        let handler = handlers.get(name).cloned();
        async move {
            match handler {
                Some(handler) => handler.take(request).await,
                None => {
                    let text = "this process does not run that service";
                    status::failed(tonic::Code::Unimplemented, text)
                }
            }
        }
    })
}

pub(crate) fn full_name(service: &str) -> String {
    let (first, rest) = service.split_at(1);
    format!("dytt.{}.{}{rest}Service", proto::VERSION, first.to_uppercase())
}

/// A service of tonic's own as a step.
fn step<S>(service: S) -> Step
where
    S: Service<proto::Request, Response = proto::Response, Error = std::convert::Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    Step::new(move |request| {
        let mut service = service.clone();
        async move {
            match service.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
    })
}
