//! Starts a cluster: servers, then secrets and configuration, then services.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use servers::Kind;

use super::member::{Member, Role};
use super::state::{Cluster, create_private, settings, write_private};
use super::{config, down, launch, roles, secrets, table};
use crate::{shell, tools};

const BINARY: &str = "target/release/dytt";

/// Starts everything, waits until it is ready, and says where it is. What was started is stopped again when
/// something does not become ready.
pub fn up(root: &Path, dir: &Path, dytt: Option<&Path>, s3: Option<Kind>) -> Result<()> {
    let earlier = Cluster::find(dir)?;
    let alive = |cluster: &Cluster| cluster.members.iter().any(Member::is_alive);
    if earlier.as_ref().is_some_and(alive) {
        bail!("the cluster in {} runs; `cargo xtask cluster down` stops it", dir.display());
    }
    tools::servers::ensure_for_cluster(root)?;
    if let Err(error) = tools::media(root) {
        eprintln!("{error}; without it nothing can be published");
    }
    let dytt = program(root, dytt)?;
    create_private(dir)?;
    create_private(&dir.join("logs"))?;
    let mut cluster = Cluster { dytt, environment: settings(), members: members(earlier, s3) };
    cluster.save(dir)?;
    if let Err(error) = start(dir, &mut cluster) {
        eprintln!("stopping what was started; the logs stay in {}", dir.join("logs").display());
        down::stop_all(dir, &cluster.members);
        return Err(error);
    }
    print!("{}", table::status(dir, &cluster));
    print!("{}", try_it(dir, &cluster));
    Ok(())
}

fn start(dir: &Path, cluster: &mut Cluster) -> Result<()> {
    let is_server = |member: &Member| matches!(member.role, Role::Server(_));
    println!("starting the servers");
    let servers = launch_all(dir, cluster, is_server)?;
    // Nobody waits for Zipkin, the slowest of them, before it is asked for at the end.
    let needed: Vec<Member> = servers.into_iter().filter(|server| server.name != "zipkin").collect();
    launch::wait_until_ready(dir, &needed)?;
    create_database(cluster)?;
    secrets::make(dir, &cluster.dytt)?;
    write_private(&dir.join(config::FILE), config::text(dir, cluster)?.as_bytes())?;
    println!("starting the services");
    launch_all(dir, cluster, |member| !is_server(member))?;
    launch::wait_until_ready(dir, &cluster.members)
}

/// Starts those members, and writes each down as soon as it has a process.
fn launch_all(dir: &Path, cluster: &mut Cluster, which: impl Fn(&Member) -> bool) -> Result<Vec<Member>> {
    let mut started = Vec::new();
    for index in 0..cluster.members.len() {
        if !which(&cluster.members[index]) {
            continue;
        }
        let member = launch::start(dir, &cluster.dytt, &cluster.environment, &cluster.members[index])?;
        cluster.members[index] = member.clone();
        cluster.save(dir)?;
        started.push(member);
    }
    Ok(started)
}

fn create_database(cluster: &Cluster) -> Result<()> {
    let port = cluster.member("mariadb")?.ports.own.context("find the database's port")?;
    let create = format!(
        "CREATE DATABASE IF NOT EXISTS `{}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        config::STORE
    );
    servers::mariadb_sql(port, &create).context("create the database")?;
    Ok(())
}

/// The members of an earlier run with their ports, as far as these are free, and new ones where there are none.
fn members(earlier: Option<Cluster>, s3: Option<Kind>) -> Vec<Member> {
    let earlier = earlier.map(|cluster| cluster.members).unwrap_or_default();
    // The objects of an earlier run are where they are.
    let before = earlier.iter().find_map(|member| match (&member.role, member.name.as_str()) {
        (Role::Server(kind), "s3") if kind.is_installed() => Some(*kind),
        (Role::Server(_) | Role::Service(_), _) => None,
    });
    let preferred = if Kind::Minio.is_installed() { Kind::Minio } else { Kind::Seaweedfs };
    let s3 = s3.or(before).unwrap_or(preferred);
    earlier.iter().flat_map(|member| member.ports.all()).for_each(servers::reserve_port);
    let member = |(name, role): (String, Role)| {
        let before = earlier.iter().find(|member| member.name == name && member.role == role);
        let kept = before.filter(|member| member.ports.all().all(servers::is_free));
        kept.cloned().unwrap_or_else(|| Member::new(name, role))
    };
    roles(s3).into_iter().map(member).collect()
}

fn program(root: &Path, given: Option<&Path>) -> Result<PathBuf> {
    if let Some(given) = given {
        return given.canonicalize().with_context(|| format!("find {}", given.display()));
    }
    shell::run(root, "cargo", &["build", "--release", "-p", "dytt"])?;
    root.join(BINARY).canonicalize().context("find the release build")
}

/// The three lines that publish and play a clip, on this cluster.
fn try_it(dir: &Path, cluster: &Cluster) -> String {
    let http =
        |name: &str| cluster.member(name).ok().and_then(|member| member.ports.http).unwrap_or_default();
    let config = dir.join(config::FILE);
    format!(
        r#"
  gateways   http://127.0.0.1:{}/  http://127.0.0.1:{}/
  traces     http://127.0.0.1:{}/zipkin/
  commands   dytt --config {} fsck

Register, publish a file of yours, play it:

base=http://127.0.0.1:{}
token=$(curl -s $base/douyin/user/register/ -d username=ann -d password=secret1 | sed 's/.*"token":"\([^"]*\)".*/\1/')
curl -s $base/douyin/publish/action/ -F token=$token -F title=hello -F data=@clip.mp4
ffplay "$(curl -s $base/douyin/feed/ | grep -o '"play_url":"[^"]*"' | head -n 1 | cut -d '"' -f 4)"
"#,
        http("gateway-1"),
        http("gateway-2"),
        cluster.member("zipkin").ok().and_then(|member| member.ports.own).unwrap_or_default(),
        config.display(),
        http("gateway-1"),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn ports_are_kept_while_they_are_free() {
        let first = members(None, None);
        let taken = first[4].ports.admin.expect("a port");
        let again = |members: &[Member]| {
            let earlier = Cluster { dytt: PathBuf::new(), environment: [].into(), members: members.to_vec() };
            super::members(Some(earlier), None)
        };
        let _listener = TcpListener::bind(("127.0.0.1", taken)).expect("it is free");
        let second = again(&first);
        assert_ne!(second[4].ports, first[4].ports);
        assert_eq!(second[5].ports, first[5].ports);
        let all: Vec<u16> = second.iter().flat_map(|member| member.ports.all()).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn the_object_store_of_an_earlier_run_is_kept() {
        let mut first = members(None, None);
        let s3 = first.iter_mut().find(|member| member.name == "s3").expect("it is there");
        let was_minio = s3.role == Role::Server(Kind::Minio);
        let kind = if was_minio { Kind::Seaweedfs } else { Kind::Minio };
        s3.role = Role::Server(kind);
        let earlier = Cluster { dytt: PathBuf::new(), environment: [].into(), members: first };
        let second = members(Some(earlier), None);
        let s3 = second.iter().find(|member| member.name == "s3").expect("it is there");
        assert_eq!(s3.role == Role::Server(kind), kind.is_installed());
    }
}
