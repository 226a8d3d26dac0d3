//! The servers there are, and what each needs to start; how each does it is in its own file.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::{self, Life};
use crate::{Error, etcd, mariadb, minio, ports, seaweedfs, server, zipkin};

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The registry of services.
    Etcd,
    /// The database.
    Mariadb,
    /// An object store.
    Minio,
    /// Another object store.
    Seaweedfs,
    /// The collector of traces.
    Zipkin,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Etcd, Self::Mariadb, Self::Minio, Self::Seaweedfs, Self::Zipkin];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Mariadb => "mariadb",
            Self::Minio => "minio",
            Self::Seaweedfs => "seaweedfs",
            Self::Zipkin => "zipkin",
        }
    }

    /// What to run to have it.
    pub fn how_to_get(self) -> &'static str {
        match self {
            Self::Etcd => etcd::HOW_TO_GET,
            Self::Mariadb => mariadb::HOW_TO_GET,
            Self::Minio => minio::HOW_TO_GET,
            Self::Seaweedfs => seaweedfs::HOW_TO_GET,
            Self::Zipkin => zipkin::HOW_TO_GET,
        }
    }

    /// Whether everything it needs to start is on this machine.
    pub fn is_installed(self) -> bool {
        match self {
            Self::Etcd => etcd::is_installed(),
            Self::Mariadb => mariadb::is_installed(),
            Self::Minio => minio::is_installed(),
            Self::Seaweedfs => seaweedfs::is_installed(),
            Self::Zipkin => zipkin::is_installed(),
        }
    }

    /// Starts it on this port in a session of its own, so that it outlives this process, and does not wait until
    /// it is ready. The number of its process; its end is the caller's to bring about.
    ///
    /// # Errors
    /// When it is not installed, a port is taken or its folder cannot be prepared.
    pub fn spawn_detached(self, dir: &Path, port: u16, log: &Path) -> Result<u32, Error> {
        if !self.is_installed() {
            return Err(self.missing());
        }
        let failed = |error: std::io::Error| Error::failed(self.name(), error);
        let dir = server::folder(dir).map_err(failed)?;
        let (ports, reserved) = ports::of(&dir, self.port_count(), Some(port)).map_err(failed)?;
        let started = process::spawn(self, &dir, &ports, Life::Own, log);
        // It may listen only after this returns; they are ours until this process ends.
        std::mem::forget(reserved);
        started.map(|child| child.id())
    }

    /// Whether the server of this folder answers its protocol, not only its port.
    pub fn is_ready(self, dir: &Path) -> bool {
        self.remembered(dir).is_some_and(|ports| self.answers(&ports))
    }

    /// Removes what a server of this folder has left outside it. It must have ended.
    pub fn clean(self, dir: &Path) {
        if self == Self::Seaweedfs
            && let Some(ports) = self.remembered(dir)
        {
            seaweedfs::clean(&ports);
        }
    }

    /// How long an orderly end may take before SIGKILL is in order.
    pub fn patience(self) -> Duration {
        match self {
            Self::Etcd | Self::Mariadb | Self::Minio | Self::Zipkin => Duration::from_secs(30),
            // It closes its files at once, then often waits for streams between its own parts, without end.
            Self::Seaweedfs => Duration::from_secs(5),
        }
    }

    fn remembered(self, dir: &Path) -> Option<Vec<u16>> {
        ports::remembered(dir).filter(|ports| ports.len() == self.port_count())
    }

    pub(crate) fn answers(self, ports: &[u16]) -> bool {
        match self {
            Self::Etcd => etcd::answers(ports),
            Self::Mariadb => mariadb::answers(ports),
            Self::Minio => minio::answers(ports),
            Self::Seaweedfs => seaweedfs::answers(ports),
            Self::Zipkin => zipkin::answers(ports),
        }
    }

    /// How many ports it listens on.
    pub(crate) fn port_count(self) -> usize {
        match self {
            Self::Etcd => 2,
            Self::Mariadb | Self::Zipkin => 1,
            Self::Minio => 2,
            Self::Seaweedfs => 8,
        }
    }

    /// The command that runs it in the foreground. `dir` is absolute; what its first start needs is made.
    pub(crate) fn command(self, dir: &Path, ports: &[u16]) -> Result<Command, Error> {
        match self {
            Self::Etcd => etcd::command(dir, ports),
            Self::Mariadb => mariadb::command(dir, ports),
            Self::Minio => minio::command(dir, ports),
            Self::Seaweedfs => seaweedfs::command(dir, ports),
            Self::Zipkin => zipkin::command(dir, ports),
        }
    }

    pub(crate) fn missing(self) -> Error {
        Error::Missing { name: self.name(), how_to_get: self.how_to_get() }
    }
}
