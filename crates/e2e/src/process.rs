//! One running `dytt serve`: started, signalled, waited for. What it runs is the platform's to say.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{dytt, eventually};

/// A command of the program that has nothing in its environment but these settings.
pub(crate) fn bare(folder: &Path, settings: &[(String, String)]) -> Command {
    let mut command = Command::new(dytt());
    command.current_dir(folder).env_clear().env("HOME", folder);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    command
}

/// How a process is started.
pub(crate) struct Plan {
    /// What comes after `serve`.
    pub words: Vec<String>,
    /// Settings beside those of the whole platform.
    pub settings: Vec<(String, String)>,
    /// Where it keeps what is its own.
    pub data_dir: PathBuf,
    /// Where all it prints is kept.
    pub log: PathBuf,
    /// The group it is born into; its own test's when there is none.
    pub group: Option<i32>,
}

/// A process that ends with its handle.
pub(crate) struct Process {
    plan: Plan,
    child: Option<Child>,
}

impl Process {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, child: None }
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn runs(&self) -> bool {
        self.child.is_some()
    }

    /// Its number.
    ///
    /// # Panics
    /// When it is stopped.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("the platform runs").id()
    }

    /// Starts it; it need not be ready yet.
    pub(crate) fn start(&mut self, folder: &Path, settings: &[(String, String)]) {
        let plan = &self.plan;
        let log = File::options().create(true).append(true).open(&plan.log).expect("a log");
        let mut command = bare(folder, settings);
        command.arg("serve").args(&plan.words).arg("--data-dir").arg(&plan.data_dir);
        command.envs(plan.settings.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        if let Some(group) = plan.group {
            command.process_group(group);
        }
        self.child = Some(command.spawn().expect("dytt starts"));
    }

    /// Its addresses by their names in `serve.json`, which it writes once it serves.
    ///
    /// # Panics
    /// When it ends first or does not within `deadline`.
    pub(crate) async fn announced(&mut self, deadline: Duration) -> Value {
        let pid = self.pid();
        eventually("serve.json names the process", deadline, async || {
            let ended = self.child.as_mut().and_then(|process| process.try_wait().expect("a state"));
            assert!(ended.is_none(), "dytt serve ended at once: {ended:?}\n{}", self.log());
            self.announcement().filter(|announced| announced["pid"] == pid)
        })
        .await
    }

    /// What stands in `serve.json`, if there is one.
    pub(crate) fn announcement(&self) -> Option<Value> {
        let text = std::fs::read_to_string(self.plan.data_dir.join("serve.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Everything it has printed, over all its starts.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.plan.log).unwrap_or_default()
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When it is not running.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid().cast_signed()).expect("a pid");
        kill_process(pid, signal).expect("the signal is sent");
    }

    /// SIGKILL, and the end. Nothing when it is stopped.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.child.take() {
            // It may have ended by itself.
            let _ended = process.kill().and_then(|()| process.wait());
        }
    }

    /// Waits for the end; how it ended.
    ///
    /// # Panics
    /// When it is not running or has not ended within `deadline`.
    pub(crate) async fn ended(&mut self, deadline: Duration) -> ExitStatus {
        // The handle keeps the process until it has ended, so that a failed wait still kills it.
        let process = self.child.as_mut().expect("it is running");
        let look = async || process.try_wait().expect("a state");
        let status = eventually("the process ends", deadline, look).await;
        self.child = None;
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
