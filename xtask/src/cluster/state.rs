//! What is remembered of a cluster between two commands: `cluster.json` in its folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::member::Member;

const FILE: &str = "cluster.json";
const LOCK: &str = "cluster.lock";

/// A cluster and its members, in the order they are started.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// The program its services run.
    pub dytt: PathBuf,
    /// The settings its services were started with beside the configuration file.
    pub environment: BTreeMap<String, String>,
    pub members: Vec<Member>,
}

impl Cluster {
    /// The cluster of a folder.
    pub fn open(dir: &Path) -> Result<Self> {
        Self::find(dir)?.with_context(|| {
            format!("there is no cluster in {}; `cargo xtask cluster up` makes one", dir.display())
        })
    }

    /// The cluster of a folder, if there is one.
    pub fn find(dir: &Path) -> Result<Option<Self>> {
        let file = dir.join(FILE);
        match std::fs::read(&file) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map(Some).with_context(|| format!("read {}", file.display()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("read {}", file.display())),
        }
    }

    /// Writes it down, all or nothing.
    pub fn save(&self, dir: &Path) -> Result<()> {
        let _lock = lock(dir)?;
        self.write(dir)
    }

    /// Changes what is written down; two commands that do so at once do not undo each other's change.
    pub fn change(dir: &Path, change: impl FnOnce(&mut Self)) -> Result<()> {
        let _lock = lock(dir)?;
        let mut cluster = Self::open(dir)?;
        change(&mut cluster);
        cluster.write(dir)
    }

    /// A member by its name.
    pub fn member(&self, name: &str) -> Result<&Member> {
        let Some(member) = self.members.iter().find(|member| member.name == name) else {
            let names: Vec<&str> = self.members.iter().map(|member| member.name.as_str()).collect();
            bail!("nothing is called {name}; there are {}", names.join(", "));
        };
        Ok(member)
    }

    /// Puts a member in the place of the one of the same name.
    pub fn replace(&mut self, member: &Member) {
        for old in self.members.iter_mut().filter(|old| old.name == member.name) {
            *old = member.clone();
        }
    }

    fn write(&self, dir: &Path) -> Result<()> {
        let half = dir.join(format!("{FILE}.new"));
        write_private(&half, &serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(&half, dir.join(FILE)).context("write down the cluster")
    }
}

/// The settings in our own environment, which are meant for the services.
pub fn settings() -> BTreeMap<String, String> {
    std::env::vars().filter(|(name, _)| name.starts_with("DYTT_") && !name.starts_with("DYTT_E2E")).collect()
}

/// Makes a folder only its owner may look into.
pub fn create_private(dir: &Path) -> Result<()> {
    let create = || std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    create().with_context(|| format!("create {}", dir.display()))
}

/// Writes a file only its owner may read.
pub fn write_private(file: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut options = File::options();
        let mut open = options.write(true).create(true).truncate(true).mode(0o600).open(file)?;
        std::io::Write::write_all(&mut open, bytes)
    };
    write().with_context(|| format!("write {}", file.display()))
}

/// Held until it is dropped.
fn lock(dir: &Path) -> Result<File> {
    let file = File::create(dir.join(LOCK)).context("open the cluster's lock")?;
    file.lock().context("wait for the cluster's lock")?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::super::roles;
    use super::*;

    fn cluster() -> Cluster {
        let members = roles(servers::Kind::Seaweedfs).into_iter();
        let members = members.map(|(name, role)| Member::new(name, role)).collect();
        let environment = [("DYTT_LIMITS__ENABLED".to_owned(), "false".to_owned())].into();
        Cluster { dytt: "/bin/dytt".into(), environment, members }
    }

    #[test]
    fn what_is_saved_is_found_again() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(Cluster::find(dir.path()).expect("none"), None);
        let error = Cluster::open(dir.path()).expect_err("none").to_string();
        assert!(error.contains("cargo xtask cluster up"), "{error}");
        let cluster = cluster();
        cluster.save(dir.path()).expect("it is saved");
        assert_eq!(Cluster::open(dir.path()).expect("it is there"), cluster);
    }

    #[test]
    fn changes_made_at_once_all_last() {
        let dir = tempfile::tempdir().expect("a folder");
        let cluster = cluster();
        cluster.save(dir.path()).expect("it is saved");
        std::thread::scope(|scope| {
            for (number, member) in cluster.members.iter().enumerate() {
                let started = Member { pid: number as u32 + 1, ..member.clone() };
                let dir = dir.path();
                scope.spawn(move || Cluster::change(dir, |cluster| cluster.replace(&started)));
            }
        });
        let saved = Cluster::open(dir.path()).expect("it is there");
        let pids: Vec<u32> = saved.members.iter().map(|member| member.pid).collect();
        assert_eq!(pids, (1..=cluster.members.len() as u32).collect::<Vec<_>>());
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known() {
        let error = cluster().member("gateway-3").expect_err("unknown").to_string();
        assert!(error.contains("gateway-3") && error.contains("gateway-1, gateway-2"), "{error}");
        assert_eq!(cluster().member("s3").map(|member| member.name.clone()).ok().as_deref(), Some("s3"));
    }
}
