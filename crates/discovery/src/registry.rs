//! etcd as everybody's list: what starts the watching and the registering, and what operators ask. The tasks
//! themselves are `members`, `watcher` and `registration`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use etcd_client::{Client, Compare, CompareOp, GetOptions, KeyValue, PutOptions, Txn, TxnOp};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::complaints::Complaints;
use super::error::{Error, Trouble};
use super::instance::is_key;
use super::known::Known;
use super::members::{Members, chain, within};
use super::memory::Memory;
use super::registration::Registration;
use super::watcher::Watcher;
use super::{Instance, Times, TlsFiles, Told};

/// Keys read at once; with a few hundred bytes each they fit one answer.
pub(crate) const MAX_LISTED: i64 = 5_000;

/// How long an operator waits for etcd.
const OPERATOR_TIMEOUT: Duration = Duration::from_secs(3);

/// How often a weight is written again when its key changed meanwhile.
const MAX_TRIES: usize = 5;

pub(crate) struct Registry {
    members: Arc<Members>,
    memory: Arc<Memory>,
    complaints: Arc<Complaints>,
    times: Times,
    stop: CancellationToken,
}

impl Registry {
    pub(crate) fn start(
        urls: Vec<String>,
        tls: Option<TlsFiles>,
        memory: PathBuf,
        stop: CancellationToken,
        times: Times,
    ) -> Self {
        let members = Arc::new(Members::new(urls, tls));
        let memory = Arc::new(Memory::load(memory));
        tokio::spawn(Arc::clone(&memory).write(stop.clone()));
        let (beating, until) = (Arc::clone(&members), stop.clone());
        tokio::spawn(async move { beating.beat(times.heartbeat, until).await });
        Self { members, memory, complaints: Arc::default(), times, stop }
    }

    pub(crate) fn watch(&self, service: &str, version: &str) -> Told {
        let watcher = self.watcher(service, version);
        let told = Arc::clone(&watcher.told);
        tokio::spawn(watcher.run(self.stop.clone()));
        told
    }

    pub(crate) fn watcher(&self, service: &str, version: &str) -> Watcher {
        let known = Known::new(self.times.ttl, self.times.grace, self.memory.of(service, version));
        let told = Told::new(tokio::sync::watch::Sender::new(known.shown()));
        Watcher {
            members: Arc::clone(&self.members),
            memory: Arc::clone(&self.memory),
            complaints: Arc::clone(&self.complaints),
            service: service.to_owned(),
            version: version.to_owned(),
            known,
            told,
            revision: 0,
        }
    }

    pub(crate) fn register(&self, instance: Instance) -> Registration {
        if let Err(flaw) = instance.check() {
            error!(key = instance.key(), error = %chain(&flaw), "this instance cannot be registered");
            return Registration::unwritten(instance.weight);
        }
        Registration::start(Arc::clone(&self.members), instance, self.times.ttl)
    }

    pub(crate) async fn list(&self) -> Result<Vec<Instance>, Error> {
        let pairs = self.answered(|client| pairs(client, "/".to_owned())).await?;
        let ours = pairs.iter().filter(|pair| pair.key_str().is_ok_and(is_key));
        Ok(ours.filter_map(|pair| self.complaints.read(pair)).collect())
    }

    pub(crate) async fn set_weight(&self, service: &str, addr: &str, weight: u32) -> Result<Instance, Error> {
        self.answered(|client| self.rewrite(client, service, addr, weight)).await?
    }

    async fn rewrite(
        &self,
        client: Arc<Client>,
        service: &str,
        addr: &str,
        weight: u32,
    ) -> Result<Result<Instance, Error>, Trouble> {
        for _ in 0..MAX_TRIES {
            let pairs = pairs(Arc::clone(&client), format!("/{service}/")).await?;
            let is_it = |pair: &KeyValue| {
                let instance = self.complaints.read(pair)?;
                (instance.addr == addr).then(|| (pair.clone(), instance))
            };
            let Some((pair, mut instance)) = pairs.iter().find_map(is_it) else {
                let (service, addr) = (service.to_owned(), addr.to_owned());
                return Ok(Err(Error::NoInstance { service, addr }));
            };
            instance.weight = weight;
            if write_weight(&client, &pair, weight).await? {
                return Ok(Ok(instance));
            }
        }
        Ok(Err(Error::Busy(addr.to_owned())))
    }

    async fn answered<T, Answer>(&self, question: impl Fn(Arc<Client>) -> Answer) -> Result<T, Error>
    where
        Answer: Future<Output = Result<T, Trouble>>,
    {
        let answer = tokio::time::timeout(OPERATOR_TIMEOUT, self.members.ask(question)).await;
        let answer = answer.unwrap_or(Err(Trouble::Silent(OPERATOR_TIMEOUT.as_millis())));
        answer.map_err(|source| Error::Away { endpoints: self.members.names(), source })
    }

    #[cfg(test)]
    pub(crate) fn members(&self) -> &Members {
        &self.members
    }
}

async fn pairs(client: Arc<Client>, prefix: String) -> Result<Vec<KeyValue>, Trouble> {
    let options = GetOptions::new().with_prefix().with_limit(MAX_LISTED);
    Ok(within(client.kv_client().get(prefix, Some(options))).await?.take_kvs())
}

/// Whether the weight was written: not when the key has changed since it was read.
async fn write_weight(client: &Client, pair: &KeyValue, weight: u32) -> Result<bool, Trouble> {
    // Only the weight changes: fields of a build that knows more than this one stay.
    let mut fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(pair.value()).unwrap_or_default();
    fields.insert("weight".to_owned(), weight.into());
    let value = serde_json::Value::from(fields).to_string();
    let unchanged = Compare::mod_revision(pair.key(), CompareOp::Equal, pair.mod_revision());
    let put = TxnOp::put(pair.key(), value, Some(PutOptions::new().with_ignore_lease()));
    let transaction = Txn::new().when([unchanged]).and_then([put]);
    Ok(within(client.kv_client().txn(transaction)).await?.succeeded())
}
