//! A service's process beside the cluster's own, with settings of its own: it ends with its handle.

use std::path::Path;
use std::time::Duration;

use e2e::eventually;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Child;

use crate::cluster::Cluster;

const START_DEADLINE: Duration = Duration::from_secs(30);

pub struct Extra {
    pub child: Child,
    /// Where it takes calls.
    pub rpc: String,
    /// Its admin port's address.
    pub admin: String,
    _folder: TempDir,
}

impl Extra {
    /// One more instance of a service, ready.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start(cluster: &Cluster, service: &str, settings: &[(&str, &str)], words: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let mut command = cluster.beside();
        let key = cluster.dir().join(format!("keys/rpc/{service}.key"));
        command.env("DYTT_AUTH__RPC_KEY_FILE", key).envs(settings.iter().copied());
        command.args(["serve", "--services", service, "--admin-listen", "127.0.0.1:0", "--config"]);
        command.arg(cluster.dir().join("dytt.toml")).arg("--data-dir").arg(&data).args(words);
        let log = std::fs::File::create(folder.path().join("log")).expect("a log");
        command.stdout(log.try_clone().expect("a handle")).stderr(log).kill_on_drop(true);
        let child = command.spawn().expect("it starts");
        let announced =
            eventually("one more instance serves", START_DEADLINE, async || announced(&data)).await;
        let address = |name: &str| announced[name].as_str().unwrap_or_default().to_owned();
        Self { child, rpc: address("rpc"), admin: address("admin"), _folder: folder }
    }

    /// SIGTERM, and the end; whether it was orderly.
    pub async fn stop(mut self) -> bool {
        let pid = self.child.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed()));
        let pid = pid.expect("it runs");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the signal is sent");
        let ended = e2e::within("it ends", START_DEADLINE, self.child.wait()).await;
        ended.is_ok_and(|status| status.success())
    }
}

fn announced(data: &Path) -> Option<Value> {
    serde_json::from_str(&std::fs::read_to_string(data.join("serve.json")).ok()?).ok()
}
