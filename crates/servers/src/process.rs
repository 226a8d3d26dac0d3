//! Starts a server's program and waits until it is ready.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Error, Kind, find, ports};

/// Where a server's output goes, in its folder.
const LOG: &str = "log.txt";
const READY_WITHIN: Duration = Duration::from_secs(90);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const TAIL_LINES: usize = 15;

/// How a server's life hangs together with ours.
#[derive(Clone, Copy)]
pub enum Life {
    /// It belongs to this process group.
    Tied { group: i32 },
    /// It has a session of its own and outlives us.
    Own,
}

/// Starts it, its output into a file.
pub fn spawn(kind: Kind, dir: &Path, ports: &[u16], life: Life, log: &Path) -> Result<Child, Error> {
    let failed = |error: std::io::Error| Error::failed(kind.name(), error);
    // Somebody else's server on the port would pass for ours.
    if let Some(taken) = ports.iter().find(|&&port| !ports::is_free(port)) {
        return Err(Error::failed(kind.name(), format!("port {taken} is taken")));
    }
    let mut command = prepare(kind.command(dir, ports)?, dir, life, log).map_err(failed)?;
    command.spawn().map_err(failed)
}

/// Starts it and waits until it answers its protocol.
pub fn launch(kind: Kind, dir: &Path, ports: &[u16], life: Life) -> Result<Child, Error> {
    let log = dir.join(LOG);
    let mut process = spawn(kind, dir, ports, life, &log)?;
    let began = Instant::now();
    let what = loop {
        match process.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => break format!("it ended with {status}"),
            Err(error) => break error.to_string(),
        }
        if kind.answers(ports) {
            return Ok(process);
        }
        if began.elapsed() > READY_WITHIN {
            break format!("it was not ready within {} s", READY_WITHIN.as_secs());
        }
        std::thread::sleep(LOOK_EVERY);
    };
    // It may have ended by itself.
    let _ended = process.kill().and_then(|()| process.wait());
    Err(Error::failed(kind.name(), format!("{what}; the end of its log:\n{}", tail(&log))))
}

fn prepare(command: Command, dir: &Path, life: Life, log: &Path) -> std::io::Result<Command> {
    let log = File::options().create(true).append(true).open(log)?;
    let mut command = match life {
        Life::Tied { .. } => command,
        Life::Own => in_a_session(&command)?,
    };
    if let Life::Tied { group } = life {
        command.process_group(group);
    }
    // Its settings are those given here, not what happens to be in our environment.
    let given: Vec<_> =
        command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    command.env_clear().envs(given).env("HOME", dir);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.current_dir(dir).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

/// The same command in a session of its own. The number of the process stays: `setsid` becomes the program.
fn in_a_session(command: &Command) -> std::io::Result<Command> {
    let missing = || std::io::Error::other("setsid is missing (package util-linux)");
    let mut leader = Command::new(find::program("setsid").ok_or_else(missing)?);
    leader.arg(command.get_program()).args(command.get_args());
    leader.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Ok(leader)
}

/// The last lines of a file.
fn tail(file: &Path) -> String {
    let bytes = std::fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
