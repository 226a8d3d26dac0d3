//! `cargo xtask run`: from a fresh checkout to a platform with content. Serving and the content itself are
//! the `dytt` binary's.

use std::future::pending;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::{shell, tools, web};

const BINARY: &str = "target/release/dytt";
const READY_WITHIN: Duration = Duration::from_secs(60);
const POLL_EVERY: Duration = Duration::from_millis(100);

/// Builds, serves and fills the platform; the exit code is the server's.
pub fn run(root: &Path, flags: &[String]) -> Result<ExitCode> {
    tools::media(root)?;
    if let Err(error) = web::build(root) {
        println!("the web client is not built: {error:#}; everything else runs without it");
    }
    shell::run(root, "cargo", &["build", "--release", "-p", "dytt"])?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(&root.join(BINARY), flags))
}

async fn serve(binary: &Path, flags: &[String]) -> Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut server = Command::new(binary).arg("serve").args(flags).spawn().context("start dytt serve")?;
    let pid = server.id().and_then(|id| Pid::from_raw(id.cast_signed())).context("read the server's pid")?;
    let fill = async {
        if let Err(error) = demo(binary, flags, pid).await {
            eprintln!("no demo content: {error:#}");
        }
        pending::<()>().await;
    };
    tokio::pin!(fill);
    loop {
        tokio::select! {
            ended = server.wait() => return Ok(shell::exit_code(ended?)),
            () = &mut fill => {}
            _ = terminate.recv() => forward(pid, Signal::TERM),
            // Ctrl-C on a terminal reaches the whole process group by itself: sent again, it would cut the
            // server's grace short.
            _ = interrupt.recv() => if !std::io::stdin().is_terminal() { forward(pid, Signal::INT) },
        }
    }
}

fn forward(pid: Pid, signal: Signal) {
    if let Err(error) = kill_process(pid, signal) {
        eprintln!("the server has already ended: {error}");
    }
}

/// Waits until the server answers, then lets the demo command do its work. It takes the same flags.
async fn demo(binary: &Path, flags: &[String], pid: Pid) -> Result<()> {
    let file = data_dir(binary, flags).await?.join("serve.json");
    let ready = async {
        while !announces(&std::fs::read_to_string(&file).unwrap_or_default(), pid) {
            tokio::time::sleep(POLL_EVERY).await;
        }
    };
    if tokio::time::timeout(READY_WITHIN, ready).await.is_err() {
        bail!("the server did not write {} within {} s", file.display(), READY_WITHIN.as_secs());
    }
    let mut command = Command::new(binary);
    let status =
        command.arg("demo").args(flags).kill_on_drop(true).status().await.context("start dytt demo")?;
    if !status.success() {
        bail!("`dytt demo` failed with {status}");
    }
    Ok(())
}

/// Where the server keeps everything, in its own words: a flag, a file or the environment may have said so.
async fn data_dir(binary: &Path, flags: &[String]) -> Result<PathBuf> {
    let output =
        Command::new(binary).arg("config").args(flags).output().await.context("start dytt config")?;
    configured_data_dir(&String::from_utf8_lossy(&output.stdout)).context("`dytt config` names no data_dir")
}

fn configured_data_dir(config: &str) -> Option<PathBuf> {
    let value = config.lines().find_map(|line| line.strip_prefix("data_dir = "))?;
    let quoted = value.rsplit_once("  # ").map_or(value, |(quoted, _layer)| quoted);
    serde_json::from_str(quoted).ok()
}

/// Whether `serve.json` is that of the process we started, not one an earlier run left behind.
fn announces(json: &str, pid: Pid) -> bool {
    let announced: Option<serde_json::Value> = serde_json::from_str(json).ok();
    announced.is_some_and(|announced| announced["pid"] == pid.as_raw_nonzero().get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_is_what_the_server_says() {
        let config = "blobs.url = \"file:objects\"  # default\ndata_dir = \"/srv/a \\\"b\\\"\"  # a flag\n";
        assert_eq!(configured_data_dir(config), Some("/srv/a \"b\"".into()));
        assert_eq!(configured_data_dir("nothing"), None);
    }

    #[test]
    fn only_the_own_pid_means_ready() {
        let pid = Pid::from_raw(123).expect("not zero");
        assert!(announces(r#"{"pid":123,"http":"0.0.0.0:8080"}"#, pid));
        assert!(!announces(r#"{"pid":124,"http":"0.0.0.0:8080"}"#, pid));
        assert!(!announces("", pid));
    }
}
