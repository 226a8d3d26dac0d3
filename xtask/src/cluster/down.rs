//! The end of members: in order, or at once.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use super::member::{Member, Role};
use super::process::{signal, wait_for_end};
use super::state::Cluster;

/// A good deal more than the services' own grace.
const PATIENCE: Duration = Duration::from_secs(40);

/// Stops everything: gateways first, then the services they call, then the servers all of them use.
pub fn down(dir: &Path, purge: bool) -> Result<()> {
    let cluster = Cluster::open(dir)?;
    stop_all(dir, &cluster.members);
    if purge {
        std::fs::remove_dir_all(dir).with_context(|| format!("remove {}", dir.display()))?;
    }
    Ok(())
}

/// Stops these members in the order of their roles; those of one rank at the same time.
pub fn stop_all(dir: &Path, members: &[Member]) {
    for rank in 0..RANKS {
        std::thread::scope(|scope| {
            for member in members.iter().filter(|member| self::rank(member) == rank) {
                scope.spawn(|| stop(dir, member));
            }
        });
    }
}

/// SIGTERM, and waits for the end; when patience ends SIGKILL, which is told. Nothing when it has ended.
pub fn stop(dir: &Path, member: &Member) {
    let (pid, born) = (member.pid, member.born);
    signal(pid, born, Signal::TERM);
    // A frozen process would take notice of nothing but SIGKILL.
    signal(pid, born, Signal::CONT);
    let patience = match &member.role {
        Role::Server(kind) => kind.patience(),
        Role::Service(_) => PATIENCE,
    };
    if !wait_for_end(pid, born, patience) {
        eprintln!("{} did not end within {} s of SIGTERM, so it was killed", member.name, patience.as_secs());
        signal(pid, born, Signal::KILL);
        wait_for_end(pid, born, PATIENCE);
    }
    clean(dir, member);
}

/// SIGKILL, and waits for the end.
pub fn kill(dir: &Path, member: &Member) -> Result<()> {
    signal(member.pid, member.born, Signal::KILL);
    if !wait_for_end(member.pid, member.born, PATIENCE) {
        bail!("{} (process {}) does not end", member.name, member.pid);
    }
    clean(dir, member);
    Ok(())
}

fn clean(dir: &Path, member: &Member) {
    if let Role::Server(kind) = &member.role {
        kind.clean(&member.folder(dir));
    }
}

const RANKS: u8 = 3;

fn rank(member: &Member) -> u8 {
    match &member.role {
        Role::Service(service) if service == "gateway" => 0,
        Role::Service(_) => 1,
        Role::Server(_) => 2,
    }
}
