//! One running server: its address, its folder, and what can be done to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::ports::Reserved;
use crate::process::{Life, launch};
use crate::tie::Tie;
use crate::{Error, Kind, ports};

const LOOK_EVERY: Duration = Duration::from_millis(10);
/// A thread that waits for the disk stands only after that.
const FREEZE_WITHIN: Duration = Duration::from_secs(5);
/// How often a start is tried on other ports, when these were ours to choose.
const TRIES: usize = 3;

/// One real server in a folder of its own. It ends with this handle, and with this process however that ends.
pub struct Server {
    kind: Kind,
    dir: PathBuf,
    ports: Vec<u16>,
    /// Kept for the time it is stopped.
    reserved: Vec<Reserved>,
    pid: u32,
    process: Option<Child>,
    tie: Tie,
}

impl Server {
    pub(crate) fn start(kind: Kind, dir: &Path, port: Option<u16>) -> Result<Self, Error> {
        if !kind.is_installed() {
            return Err(kind.missing());
        }
        let failed = |error: std::io::Error| Error::failed(kind.name(), error);
        let dir = folder(dir).map_err(failed)?;
        let tie = Tie::new().map_err(failed)?;
        let mut server =
            Self { kind, dir, ports: Vec::new(), reserved: Vec::new(), pid: 0, process: None, tie };
        let mut tries = if port.is_some() { 1 } else { TRIES };
        loop {
            // Those of the last try first, or a port it was given would be taken by itself.
            server.reserved.clear();
            (server.ports, server.reserved) =
                ports::of(&server.dir, kind.port_count(), port).map_err(failed)?;
            tries -= 1;
            match server.start_again() {
                // Between the choice of a port and the server's own bind somebody else may have taken it.
                Err(_) if tries > 0 => ports::forget(&server.dir),
                done => return done.map(|()| server),
            }
        }
    }

    /// Where its main protocol is spoken.
    pub fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port()).into()
    }

    /// The port of its main protocol.
    pub fn port(&self) -> u16 {
        self.ports[0]
    }

    /// The number of its process, or of the last one when it is stopped.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its folder. What it prints is in `log.txt`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// SIGKILL, and waits for the end. Nothing when it is stopped.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            let _ended = process.kill().and_then(|()| process.wait());
            self.kind.clean(&self.dir);
        }
    }

    /// SIGTERM, and waits for an orderly end; after [`Kind::patience`], SIGKILL. Nothing when it is stopped.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        // A frozen process takes no signal but SIGKILL.
        self.thaw();
        let began = Instant::now();
        while self.is_running() && began.elapsed() < self.kind.patience() {
            std::thread::sleep(LOOK_EVERY);
        }
        self.kill();
    }

    /// Stops it in its tracks, and waits until all its threads stand: it holds its connections and answers
    /// nothing.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        let began = Instant::now();
        while self.process.is_some() && !stands(self.pid) && began.elapsed() < FREEZE_WITHIN {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Starts it on the same ports and the same folder and waits until it is ready. It is killed first when it
    /// is running.
    ///
    /// # Errors
    /// When it does not become ready.
    pub fn start_again(&mut self) -> Result<(), Error> {
        self.kill();
        let process = launch(self.kind, &self.dir, &self.ports, Life::Tied { group: self.tie.group() })?;
        self.pid = process.id();
        self.process = Some(process);
        Ok(())
    }

    /// Forgets all its data.
    ///
    /// # Errors
    /// When it is running, or the files cannot be removed.
    pub fn wipe(&mut self) -> Result<(), Error> {
        if self.process.is_some() {
            return Err(Error::failed(self.kind.name(), "it is running, stop it before its data is wiped"));
        }
        match std::fs::remove_dir_all(self.dir.join("data")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::failed(self.kind.name(), error))
            }
            _ => Ok(()),
        }
    }

    fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    fn signal(&self, signal: Signal) {
        // Only of a process we have not reaped: another may have its number by then.
        if self.process.is_some()
            && let Some(pid) = Pid::from_raw(self.pid.cast_signed())
        {
            // It may have ended by itself.
            let _sent = kill_process(pid, signal);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether every thread of a process is stopped by a signal, or has ended.
fn stands(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let states = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok());
    // The name before the state may hold anything, brackets too.
    let mut states = states.filter_map(|stat| stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned()));
    states.all(|state| state.starts_with(['T', 't', 'Z', 'X']))
}

/// Makes the folder; its absolute path.
pub(crate) fn folder(dir: &Path) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(dir)?;
    dir.canonicalize()
}

#[cfg(test)]
mod tests;
