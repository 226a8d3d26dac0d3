//! Follows one service in one version: a list, then the watch behind it, and a list again whenever the watch
//! ends. What to make of what vanishes is `known`'s.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use etcd_client::{EventType, GetOptions, ResponseHeader, WatchOptions, WatchResponse};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Told;
use super::backoff::Backoff;
use super::complaints::Complaints;
use super::error::Trouble;
use super::instance::prefix;
use super::known::Known;
use super::members::{Members, Session, chain, within};
use super::memory::Memory;
use super::registry::MAX_LISTED;

/// The following of one service in one version.
pub(crate) struct Watcher {
    pub(crate) members: Arc<Members>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) complaints: Arc<Complaints>,
    pub(crate) service: String,
    pub(crate) version: String,
    pub(crate) known: Known,
    pub(crate) told: Told,
    /// The newest revision of etcd that was seen; one that is behind it has lost its past.
    pub(crate) revision: i64,
}

impl Watcher {
    /// Follows until stopped.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut backoff = Backoff::default();
        self.tell(0);
        loop {
            let began = Instant::now();
            let ended = tokio::select! {
                ended = self.connect() => ended,
                () = stop.cancelled() => return,
            };
            let Err(error) = ended;
            debug!(service = self.service, error = %chain(&error), "the watch ended, listing anew");
            self.members.doubt();
            tokio::select! {
                () = tokio::time::sleep(backoff.next_after(began.elapsed())) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn connect(&mut self) -> Result<Infallible, Trouble> {
        let members = Arc::clone(&self.members);
        let session = members.session().await?;
        tokio::select! {
            ended = self.follow(&session) => ended,
            () = members.given_up(&session) => Err(Trouble::Replaced),
        }
    }

    /// Always begins with a list, so that a compacted, wiped or restored etcd needs no case of its own: what
    /// counts is what it holds now.
    async fn follow(&mut self, session: &Session) -> Result<Infallible, Trouble> {
        let prefix = prefix(&self.service, &self.version);
        let options = GetOptions::new().with_prefix().with_limit(MAX_LISTED);
        let answer = within(session.client.kv_client().get(prefix.as_str(), Some(options))).await?;
        let revision = answer.header().map(ResponseHeader::revision);
        let revision = revision.ok_or_else(|| Trouble::Ended("no revision was given".to_owned()))?;
        if answer.more() {
            warn!(service = self.service, limit = MAX_LISTED, "too many instances, using the first");
        }
        let instances = answer.kvs().iter().filter_map(|pair| self.complaints.read(pair)).collect();
        let has_lost_past = revision < self.revision;
        self.revision = revision;
        let kept = self.known.replace(instances, has_lost_past, Instant::now());
        self.tell(kept);
        metrics::counter!("dytt_discovery_resyncs_total", "service" => self.service.clone()).increment(1);

        let options = WatchOptions::new().with_prefix().with_start_revision(revision + 1);
        let mut stream = within(session.client.watch_client().watch(prefix.as_str(), Some(options))).await?;
        loop {
            let kept = tokio::select! {
                message = stream.message() => {
                    let message = message?.ok_or_else(|| Trouble::Ended("etcd closed it".to_owned()))?;
                    self.hear(&message, &prefix)?
                }
                () = until(self.known.next_expiry()) => {
                    self.known.expire(Instant::now());
                    0
                }
            };
            self.tell(kept);
        }
    }

    /// Says how many vanished instances are newly kept.
    pub(crate) fn hear(&mut self, message: &WatchResponse, prefix: &str) -> Result<usize, Trouble> {
        if message.canceled() {
            let compacted = message.compact_revision();
            let reason = match message.cancel_reason() {
                "" if compacted > 0 => format!("compacted up to revision {compacted}"),
                reason => reason.to_owned(),
            };
            return Err(Trouble::Ended(reason));
        }
        self.revision = message.header().map_or(self.revision, ResponseHeader::revision);
        let now = Instant::now();
        let mut kept = 0;
        for event in message.events() {
            let Some(pair) = event.kv() else { continue };
            let written = match event.event_type() {
                EventType::Put => self.complaints.read(pair),
                EventType::Delete => None,
            };
            match written {
                Some(instance) => self.known.put(instance),
                None => {
                    let key = String::from_utf8_lossy(pair.key());
                    kept += self.known.vanish(key.strip_prefix(prefix).unwrap_or_default(), now);
                }
            }
        }
        Ok(kept)
    }

    fn tell(&self, newly_kept: usize) {
        if newly_kept > 0 {
            let service = &self.service;
            warn!(service, kept = newly_kept, "most instances vanished at once, keeping them for a while");
        }
        let shown = self.known.shown();
        #[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
        metrics::gauge!("dytt_discovery_instances", "service" => self.service.clone())
            .set(shown.len() as f64);
        self.told.send_if_modified(|told| {
            let is_news = *told != shown;
            if is_news {
                *told = Arc::clone(&shown);
                self.memory.keep(&self.service, &self.version, shown);
            }
            is_news
        });
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => std::future::pending().await,
    }
}
