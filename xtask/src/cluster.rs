//! `cargo xtask cluster`: the servers and two instances of each service, every one its own process on
//! loopback. What each is told is in `cluster/config.rs`; that they work is the end-to-end tests' to show.

mod config;
mod down;
mod launch;
mod member;
mod process;
mod secrets;
mod state;
mod table;
mod up;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};

use servers::Kind;

use member::{Member, Role};
use state::Cluster;

/// The words after `cargo xtask cluster`.
#[derive(Args)]
pub struct Arguments {
    /// Where everything of the cluster lies: configuration, certificates, logs, data. Without it
    /// `target/cluster` of this tree.
    #[arg(long, global = true)]
    dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start everything and wait until it is ready. Data and certificates of an earlier run are kept.
    Up {
        /// The program to run; without it the release build is made.
        #[arg(long)]
        dytt: Option<PathBuf>,
        /// The object store, minio or seaweedfs; without it the one of an earlier run, or the first of the two
        /// that is installed.
        #[arg(long, value_parser = object_store)]
        s3: Option<Kind>,
    },
    /// Stop everything in order.
    Down {
        /// Remove the folder as well.
        #[arg(long)]
        purge: bool,
    },
    /// Show a table of all processes.
    Status,
    /// Print the number of a process that runs.
    Pid {
        /// etcd, mariadb, s3, zipkin, or a service and its number, such as gateway-1.
        name: String,
    },
    /// Print a port: a gateway's HTTP, a service's RPC, a server's own, or the one named.
    Port {
        /// As for `pid`.
        name: String,
        /// Which port.
        which: Option<Which>,
    },
    /// SIGKILL a process.
    Kill {
        /// As for `pid`.
        name: String,
    },
    /// Stop a process in order if it runs, start it on the same ports and wait until it is ready.
    Restart {
        /// As for `pid`.
        name: String,
    },
}

/// A port of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    Http,
    Rpc,
    Admin,
}

/// Does what the words say.
pub fn run(root: &Path, arguments: Arguments) -> Result<ExitCode> {
    let dir = std::path::absolute(arguments.dir.unwrap_or_else(|| root.join("target/cluster")))?;
    match arguments.command {
        Command::Up { dytt, s3 } => up::up(root, &dir, dytt.as_deref(), s3)?,
        Command::Down { purge } => down::down(&dir, purge)?,
        Command::Status => print!("{}", table::status(&dir, &Cluster::open(&dir)?)),
        Command::Pid { name } => println!("{}", running(&dir, &name)?.pid),
        Command::Port { name, which } => println!("{}", port(&dir, &name, which)?),
        Command::Kill { name } => down::kill(&dir, &running(&dir, &name)?)?,
        Command::Restart { name } => restart(&dir, &name)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn object_store(name: &str) -> Result<Kind, String> {
    let mut kinds = [Kind::Minio, Kind::Seaweedfs].into_iter();
    kinds.find(|kind| kind.name() == name).ok_or_else(|| "it is minio or seaweedfs".into())
}

fn running(dir: &Path, name: &str) -> Result<Member> {
    let member = Cluster::open(dir)?.member(name)?.clone();
    if !member.is_alive() {
        bail!("{name} does not run; `cargo xtask cluster restart {name}` starts it");
    }
    Ok(member)
}

fn port(dir: &Path, name: &str, which: Option<Which>) -> Result<u16> {
    let cluster = Cluster::open(dir)?;
    let ports = cluster.member(name)?.ports;
    let port = match which {
        None => ports.main(),
        Some(Which::Http) => ports.http,
        Some(Which::Rpc) => ports.rpc,
        Some(Which::Admin) => ports.admin,
    };
    port.with_context(|| format!("{name} has no such port"))
}

fn restart(dir: &Path, name: &str) -> Result<()> {
    let cluster = Cluster::open(dir)?;
    let member = cluster.member(name)?;
    down::stop(dir, member);
    // What this command's own environment says is for the process it starts.
    let environment = cluster.environment.clone().into_iter().chain(state::settings()).collect();
    let started = launch::start(dir, &cluster.dytt, &environment, member)?;
    Cluster::change(dir, |cluster| cluster.replace(&started))?;
    launch::wait_until_ready(dir, &[started])
}

/// The names of everything there is, in the order it is started.
fn roles(s3: Kind) -> Vec<(String, Role)> {
    let servers = [("zipkin", Kind::Zipkin), ("etcd", Kind::Etcd), ("mariadb", Kind::Mariadb), ("s3", s3)];
    let servers = servers.map(|(name, kind)| (name.to_owned(), Role::Server(kind)));
    let service = |service: &str, number| (format!("{service}-{number}"), Role::Service(service.to_owned()));
    let services = config::SERVICES.iter().flat_map(|name| [service(name, 1), service(name, 2)]);
    servers.into_iter().chain(services).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_four_servers_and_two_of_each_service() {
        let roles = roles(Kind::Seaweedfs);
        let names: Vec<&str> = roles.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), 4 + 2 * 9);
        for name in ["etcd", "mariadb", "s3", "zipkin", "gateway-1", "gateway-2", "user-1", "media-2"] {
            assert!(names.contains(&name), "{name}");
        }
        assert_eq!(roles[3].1, Role::Server(Kind::Seaweedfs));
    }

    #[test]
    fn an_object_store_is_one_of_two() {
        assert_eq!(object_store("seaweedfs"), Ok(Kind::Seaweedfs));
        assert_eq!(object_store("etcd"), Err("it is minio or seaweedfs".into()));
    }
}
