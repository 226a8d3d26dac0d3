//! The certificates a process holds, kept fresh, and the handshakes made with them. Which service may call
//! what is `rpc`'s.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::client::Resumption;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::server::{Acceptor, ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_rustls::{LazyConfigAcceptor, TlsConnector};
use tokio_util::sync::CancellationToken;

use crate::folder::{Checked, Files};
use crate::verify::{Verifier, identity, provider};
use crate::{Error, Identity};

pub use tokio_rustls::client::TlsStream as ClientStream;
pub use tokio_rustls::server::TlsStream as ServerStream;

/// A whole handshake, slow networks included.
pub(crate) const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Counts the states of the folder that could not be used.
const FAILURES: &str = "dytt_tls_reload_failures_total";
/// What is spoken inside: HTTP/2, which is what gRPC needs.
const PROTOCOL: &[u8] = b"h2";

/// The service at the other end, as its certificate proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its name, such as `gateway`.
    pub service: String,
}

/// The certificates of the services this process runs or calls as; clones share them.
#[derive(Clone)]
pub struct Identities(Arc<Shared>);

struct Shared {
    dir: PathBuf,
    services: Vec<String>,
    current: ArcSwap<Set>,
    /// How many sets were taken over.
    changes: watch::Sender<u64>,
}

/// One state of the folder, ready for handshakes.
struct Set {
    files: Files,
    domain: String,
    server: Arc<ServerConfig>,
    clients: BTreeMap<String, Arc<ClientConfig>>,
    expires: BTreeMap<String, i64>,
    held: Arc<ByName>,
}

impl Identities {
    /// Reads `ca.pem`, `crl.pem` (need not be there) and, for each service, `SERVICE.pem` and
    /// `SERVICE.key`, and checks all of it: nothing is half loaded.
    ///
    /// # Errors
    /// One line that names the file, what is wrong with it and what would be right.
    pub fn load(dir: &Path, services: &[&str]) -> Result<Self, Error> {
        let services: Vec<String> = services.iter().map(|service| (*service).to_owned()).collect();
        let set = Set::new(dir, Files::read(dir, &services)?)?;
        set.report(UnixTime::now());
        Ok(Self(Arc::new(Shared {
            dir: dir.to_owned(),
            services,
            current: ArcSwap::from_pointee(set),
            changes: watch::Sender::new(0),
        })))
    }

    /// The domain of trust all of them are of.
    pub fn domain(&self) -> String {
        self.0.current.load().domain.clone()
    }

    /// Whether this process can call as a service.
    #[must_use]
    pub fn holds(&self, service: &str) -> bool {
        self.0.services.iter().any(|held| held == service)
    }

    /// Changes whenever a new set is taken over: who holds connections open ends them then, in order, so that a
    /// revoked caller does not stay.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Looks at the files once a second until `stop`. A new set that is whole and valid is used from the next
    /// handshake on, open connections go on; anything else is logged, counted, and changes nothing.
    pub async fn keep_fresh(self, stop: CancellationToken) {
        metrics::counter!(FAILURES).increment(0);
        let mut watch = Watch::default();
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let shared = Arc::clone(&self.0);
            let looked = tokio::task::spawn_blocking(move || {
                watch.look(&shared);
                watch
            });
            match looked.await {
                Ok(back) => watch = back,
                Err(error) => {
                    tracing::error!(%error, "certificates could not be looked at");
                    watch = Watch::default();
                }
            }
        }
    }

    /// The server's side of a handshake, at most 5 s long. The certificate shown is that of the service the
    /// caller asks for; where this process holds only one, that one.
    ///
    /// # Errors
    /// [`Error::Slow`]; [`Error::NotServed`]; [`Error::Handshake`] with the reason, a refused caller among
    /// them.
    pub async fn accept<S>(&self, stream: S) -> Result<(ServerStream<S>, Peer), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let set = self.0.current.load_full();
        let shake = async {
            let start =
                LazyConfigAcceptor::new(Acceptor::default(), stream).await.map_err(Error::Handshake)?;
            let asked = start.client_hello().server_name().map(str::to_owned);
            let shaken = start.into_stream(Arc::clone(&set.server)).await;
            let stream = shaken.map_err(|source| match set.held.named(asked.as_deref()) {
                Some(_) => Error::Handshake(source),
                None => Error::NotServed { asked, source },
            })?;
            let leaf = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let found = leaf.ok_or_else(|| "showed no certificate".to_owned()).and_then(identity);
            let peer = found.map_err(|wrong| Error::Handshake(std::io::Error::other(wrong)))?;
            Ok((stream, Peer { service: peer.service }))
        };
        tokio::time::timeout(HANDSHAKE_TIME, shake).await.unwrap_or(Err(Error::Slow))
    }

    /// The caller's side, as our service `from`, to a server that must prove to be the service `to`; at
    /// most 5 s long. With TLS 1.3 this ends before the server has judged our certificate: its refusal is
    /// what the first read then gives.
    ///
    /// # Errors
    /// [`Error::NotHeld`], [`Error::Slow`], or [`Error::Handshake`] with the reason.
    pub async fn connect<S>(&self, from: &str, to: &str, stream: S) -> Result<ClientStream<S>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let set = self.0.current.load_full();
        let config = set.clients.get(from).ok_or_else(|| Error::NotHeld(from.to_owned()))?;
        let host = Identity::new(&set.domain, to)?.host();
        let host = ServerName::try_from(host).map_err(|error| Error::Refused(format!("`{to}`: {error}")))?;
        let shake = TlsConnector::from(Arc::clone(config)).connect(host, stream);
        let shaken = tokio::time::timeout(HANDSHAKE_TIME, shake).await.map_err(|_late| Error::Slow)?;
        shaken.map_err(Error::Handshake)
    }
}

impl Set {
    fn new(dir: &Path, files: Files) -> Result<Self, Error> {
        let Checked { domain, trust, services } = files.check(dir, UnixTime::now())?;
        let expires = services.iter().map(|(service, held)| (service.clone(), held.expires)).collect();
        let keys = services.into_iter().map(|(service, held)| (service, held.key)).collect();
        let held = Arc::new(ByName { domain: domain.clone(), keys });
        let verifier = Arc::new(Verifier { trust, domain: domain.clone() });
        let clients = held.keys.iter().map(|(service, key)| Ok((service.clone(), client(&verifier, key)?)));
        Ok(Self {
            clients: clients.collect::<Result<_, Error>>()?,
            server: server(&verifier, &held)?,
            files,
            domain,
            expires,
            held,
        })
    }

    fn report(&self, now: UnixTime) {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        for (service, expires) in &self.expires {
            #[expect(clippy::cast_precision_loss, reason = "a gauge of seconds; ±1 in 2^53 is no matter")]
            let left = (expires - now) as f64;
            metrics::gauge!("dytt_tls_expires_seconds", "service" => service.clone()).set(left);
        }
    }
}

/// What the last looks at the folder found.
#[derive(Default)]
struct Watch {
    /// The fault of the last look, and whether it was told.
    fault: Option<(String, bool)>,
}

impl Watch {
    fn look(&mut self, shared: &Shared) {
        let looked = Files::read(&shared.dir, &shared.services).and_then(|files| {
            let unchanged = shared.current.load().files == files;
            if unchanged { Ok(None) } else { Set::new(&shared.dir, files).map(Some) }
        });
        match looked {
            Ok(set) => {
                if let Some(set) = set {
                    shared.current.store(Arc::new(set));
                    shared.changes.send_modify(|count| *count += 1);
                    tracing::info!(dir = %shared.dir.display(), "new certificates are used from now on");
                }
                self.fault = None;
            }
            Err(error) => self.tell(error.to_string()),
        }
        shared.current.load().report(UnixTime::now());
    }

    /// A fault counts once it is seen twice: files that belong together are never replaced at one instant.
    fn tell(&mut self, fault: String) {
        let told = match &self.fault {
            Some((before, told)) if *before == fault => {
                if !told {
                    metrics::counter!(FAILURES).increment(1);
                    tracing::error!(%fault, "the new certificates cannot be used, the old ones stay");
                }
                true
            }
            Some(_) | None => false,
        };
        self.fault = Some((fault, told));
    }
}

/// The certificates by the name a caller asks for.
#[derive(Debug)]
struct ByName {
    domain: String,
    keys: BTreeMap<String, Arc<CertifiedKey>>,
}

impl ByName {
    fn named(&self, asked: Option<&str>) -> Option<Arc<CertifiedKey>> {
        if let (1, Some((_, only))) = (self.keys.len(), self.keys.first_key_value()) {
            return Some(Arc::clone(only));
        }
        let service = asked?.strip_suffix(self.domain.as_str())?.strip_suffix('.')?;
        self.keys.get(service).cloned()
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.named(hello.server_name())
    }
}

// Sessions are never resumed, at either end: a resumed one is not asked for its certificate again, so one
// that was revoked, has expired or lost its root would come in for as long as it has a ticket.

fn server(verifier: &Arc<Verifier>, held: &Arc<ByName>) -> Result<Arc<ServerConfig>, Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_client_cert_verifier(Arc::clone(verifier) as _)
        .with_cert_resolver(Arc::clone(held) as _);
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

fn client(verifier: &Arc<Verifier>, key: &Arc<CertifiedKey>) -> Result<Arc<ClientConfig>, Error> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(verifier) as _)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(key))));
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests;
