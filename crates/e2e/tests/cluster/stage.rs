//! Where the scenarios are played: the cluster is started when the first asks for it, made whole before each,
//! and ended at the end however that comes.

use std::pin::Pin;
use std::process::exit;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::Failed;
use servers::Kind;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::cluster::Cluster;

/// A scenario under way.
pub type Playing = Pin<Box<dyn Future<Output = ()>>>;
/// A scenario.
pub type Scenario = fn(Arc<Cluster>) -> Playing;

/// What a killed program reports, plus the signal's number.
const KILLED: i32 = 128;

pub struct Stage {
    runtime: Runtime,
    state: Mutex<State>,
}

enum State {
    Empty,
    Missing,
    Broken,
    Running(Arc<Cluster>),
}

impl Stage {
    pub fn new() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        Self { runtime, state: Mutex::new(State::Empty) }
    }

    /// Plays a scenario; without the servers it needs it is skipped, which `CI=true` forbids.
    pub fn play(&self, scenario: Scenario) -> Result<(), Failed> {
        let Some(cluster) = self.cluster()? else { return Ok(()) };
        self.runtime.block_on(async {
            cluster.heal().await;
            scenario(Arc::clone(&cluster)).await;
            cluster.assert_ready().await;
        });
        Ok(())
    }

    fn cluster(&self) -> Result<Option<Arc<Cluster>>, Failed> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &*state {
            State::Running(cluster) => return Ok(Some(Arc::clone(cluster))),
            State::Missing => return Ok(None),
            State::Broken => return Err("the cluster did not start".into()),
            State::Empty => {}
        }
        if let Some(missing) = missing() {
            let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
            if in_ci {
                *state = State::Broken;
                return Err(format!("with CI=true nothing is skipped, and {missing}").into());
            }
            eprintln!("skipped: every scenario of the cluster: {missing}");
            *state = State::Missing;
            return Ok(None);
        }
        *state = State::Broken;
        let cluster = Arc::new(self.runtime.block_on(Cluster::start()));
        let watched = Arc::clone(&cluster);
        self.runtime.spawn(async move {
            let number = asked_to_end().await;
            watched.end();
            exit(KILLED + number);
        });
        *state = State::Running(Arc::clone(&cluster));
        Ok(Some(cluster))
    }

    /// Ends the cluster and removes what it left.
    pub fn end(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Running(cluster) = &*state {
            cluster.end();
        }
    }
}

fn missing() -> Option<String> {
    let absent = |kind: &Kind| !kind.is_installed();
    let needed = [Kind::Etcd, Kind::Mariadb, Kind::Zipkin];
    let stores = [Kind::Minio, Kind::Seaweedfs];
    let lacking = needed.into_iter().find(absent);
    let lacking = lacking.or_else(|| stores.iter().all(absent).then_some(Kind::Seaweedfs));
    lacking.map(|kind| format!("{} is missing; to get it: {}", kind.name(), kind.how_to_get()))
}

async fn asked_to_end() -> i32 {
    let mut terminate = signal(SignalKind::terminate()).expect("a handler");
    let mut interrupt = signal(SignalKind::interrupt()).expect("a handler");
    tokio::select! {
        _ = terminate.recv() => 15,
        _ = interrupt.recv() => 2,
    }
}
