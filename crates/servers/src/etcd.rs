//! etcd: one member, plain HTTP.

use std::path::Path;
use std::process::Command;

use crate::{Error, Kind, find, probe};

pub const HOW_TO_GET: &str = "apt-get install etcd-server";

/// Everything it keeps is in this folder.
const STATE: &str = "data";

pub fn is_installed() -> bool {
    find::program("etcd").is_some()
}

pub fn command(dir: &Path, ports: &[u16]) -> Result<Command, Error> {
    let program = find::program("etcd").ok_or_else(|| Kind::Etcd.missing())?;
    let [client, peer] = [0, 1].map(|index| format!("http://127.0.0.1:{}", ports[index]));
    let mut command = Command::new(program);
    command.arg("--data-dir").arg(dir.join(STATE));
    command.args(["--name", "one", "--logger", "zap", "--log-level", "warn"]);
    command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
    command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
    command.args(["--initial-cluster", &format!("one={peer}")]);
    // Alone it has nobody to wait for; the shortest lease it grants follows from these.
    command.args(["--heartbeat-interval", "20", "--election-timeout", "200"]);
    Ok(command)
}

pub fn answers(ports: &[u16]) -> bool {
    probe::http_get(ports[0], "/health").is_some_and(|(_, text)| text.contains("\"health\":\"true\""))
}
