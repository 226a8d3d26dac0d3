//! A server that is measured beside the platform: this program as a limit or a baseline, or nginx.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use servers::Tie;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::baseline;
use crate::cores::Cores;
use crate::measure::Target;

const READY_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// It ends with this.
pub struct Beside {
    /// Where it answers, and its process.
    pub target: Target,
    process: Child,
    _tie: Tie,
}

impl Beside {
    /// This program as one of its `limit` servers; `words` name it and what it needs.
    pub fn limit(cores: Cores, words: &[&str]) -> Result<Self> {
        let mut command = cores.command(std::env::current_exe().context("find this program")?);
        command.arg("limit").args(words).stdout(Stdio::piped());
        let (mut process, tie) = spawn(command)?;
        let mut line = String::new();
        let output = process.stdout.take().context("read what the limit says")?;
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on ").and_then(|address| address.parse().ok());
        let address =
            address.with_context(|| format!("`bench limit {}` does not listen", words.join(" ")))?;
        Ok(Self::at(address, process, tie))
    }

    /// nginx on the files under a folder; nothing when it is not installed.
    pub async fn nginx(cores: Cores, folder: &Path, root: &Path) -> Result<Option<Self>> {
        let port = servers::free_port();
        let Some(found) = baseline::nginx(folder, root, port)? else {
            return Ok(None);
        };
        let mut command = cores.command(found.get_program());
        command.args(found.get_args());
        let (process, tie) = spawn(command)?;
        let beside = Self::at(SocketAddr::from(([127, 0, 0, 1], port)), process, tie);
        let began = Instant::now();
        while TcpStream::connect(beside.target.addresses[0]).await.is_err() {
            if began.elapsed() > READY_WITHIN {
                bail!("nginx does not listen");
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(Some(beside))
    }

    fn at(address: SocketAddr, process: Child, tie: Tie) -> Self {
        // `taskset` becomes the program, so the number stays.
        let (addresses, pids) = (vec![address], vec![process.id()]);
        Self { target: Target { addresses, pids, ..Target::default() }, process, _tie: tie }
    }
}

fn spawn(mut command: Command) -> Result<(Child, Tie)> {
    let tie = Tie::new().context("start a watchdog")?;
    let process = command.stdin(Stdio::null()).process_group(tie.group()).spawn();
    Ok((process.with_context(|| format!("start {command:?}"))?, tie))
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It has nothing to put in order.
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}
