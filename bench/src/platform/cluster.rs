//! Every service as its own processes: `cargo xtask cluster`, on a prepared database.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use servers::Bucket;

use super::{Check, Plan, Platform, Running, Signer, prepare};
use crate::data::Dataset;
use crate::measure::Target;

/// A cluster of this folder; it is stopped, and the folder goes, with this.
pub struct Cluster {
    xtask: PathBuf,
    folder: PathBuf,
    settings: Vec<(String, String)>,
}

/// Starts it on a copy of a prepared database.
pub fn start(plan: &Plan, dataset: &Dataset, master: &Path) -> Result<Platform> {
    let folder = plan.work.join(format!("cluster-{}", std::process::id()));
    prepare::remove(&folder)?;
    prepare::copy(&master.join("data"), &folder.join("mariadb/data"))?;
    let settings = plan.settings.clone();
    let cluster = Cluster { xtask: plan.xtask.clone(), folder: folder.clone(), settings };
    let dytt = plan.dytt.display().to_string();
    cluster.xtask(&["up", "--dytt", &dytt])?;
    let (target, [database, s3]) = members(&folder)?;
    let bucket = Bucket::new(s3, prepare::NAME);
    for object in dataset.objects() {
        bucket.put(&object.key, &object.content())?;
    }
    for pid in target.pids.iter().chain(&target.database_pids) {
        plan.cores.take_for_server(*pid);
    }
    let words = ["--config".to_owned(), folder.join("dytt.toml").display().to_string()].into();
    Ok(Platform {
        target,
        signer: Signer::open(&folder.join("keys/jwt.key"))?,
        database: prepare::address(database),
        password_file: Some(folder.join("keys/mariadb.password")),
        folder,
        check: Check { dytt: plan.dytt.clone(), words, settings: plan.settings.clone() },
        _running: Running::Cluster { _cluster: cluster },
    })
}

impl Cluster {
    fn xtask(&self, words: &[&str]) -> Result<()> {
        let mut command = Command::new(&self.xtask);
        command.arg("cluster").args(words).arg("--dir").arg(&self.folder);
        command.envs(self.settings.iter().map(|(name, value)| (name, value))).stdout(Stdio::null());
        if !command.status().with_context(|| format!("start {}", self.xtask.display()))?.success() {
            bail!("`cargo xtask cluster {}` failed", words.join(" "));
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.xtask(&["down", "--purge"]) {
            eprintln!("{error:#}; what is left is in {}", self.folder.display());
        }
    }
}

/// Who is in a cluster, as it has written down itself; and the ports of its database and its object store.
fn members(folder: &Path) -> Result<(Target, [u16; 2])> {
    let text = std::fs::read(folder.join("cluster.json")).context("read the cluster's members")?;
    let cluster: Value = serde_json::from_slice(&text)?;
    let (mut target, mut ports) = (Target::default(), [0; 2]);
    for member in cluster["members"].as_array().context("find the cluster's members")? {
        let port = |name: &str| u16::try_from(member["ports"][name].as_u64()?).ok();
        let address = |name: &str| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port(name)?)));
        let pid = member["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).context("find a process")?;
        target.addresses.extend(address("http"));
        target.admins.extend(address("admin"));
        match member["name"].as_str() {
            Some("mariadb") => {
                target.database_pids.push(pid);
                ports[0] = port("own").context("find the database's port")?;
            }
            Some("s3") => ports[1] = port("own").context("find the object store's port")?,
            // The registry and the collector of traces do no work of the requests'.
            Some("etcd" | "zipkin") => {}
            Some(_) | None => target.pids.push(pid),
        }
    }
    if target.addresses.is_empty() {
        bail!("the cluster has no gateway");
    }
    Ok((target, ports))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_and_the_database_are_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = r#"{"members": [
            {"name": "mariadb", "pid": 3, "ports": {"own": 11}},
            {"name": "s3", "pid": 7, "ports": {"own": 17}},
            {"name": "etcd", "pid": 4, "ports": {"own": 12}},
            {"name": "gateway-1", "pid": 5, "ports": {"http": 13, "admin": 14}},
            {"name": "user-1", "pid": 6, "ports": {"rpc": 15, "admin": 16}}]}"#;
        std::fs::write(folder.path().join("cluster.json"), text).expect("written");
        let (target, ports) = members(folder.path()).expect("members");
        assert_eq!(ports, [11, 17]);
        assert_eq!((target.pids, target.database_pids), (vec![5, 6], vec![3]));
        assert_eq!(target.addresses, [SocketAddr::from((Ipv4Addr::LOCALHOST, 13))]);
        assert_eq!(target.admins.len(), 2);
    }
}
