//! The platform that is measured: the release binary on a copy of a prepared dataset, as one process here or as
//! a cluster. What is asked of it is the scenarios'.

mod cluster;
mod one;
mod prepare;
mod token;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde_json::Value;

use crate::cores::Cores;
use crate::data::Dataset;
use crate::load::{Connection, Request, Verdict};
use crate::measure::Target;

pub use one::empty;
pub use token::Signer;

/// One process, or many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Topology {
    /// All services in one process.
    One,
    /// Two processes of each service, with mutual TLS between them, on MariaDB and S3.
    Cluster,
}

/// Where the rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Database {
    /// A file.
    Sqlite,
    /// A MariaDB server of its own.
    Mariadb,
}

/// What a platform is made of.
#[derive(Clone)]
pub struct Plan {
    /// The project's root.
    pub root: PathBuf,
    /// The program.
    pub dytt: PathBuf,
    /// The program that starts clusters.
    pub xtask: PathBuf,
    /// Prepared datasets, and the platforms' folders while they run.
    pub work: PathBuf,
    /// One process or many.
    pub topology: Topology,
    /// Where the rows are.
    pub database: Database,
    /// Where it runs.
    pub cores: Cores,
    /// Its settings, as variables of the environment.
    pub settings: Vec<(String, String)>,
}

/// A running platform. It ends with this handle.
pub struct Platform {
    /// Where it answers, and its processes.
    pub target: Target,
    /// Makes logins.
    pub signer: Signer,
    /// Where its rows are: `sqlite:FILE` or `mysql://USER@HOST:PORT/NAME`.
    pub database: String,
    /// The file with the database user's password.
    pub password_file: Option<PathBuf>,
    /// Its folder.
    pub folder: PathBuf,
    check: Check,
    _running: Running,
}

/// What ends with the platform.
enum Running {
    One { _process: one::Process },
    Cluster { _cluster: cluster::Cluster },
}

/// How `dytt fsck` finds the platform.
struct Check {
    dytt: PathBuf,
    words: Vec<String>,
    settings: Vec<(String, String)>,
}

impl Plan {
    /// The same with further settings, which go before the others.
    pub fn with(&self, settings: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut plan = self.clone();
        plan.settings.extend(settings);
        plan
    }

    /// Starts a platform on a fresh copy of a dataset, and waits until it is ready.
    pub async fn start(&self, dataset: &Dataset, scale: &str) -> Result<Platform> {
        let master = prepare::master(self, dataset, scale).await.context("prepare the dataset")?;
        match self.topology {
            Topology::One => one::start(self, &master).await.context("start the platform"),
            Topology::Cluster => cluster::start(self, dataset, &master).context("start the cluster"),
        }
    }
}

impl Platform {
    /// What a GET answers with success.
    pub async fn fetch(&self, path: &str) -> Result<Vec<u8>> {
        let mut connection = Connection::new(self.target.addresses[0]);
        let (answer, body) =
            connection.fetch(&Request::get(path)).await.with_context(|| format!("get {path}"))?;
        ensure!(answer.verdict == Verdict::Accepted, "{path} answers {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    /// What is wrong with the stored data; every counter is compared with its rows.
    pub fn faults(&self) -> Result<Vec<String>> {
        let Check { dytt, words, settings } = &self.check;
        let mut command = bare(dytt, settings);
        let output = command.args(["fsck", "--json"]).args(words).output().context("start dytt fsck")?;
        let faults: Vec<Value> = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("dytt fsck says {}", String::from_utf8_lossy(&output.stderr)))?;
        Ok(faults.iter().map(Value::to_string).collect())
    }
}

/// A program that is told nothing but these settings.
fn bare(program: &Path, settings: &[(String, String)]) -> Command {
    told(Command::new(program), settings)
}

fn told(mut command: Command, settings: &[(String, String)]) -> Command {
    let settings = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    // Of the environment it was started in, only where programs are: no setting of this shell is measured.
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).envs(settings).stdin(std::process::Stdio::null());
    command
}

/// What every platform here is told: nobody is refused for asking often, and nothing is traced.
pub fn settings() -> Vec<(String, String)> {
    vec![setting("DYTT_LIMITS__ENABLED", "false"), setting("DYTT_TELEMETRY__EXPORTER", "off")]
}

/// One setting, by the name of its variable.
pub fn setting(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
