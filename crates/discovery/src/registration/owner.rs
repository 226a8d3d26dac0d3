//! The task that holds an instance's key: renews its lease, writes what is wanted, takes over the weight an
//! operator wrote, and begins anew when lease or key are lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use etcd_client::{Client, Compare, CompareOp, EventType, KeyValue, PutOptions, Txn, TxnOp};
use etcd_client::{WatchOptions, WatchResponse};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tracing::{debug, info, warn};

use crate::Instance;
use crate::backoff::Backoff;
use crate::error::Trouble;
use crate::members::{Members, chain, within};

/// How often a write is tried again when the key changed meanwhile.
const MAX_TRIES: usize = 3;

/// What the registered process wants of its registration.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) share: f64,
    pub(super) is_drained: bool,
    pub(super) is_leaving: bool,
}

impl Wanted {
    pub(super) fn new(share: f64) -> Self {
        Self { share, is_drained: false, is_leaving: false }
    }
}

pub(super) struct Owner {
    members: Arc<Members>,
    instance: Instance,
    key: String,
    ttl: Duration,
    wanted: watch::Receiver<Wanted>,
    weight: watch::Sender<u32>,
    drained: watch::Sender<bool>,
    lease: Option<i64>,
    /// Up to here the key's history is known; later events on it are news.
    seen: i64,
    /// The key holds something else than is wanted.
    is_stale: bool,
}

impl Owner {
    pub(super) fn new(
        members: Arc<Members>,
        instance: Instance,
        ttl: Duration,
        wanted: watch::Receiver<Wanted>,
        weight: watch::Sender<u32>,
        drained: watch::Sender<bool>,
    ) -> Self {
        let key = instance.key();
        Self { members, instance, key, ttl, wanted, weight, drained, lease: None, seen: 0, is_stale: false }
    }

    /// Holds the key until withdrawn, or until the registration is dropped.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let began = Instant::now();
            let is_last = self.wanted.borrow().is_leaving;
            let Err(error) = self.connect().await else { return };
            debug!(key = self.key, error = %chain(&error), "the registration was cut off");
            self.members.doubt();
            if is_last {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.next_after(began.elapsed())) => {}
                changed = self.wanted.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn connect(&mut self) -> Result<(), Trouble> {
        let members = Arc::clone(&self.members);
        let session = members.session().await?;
        tokio::select! {
            ended = self.hold(&session.client) => ended,
            () = members.given_up(&session) => Err(Trouble::Replaced),
        }
    }

    /// Returns when the instance has left.
    async fn hold(&mut self, client: &Client) -> Result<(), Trouble> {
        if self.wanted.borrow().is_leaving {
            return self.leave(client).await;
        }
        self.renew(client).await?;
        self.write(client).await?;
        let options = WatchOptions::new().with_start_revision(self.seen + 1);
        let mut own = within(client.watch_client().watch(self.key.as_str(), Some(options))).await?;
        let mut tick = tokio::time::interval(self.ttl / 3);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.reset();
        loop {
            tokio::select! {
                _ = tick.tick() => self.keep(client).await?,
                message = own.message() => {
                    let message = message?.ok_or_else(|| Trouble::Ended("etcd closed it".to_owned()))?;
                    self.hear(&message)?;
                }
                changed = self.wanted.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    if self.wanted.borrow().is_leaving {
                        return self.leave(client).await;
                    }
                    self.write(client).await?;
                }
            }
        }
    }

    /// The regular sign of life. What others wrote over our key is put right here and not at once, so that
    /// two processes with one address do not race each other.
    async fn keep(&mut self, client: &Client) -> Result<(), Trouble> {
        let lease = self.lease;
        self.renew(client).await?;
        if self.is_stale || self.lease != lease { self.write(client).await } else { Ok(()) }
    }

    /// Renews the lease, or gets a new one when there is none any more.
    async fn renew(&mut self, client: &Client) -> Result<(), Trouble> {
        if let Some(lease) = self.lease {
            match within(client.lease_client().keep_alive(lease)).await {
                Err(Trouble::Etcd(etcd_client::Error::LeaseKeepAliveError(_))) => {
                    warn!(key = self.key, "the lease was lost, registering anew");
                    self.lease = None;
                }
                renewed => return renewed.map(|_| ()),
            }
        }
        let seconds = i64::try_from(self.ttl.as_secs()).unwrap_or(i64::MAX);
        self.lease = Some(within(client.lease_client().grant(seconds, None)).await?.id());
        Ok(())
    }

    /// Makes the key hold what is wanted, after taking over a weight written there under our lease.
    async fn write(&mut self, client: &Client) -> Result<(), Trouble> {
        let lease = self.lease.unwrap_or_default();
        for _ in 0..MAX_TRIES {
            let found = within(client.kv_client().get(self.key.as_str(), None)).await?;
            let pair = found.kvs().first();
            if let Some(pair) = pair.filter(|pair| pair.lease() == lease) {
                self.take_over(pair);
            }
            let wanted = *self.wanted.borrow_and_update();
            let instance = self.as_wanted(wanted);
            let held = pair.filter(|pair| pair.lease() == lease).and_then(|pair| self.parse(pair));
            let header = if held.as_ref() == Some(&instance) {
                found.header().cloned()
            } else {
                let revision = pair.map_or(0, KeyValue::mod_revision);
                let unchanged = Compare::mod_revision(self.key.as_str(), CompareOp::Equal, revision);
                let value = serde_json::to_vec(&instance).unwrap_or_default();
                let put = TxnOp::put(self.key.as_str(), value, Some(PutOptions::new().with_lease(lease)));
                let written =
                    within(client.kv_client().txn(Txn::new().when([unchanged]).and_then([put]))).await?;
                if !written.succeeded() {
                    continue;
                }
                debug!(key = self.key, weight = instance.weight, share = instance.share, "registered");
                written.header().cloned()
            };
            self.seen = header.map_or(self.seen, |header| header.revision());
            self.is_stale = false;
            self.drained.send_replace(wanted.is_drained);
            return Ok(());
        }
        Err(Trouble::Busy)
    }

    /// Weight 0 first, so that watchers know the end for an orderly one; then the lease, and the key with it.
    async fn leave(&mut self, client: &Client) -> Result<(), Trouble> {
        let Some(lease) = self.lease else { return Ok(()) };
        self.write(client).await?;
        within(client.lease_client().revoke(lease)).await.map(|_| ())
    }

    fn hear(&mut self, message: &WatchResponse) -> Result<(), Trouble> {
        if message.canceled() {
            return Err(Trouble::Ended(message.cancel_reason().to_owned()));
        }
        for event in message.events() {
            let Some(pair) = event.kv().filter(|pair| pair.mod_revision() > self.seen) else { continue };
            self.seen = pair.mod_revision();
            match event.event_type() {
                EventType::Delete => {
                    warn!(key = self.key, "our key was removed, registering anew");
                    return Err(Trouble::Removed);
                }
                EventType::Put => self.take_note(pair),
            }
        }
        Ok(())
    }

    fn take_note(&mut self, pair: &KeyValue) {
        if Some(pair.lease()) == self.lease {
            self.take_over(pair);
        } else {
            warn!(key = self.key, "another process registers our address");
        }
        let wanted = *self.wanted.borrow();
        self.is_stale = Some(pair.lease()) != self.lease || self.parse(pair) != Some(self.as_wanted(wanted));
    }

    /// An operator's weight becomes ours; not while draining, where 0 is the last word.
    fn take_over(&mut self, pair: &KeyValue) {
        let Some(found) = self.parse(pair) else { return };
        if found.weight == self.instance.weight || self.wanted.borrow().is_drained {
            return;
        }
        info!(key = self.key, weight = found.weight, before = self.instance.weight, "weight taken over");
        self.instance.weight = found.weight;
        self.weight.send_replace(found.weight);
    }

    fn parse(&self, pair: &KeyValue) -> Option<Instance> {
        Instance::parse(&self.key, pair.value()).ok()
    }

    fn as_wanted(&self, wanted: Wanted) -> Instance {
        let weight = if wanted.is_drained { 0 } else { self.instance.weight };
        Instance { weight, share: wanted.share, ..self.instance.clone() }
    }
}
