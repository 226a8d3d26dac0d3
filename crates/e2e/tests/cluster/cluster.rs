//! The cluster as its operator handles it: the words of `cargo xtask cluster` and of `dytt`, signals, and
//! what the admin ports say. What people ask of it is `front.rs`'s.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use e2e::{Ended, eventually, within};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

pub const SERVICES: [&str; 9] =
    ["gateway", "user", "feed", "video", "like", "comment", "follow", "message", "media"];
const SERVERS: [&str; 4] = ["etcd", "mariadb", "s3", "zipkin"];
/// No limits, cheap hashes, and queues long enough for a machine that runs a whole cluster on two cores.
const SETTINGS: [(&str, &str); 6] = [
    ("DYTT_LIMITS__ENABLED", "false"),
    ("DYTT_USERS__PASSWORD_MEMORY_KIB", "64"),
    ("DYTT_USERS__PASSWORD_PASSES", "1"),
    ("DYTT_STORE__WRITE_WAIT_MS", "3000"),
    ("DYTT_STORE__READ_WAIT_MS", "3000"),
    ("DYTT_TELEMETRY__LOG_FORMAT", "json"),
];
const COMMAND_DEADLINE: Duration = Duration::from_secs(240);
const READY_DEADLINE: Duration = Duration::from_secs(60);

/// One process's ports.
#[derive(Clone, Copy, Default)]
struct Ports {
    main: u16,
    admin: u16,
}

pub struct Cluster {
    folder: TempDir,
    xtask: PathBuf,
    dytt: PathBuf,
    ports: BTreeMap<String, Ports>,
    client: reqwest::Client,
    ended: AtomicBool,
}

/// The names of all services' processes, in the order they start.
pub fn names() -> Vec<String> {
    SERVICES.iter().flat_map(|name| [1, 2].map(|number| format!("{name}-{number}"))).collect()
}

impl Cluster {
    /// Everything, ready.
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("dytt-cluster-").tempdir().expect("a folder");
        // A copy, so that a build beside the tests does not mix versions.
        let dytt = folder.path().join("dytt");
        std::fs::copy(e2e::dytt(), &dytt).expect("the program is copied");
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build();
        let mut cluster = Self {
            xtask: xtask().await,
            dytt,
            folder,
            ports: BTreeMap::new(),
            client: client.expect("a client"),
            ended: AtomicBool::new(false),
        };
        let began = Instant::now();
        let program = cluster.dytt.display().to_string();
        cluster.xtask(&["up", "--dytt", &program]).await;
        println!(
            "cluster up: {} processes ready after {:.1} s",
            names().len() + 4,
            began.elapsed().as_secs_f64()
        );
        for name in names().into_iter().chain(SERVERS.map(str::to_owned)) {
            let main = cluster.ask_port(&[&name]).await;
            let admin =
                if SERVERS.contains(&name.as_str()) { 0 } else { cluster.ask_port(&[&name, "admin"]).await };
            cluster.ports.insert(name, Ports { main, admin });
        }
        cluster
    }

    async fn ask_port(&self, words: &[&str]) -> u16 {
        let said = self.xtask(&[&["port"], words].concat()).await;
        said.trim().parse().expect("a port")
    }

    /// The cluster's folder: `dytt.toml`, `tls`, `keys`, `logs` and each process's data.
    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("cluster")
    }

    /// A gateway's HTTP port, a service's RPC port, a server's own.
    pub fn port(&self, name: &str) -> u16 {
        self.ports[name].main
    }

    /// The RPC address a service is registered under.
    pub fn address(&self, name: &str) -> String {
        format!("127.0.0.1:{}", self.port(name))
    }

    /// The number of a running process.
    pub async fn pid(&self, name: &str) -> u32 {
        self.xtask(&["pid", name]).await.trim().parse().expect("a number")
    }

    /// SIGKILL.
    pub async fn kill(&self, name: &str) {
        self.xtask(&["kill", name]).await;
    }

    /// An orderly stop if it runs, and a start on the same ports; returns when it is ready.
    pub async fn restart(&self, name: &str) {
        self.xtask(&["restart", name]).await;
    }

    /// Sends a signal.
    pub async fn signal(&self, name: &str, signal: Signal) {
        let pid = Pid::from_raw(self.pid(name).await.cast_signed()).expect("a pid");
        kill_process(pid, signal).expect("the signal is sent");
    }

    /// Runs `xtask cluster` with these words; what it prints.
    ///
    /// # Panics
    /// When it fails.
    pub async fn xtask(&self, words: &[&str]) -> String {
        let mut command = Command::new(&self.xtask);
        command.arg("cluster").args(words).arg("--dir").arg(self.dir()).envs(SETTINGS);
        let ended = run(command).await;
        assert_eq!(ended.code, Some(0), "xtask cluster {}: {}", words.join(" "), ended.stderr);
        ended.stdout
    }

    /// Runs `dytt` beside the cluster, with its configuration.
    pub async fn dytt(&self, words: &[&str]) -> Ended {
        let mut command = self.beside();
        command.arg("--config").arg(self.dir().join("dytt.toml")).args(words);
        run(command).await
    }

    /// The program with nothing of ours in its environment but the settings of the cluster.
    pub fn beside(&self) -> Command {
        let mut command = Command::new(&self.dytt);
        command.env_clear().env("HOME", self.folder.path()).envs(SETTINGS).current_dir(self.folder.path());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Everything stored agrees with itself.
    ///
    /// # Panics
    /// When it does not.
    pub async fn fsck(&self) {
        let ended = self.dytt(&["fsck", "--json"]).await;
        assert_eq!(ended.code, Some(0), "fsck finds faults: {ended:?}");
    }

    /// Runs `etcdctl` on the cluster's etcd; what it prints.
    pub async fn etcdctl(&self, words: &[&str]) -> String {
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "3").arg(format!("--endpoints=http://127.0.0.1:{}", self.port("etcd")));
        command.args(words);
        let ended = run(command).await;
        assert_eq!(ended.code, Some(0), "etcdctl {words:?}: {}", ended.stderr);
        ended.stdout
    }

    /// The keys of all registered instances; nothing when etcd does not answer.
    pub async fn registered(&self) -> Option<Vec<String>> {
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "3").arg(format!("--endpoints=http://127.0.0.1:{}", self.port("etcd")));
        command.args(["--command-timeout=1s", "get", "--prefix", "/", "--keys-only"]);
        let ended = run(command).await;
        (ended.code == Some(0)).then(|| {
            let keys = ended.stdout.lines().filter(|line| !line.is_empty());
            keys.map(str::to_owned).collect()
        })
    }

    /// Waits until every service is registered twice; how long that took.
    pub async fn all_registered(&self, deadline: Duration) -> Duration {
        let began = Instant::now();
        let wanted: Vec<String> = names()
            .iter()
            .filter(|name| !name.starts_with("gateway"))
            .map(|name| format!("/{}/v1/{}", name.split('-').next().unwrap_or_default(), self.address(name)))
            .collect();
        eventually("every instance is registered", deadline, async || {
            let keys = self.registered().await?;
            wanted.iter().all(|key| keys.contains(key)).then_some(())
        })
        .await;
        began.elapsed()
    }

    /// What an admin port answers; nothing when it does not.
    pub async fn admin(&self, name: &str, path: &str) -> Option<(u16, String)> {
        let url = format!("http://127.0.0.1:{}{path}", self.ports[name].admin);
        let response = self.client.get(url).send().await.ok()?;
        Some((response.status().as_u16(), response.text().await.ok()?))
    }

    /// The status of `/readyz`.
    pub async fn ready(&self, name: &str) -> Option<u16> {
        Some(self.admin(name, "/readyz").await?.0)
    }

    /// The sum of a metric's series that have all these texts in their labels.
    pub async fn metric(&self, process: &str, name: &str, labels: &[&str]) -> f64 {
        let (_, text) = self.admin(process, "/metrics").await.unwrap_or_default();
        let series = text.lines().filter(|line| {
            line.split(['{', ' ']).next() == Some(name) && labels.iter().all(|label| line.contains(label))
        });
        series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// What `/readyz` says of everybody who is not ready.
    async fn ill(&self) -> Vec<String> {
        let mut ill = Vec::new();
        for name in names() {
            match self.admin(&name, "/readyz").await {
                Some((200, _)) => {}
                other => ill.push(format!("{name}: {other:?}")),
            }
        }
        ill
    }

    /// The end of each scenario: everybody is ready again.
    ///
    /// # Panics
    /// When somebody is not.
    pub async fn assert_ready(&self) {
        let began = Instant::now();
        loop {
            let ill = self.ill().await;
            if ill.is_empty() {
                return;
            }
            assert!(began.elapsed() < READY_DEADLINE, "not ready after the scenario: {}", ill.join("; "));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Repairs what a scenario before this one left broken.
    pub async fn heal(&self) {
        let status = self.xtask(&["status"]).await;
        for line in status.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [name, _pid, state, ..] = words.as_slice() else { continue };
            match *state {
                "frozen" => self.signal(name, Signal::CONT).await,
                "ended" | "-" => self.restart(name).await,
                _ => {}
            }
        }
        let began = Instant::now();
        while began.elapsed() < READY_DEADLINE / 4 {
            if self.ill().await.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        for line in self.ill().await {
            let name = line.split(':').next().unwrap_or_default();
            self.restart(name).await;
        }
        self.all_registered(READY_DEADLINE).await;
    }

    /// Everything a service's processes have printed.
    pub fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir().join("logs").join(format!("{name}.log"))).unwrap_or_default()
    }

    /// A GET of a server beside the platform, as JSON.
    pub async fn json(&self, url: &str) -> Option<Value> {
        self.client.get(url).send().await.ok()?.json().await.ok()
    }

    /// Stops everything and removes its folder; the second call does nothing.
    pub fn end(&self) {
        if self.ended.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut command = std::process::Command::new(&self.xtask);
        command.args(["cluster", "down", "--purge", "--dir"]).arg(self.dir()).stdin(Stdio::null());
        let is_down = command.status().is_ok_and(|status| status.success());
        // The handle removes it too, but not when a signal ends this process.
        let _gone = std::fs::remove_dir_all(self.folder.path());
        // One that never came up cannot be taken down, and has said why.
        assert!(is_down || std::thread::panicking(), "the cluster is taken down");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs a command to its end.
///
/// # Panics
/// When it does not start or does not end.
pub async fn run(mut command: Command) -> Ended {
    command.kill_on_drop(true).stdin(Stdio::null());
    let output = within("a command ends", COMMAND_DEADLINE, command.output()).await.expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// The tree's own tool, built when something of it changed.
async fn xtask() -> PathBuf {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--quiet", "--package", "xtask", "--message-format", "json"]);
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let built = run(command).await;
    assert_eq!(built.code, Some(0), "cargo build: {}", built.stderr);
    let artifacts = built.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = artifacts.filter(|artifact| artifact["target"]["name"] == "xtask");
    let path = programs.find_map(|artifact| Some(artifact["executable"].as_str()?.to_owned()));
    path.expect("cargo names the program it built").into()
}
