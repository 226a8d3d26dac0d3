//! The connection to etcd: one member at a time, given up for the next one when it fails or falls silent.
//! What is asked over it is the others'.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use etcd_client::{Certificate, Client, ConnectOptions, GetOptions, Identity, TlsOptions};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::TlsFiles;
use super::backoff::Backoff;
use super::error::Trouble;

/// No question to etcd waits longer; a member that takes longer is as good as away.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// HTTP/2 pings on a silent connection, the second line behind the heartbeat. The heartbeat also keeps these
/// pings rare: etcd closes a connection on which they come more often than every 5 s without other frames.
const PING_EVERY: Duration = Duration::from_secs(3);
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// The members of etcd and the connection to one of them.
pub(crate) struct Members {
    urls: Vec<String>,
    tls: Option<TlsFiles>,
    client: Mutex<Option<Arc<Client>>>,
    /// Counts connections; which member is asked follows from it.
    number: watch::Sender<usize>,
    doubted: Notify,
    up: watch::Sender<bool>,
}

/// A connection, shared by all that use it.
pub(crate) struct Session {
    pub(crate) client: Arc<Client>,
    number: usize,
}

impl Members {
    pub(crate) fn new(urls: Vec<String>, tls: Option<TlsFiles>) -> Self {
        // So that a fleet does not ask one member alone.
        let first = fastrand::usize(..urls.len().max(1));
        Self {
            urls,
            tls,
            client: Mutex::default(),
            number: watch::Sender::new(first),
            doubted: Notify::new(),
            up: watch::Sender::new(false),
        }
    }

    /// Whether etcd answered the last heartbeat.
    #[cfg(test)]
    pub(crate) fn up(&self) -> watch::Receiver<bool> {
        self.up.subscribe()
    }

    /// The members, for a message.
    pub(crate) fn names(&self) -> String {
        self.urls.join(", ")
    }

    /// The connection in use, or a new one; nothing is sent yet.
    pub(crate) async fn session(&self) -> Result<Session, Trouble> {
        let number = *self.number.borrow();
        if let Some(client) = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Ok(Session { client, number });
        }
        let url = &self.urls[number % self.urls.len()];
        let client = Arc::new(within(Client::connect([url], Some(self.options(url)?))).await?);
        let mut kept = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if *self.number.borrow() == number && kept.is_none() {
            *kept = Some(Arc::clone(&client));
        }
        Ok(Session { client, number })
    }

    /// Has the heartbeat look at once: something asked of etcd went wrong.
    pub(crate) fn doubt(&self) {
        self.doubted.notify_one();
    }

    /// Returns when a connection has been given up.
    pub(crate) async fn given_up(&self, session: &Session) {
        let mut number = self.number.subscribe();
        // The sender is `self`'s, so that this ends for one reason only.
        let _ = number.wait_for(|&number| number != session.number).await;
    }

    /// Asks one member after the other until one answers; who does not is given up, for all.
    pub(crate) async fn ask<T, Answer>(&self, question: impl Fn(Arc<Client>) -> Answer) -> Result<T, Trouble>
    where
        Answer: Future<Output = Result<T, Trouble>>,
    {
        let mut asked = 0;
        loop {
            let number = *self.number.borrow();
            let answer = match self.session().await {
                Ok(session) => question(session.client).await,
                Err(error) => Err(error),
            };
            asked += 1;
            let Err(error) = answer else { return answer };
            self.give_up(number);
            if asked >= self.urls.len() {
                return Err(error);
            }
            debug!(error = %chain(&error), "a member of etcd does not answer, asking the next");
        }
    }

    /// Asks etcd again and again whether it is there, and says so when that changes.
    pub(crate) async fn beat(&self, every: Duration, stop: CancellationToken) {
        let mut backoff = Backoff::default();
        let mut was_up = None;
        loop {
            let answer = self.ask(sign_of_life).await;
            let is_up = answer.is_ok();
            match answer {
                Ok(()) if was_up == Some(false) => info!(etcd = %self.names(), "etcd answers again"),
                Err(error) if was_up != Some(false) => {
                    let error = chain(&error);
                    warn!(etcd = %self.names(), %error, "etcd is away, going on with what is known");
                }
                Ok(()) | Err(_) => {}
            }
            was_up = Some(is_up);
            self.up.send_replace(is_up);
            metrics::gauge!("dytt_discovery_etcd_up").set(if is_up { 1.0 } else { 0.0 });
            let wait = if is_up {
                backoff.reset();
                every
            } else {
                backoff.next()
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.doubted.notified(), if is_up => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// The next connection goes to the next member.
    fn give_up(&self, number: usize) {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        self.number.send_if_modified(|current| {
            let is_in_use = *current == number;
            if is_in_use {
                *current = number.wrapping_add(1);
                *client = None;
            }
            is_in_use
        });
    }

    fn options(&self, url: &str) -> Result<ConnectOptions, Trouble> {
        let options = ConnectOptions::new()
            .with_connect_timeout(CALL_TIMEOUT)
            .with_keep_alive(PING_EVERY, PING_TIMEOUT)
            .with_keep_alive_while_idle(true)
            // A member without a leader refuses instead of answering from the past for ever.
            .with_require_leader(true);
        let Some(tls) = self.tls.as_ref().filter(|_| url.starts_with("https:")) else { return Ok(options) };
        let read = |path: &std::path::PathBuf| {
            std::fs::read(path).map_err(|source| Trouble::File { path: path.clone(), source })
        };
        let roots = Certificate::from_pem(read(&tls.roots)?);
        let identity = Identity::from_pem(read(&tls.certificate)?, read(&tls.key)?);
        let tls = TlsOptions::new().ca_certificate(roots).identity(identity).timeout(CALL_TIMEOUT);
        Ok(options.with_tls(tls))
    }
}

/// The member alone is asked, not a quorum: it must know of a leader, and that is enough.
async fn sign_of_life(client: Arc<Client>) -> Result<(), Trouble> {
    let options = GetOptions::new().with_serializable().with_keys_only().with_limit(1);
    within(client.kv_client().get("/", Some(options))).await.map(|_| ())
}

/// A question to etcd, with the time-out of ours that its client lacks.
pub(crate) fn within<T>(
    question: impl Future<Output = Result<T, etcd_client::Error>> + Send,
) -> impl Future<Output = Result<T, Trouble>> + Send {
    // The client's futures are kilobytes; boxed here, nobody's future has to carry them.
    let question = tokio::time::timeout(CALL_TIMEOUT, Box::pin(question));
    async move {
        match question.await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Trouble::Silent(CALL_TIMEOUT.as_millis())),
        }
    }
}

/// An error with its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
