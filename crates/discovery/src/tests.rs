//! Discovery against a real etcd: what is registered is seen, and goes on being seen whatever etcd does.

mod faults;
mod go;
mod lines;
mod list;
mod registering;
mod secure;
mod start;
mod watching;

use std::time::Instant;

use servers::Server;
use tempfile::TempDir;
use tokio_util::sync::DropGuard;

use super::*;

/// As the real times, though with the shortest lease etcd grants.
const QUICK: Times = Times { ttl: Duration::from_secs(2), ..TIMES };

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// An etcd of the test's own.
struct World {
    etcd: Server,
    folder: TempDir,
}

/// A process's discovery; what it does in the background ends with it.
struct Process {
    discovery: Discovery,
    _stop: DropGuard,
}

impl std::ops::Deref for Process {
    type Target = Discovery;

    fn deref(&self) -> &Discovery {
        &self.discovery
    }
}

impl World {
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let etcd = servers::or_skip(servers::etcd(folder.path()))?;
        Some(Self { etcd, folder })
    }

    fn url(&self) -> String {
        format!("http://{}", self.etcd.addr())
    }

    /// A process of this name: its memory file goes with the name.
    fn process(&self, name: &str) -> Process {
        self.process_with(name, QUICK)
    }

    fn process_with(&self, name: &str, times: Times) -> Process {
        process(&[self.url()], self.folder.path().join(name), times)
    }

    /// etcd as it is, past all of ours.
    async fn raw(&self) -> etcd_client::Client {
        etcd_client::Client::connect([self.url()], None).await.expect("a connection")
    }

    /// Writes a key without an owner; gives back its lease.
    async fn plant(&self, key: &str, value: &str) -> i64 {
        let mut raw = self.raw().await;
        let lease = raw.lease_grant(600, None).await.expect("a lease").id();
        let options = etcd_client::PutOptions::new().with_lease(lease);
        raw.put(key, value, Some(options)).await.expect("written");
        lease
    }

    /// The key's lease, if the key is there.
    async fn lease_of(&self, key: &str) -> Option<i64> {
        let answer = self.raw().await.get(key, None).await.expect("an answer");
        answer.kvs().first().map(etcd_client::KeyValue::lease)
    }
}

fn process(urls: &[String], memory: PathBuf, times: Times) -> Process {
    let stop = CancellationToken::new();
    let config = Config { kind: Kind::Etcd, endpoints: urls.to_vec(), weight: 100 };
    let discovery =
        Discovery::start(&config, None, memory, stop.clone(), times).expect("a good configuration");
    Process { discovery, _stop: stop.drop_guard() }
}

impl Process {
    /// Whether etcd answered this process's last heartbeat.
    fn up(&self) -> watch::Receiver<bool> {
        match &self.inner.source {
            Source::Registry(registry) => registry.members().up(),
            Source::List(_) => panic!("a list has no etcd"),
        }
    }
}

fn instance(name: &str, port: u16) -> Instance {
    Instance {
        name: name.into(),
        addr: format!("127.0.0.1:{port}"),
        version: "v1".into(),
        weight: 100,
        share: 1.0,
        build: "test".into(),
        started_at: 1,
    }
}

/// Waits until what is seen is as wanted; says how long that took.
async fn seen(told: &mut watch::Receiver<Instances>, is_wanted: impl Fn(&[Instance]) -> bool) -> Duration {
    let began = Instant::now();
    let waited = tokio::time::timeout(PATIENCE, told.wait_for(|told| is_wanted(told))).await.map(|_| ());
    assert!(waited.is_ok(), "still not as wanted: {:?}", told.borrow());
    began.elapsed()
}

/// Waits until exactly these ports are seen.
async fn ports(told: &mut watch::Receiver<Instances>, wanted: &[u16]) -> Duration {
    let wanted: Vec<String> = wanted.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    seen(told, |told| told.iter().map(|instance| &instance.addr).eq(&wanted)).await
}

/// Waits until a value is as wanted; says how long that took.
async fn becomes<T>(value: &mut watch::Receiver<T>, is_wanted: impl Fn(&T) -> bool) -> Duration {
    let began = Instant::now();
    let waited = tokio::time::timeout(PATIENCE, value.wait_for(|value| is_wanted(value))).await.map(|_| ());
    assert!(waited.is_ok(), "still not as wanted");
    began.elapsed()
}

/// The fewest instances that were seen, from here on until then.
fn fewest(mut told: watch::Receiver<Instances>, until: CancellationToken) -> tokio::task::JoinHandle<usize> {
    tokio::spawn(async move {
        let mut fewest = told.borrow_and_update().len();
        loop {
            tokio::select! {
                changed = told.changed() => changed.expect("the process lives on"),
                () = until.cancelled() => return fewest.min(told.borrow().len()),
            }
            fewest = fewest.min(told.borrow_and_update().len());
        }
    })
}
