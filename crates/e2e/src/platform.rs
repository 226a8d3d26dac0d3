//! One running platform with a data folder of its own, ended and removed with its handle. What it answers is
//! the client's to ask.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::{dytt, eventually, within};

/// Tests measure no limits unless they say so, hash cheaply and wait rather than shed load.
const SETTINGS: [(&str, &str); 5] = [
    ("DYTT_LIMITS__ENABLED", "false"),
    ("DYTT_STORE__WRITE_WAIT_MS", "10000"),
    ("DYTT_STORE__READ_WAIT_MS", "10000"),
    ("DYTT_USERS__PASSWORD_MEMORY_KIB", "64"),
    ("DYTT_USERS__PASSWORD_PASSES", "1"),
];
const START_DEADLINE: Duration = Duration::from_secs(30);
const STOP_DEADLINE: Duration = Duration::from_secs(30);
const COMMAND_DEADLINE: Duration = Duration::from_secs(120);

/// A platform of one process.
pub struct Platform {
    folder: TempDir,
    settings: Vec<(String, String)>,
    process: Option<Child>,
    client: reqwest::Client,
    http: String,
    admin: String,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// Runs `dytt` with these words in a folder, with nothing else in its environment.
///
/// # Panics
/// When it does not start or does not end.
pub async fn run(folder: &Path, settings: &[(String, String)], words: &[&str]) -> Ended {
    let mut command = tokio::process::Command::from(bare(folder, settings));
    command.args(words).kill_on_drop(true).stdin(Stdio::null());
    let output = within("the command ends", COMMAND_DEADLINE, command.output()).await.expect("dytt starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

impl Platform {
    /// A platform that is ready for requests.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A platform with settings of its own, by the names of the environment.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(100))
            .build()
            .expect("a client");
        let mut platform = Self {
            folder: tempfile::Builder::new().prefix("dytt-e2e-").tempdir().expect("a folder"),
            settings: SETTINGS.iter().chain(settings).map(own).collect(),
            process: None,
            client,
            http: String::new(),
            admin: String::new(),
        };
        platform.restart().await;
        platform
    }

    /// Starts the program again on the same folder; it must not be running.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn restart(&mut self) {
        assert!(self.process.is_none(), "it is still running");
        let log = File::options().create(true).append(true).open(self.log_path()).expect("a log");
        let process = bare(self.folder.path(), &self.settings)
            .arg("serve")
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data-dir", "data"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("dytt starts");
        let pid = process.id();
        self.process = Some(process);
        let announced = eventually("serve.json names this process", START_DEADLINE, async || {
            let ended = self.process.as_mut().and_then(|process| process.try_wait().expect("a state"));
            assert!(ended.is_none(), "dytt serve ended at once: {ended:?}\n{}", self.log());
            let text = std::fs::read_to_string(self.data_dir().join("serve.json")).ok()?;
            serde_json::from_str::<Value>(&text).ok().filter(|announced| announced["pid"] == pid)
        });
        let announced = announced.await;
        let address = |name: &str| announced[name].as_str().expect("an address").to_owned();
        (self.http, self.admin) = (address("http"), address("admin"));
    }

    /// Changes a setting for the next start.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// The settings in force, for commands beside the platform.
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// Where everything lies.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The running program's number.
    ///
    /// # Panics
    /// When it is stopped.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the platform runs").id()
    }

    /// The folder the program runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The public port's address.
    pub fn http(&self) -> &str {
        &self.http
    }

    /// The operator's port's address.
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// The client of this platform.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Everything the program has printed, over all its starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Runs another command of the program on this data folder.
    pub async fn command(&self, words: &[&str]) -> Ended {
        let words = [words, &["--data-dir", "data"]].concat();
        run(self.folder.path(), &self.settings, &words).await
    }

    /// What `/readyz` answers; nothing when nobody listens any more.
    pub async fn ready(&self) -> Option<u16> {
        let response = self.client.get(format!("http://{}/readyz", self.admin)).send().await.ok()?;
        Some(response.status().as_u16())
    }

    /// Every file of an object or of work under way, sorted.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.data_dir().join("objects"), self.data_dir().join("tmp")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    _ => files.push(entry.path()),
                }
            }
        }
        files.sort();
        files
    }

    /// Waits until there are exactly these files again: what was refused leaves nothing.
    pub async fn leaves_only(&self, files: &[PathBuf]) {
        let what = format!("nothing but {} files is left", files.len());
        eventually(&what, Duration::from_secs(20), async || (self.files() == files).then_some(())).await;
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When the process has ended.
    pub fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("it is running");
        let pid = Pid::from_raw(process.id().cast_signed()).expect("a pid");
        kill_process(pid, signal).expect("the signal is sent");
    }

    /// SIGKILL, and the end.
    ///
    /// # Panics
    /// When it was not running.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it is running");
        process.kill().expect("it is killed");
        process.wait().expect("it has ended");
    }

    /// Waits for the end; how it ended.
    ///
    /// # Panics
    /// When it has not ended within `deadline`.
    pub async fn ended(&mut self, deadline: Duration) -> ExitStatus {
        // The handle keeps the process until it has ended, so that a failed wait still kills it.
        let process = self.process.as_mut().expect("it is running");
        let look = async || process.try_wait().expect("a state");
        let status = eventually("the process ends", deadline, look).await;
        self.process = None;
        status
    }

    /// SIGTERM, and an orderly end.
    ///
    /// # Panics
    /// When the exit code is not 0.
    pub async fn stop(&mut self) {
        self.signal(Signal::TERM);
        let status = self.ended(STOP_DEADLINE).await;
        assert_eq!(status.code(), Some(0), "after SIGTERM\n{}", self.log());
    }

    /// The end of every test: an orderly stop, everything stored agrees with itself, nothing went wrong in
    /// the log.
    ///
    /// # Panics
    /// When that is not so.
    pub async fn finish(self) {
        self.finish_with_errors("no error is expected").await;
    }

    /// As [`Platform::finish`] for a test that makes the platform fail: error lines with this text are allowed.
    ///
    /// # Panics
    /// When that is not so.
    pub async fn finish_with_errors(mut self, expected: &str) {
        if self.process.is_some() {
            self.stop().await;
        }
        let checked = self.command(&["fsck", "--deep", "--json"]).await;
        assert_eq!(checked.code, Some(0), "fsck finds faults: {checked:?}");
        for line in self.log().lines() {
            let wrong = line.contains("panicked") || (line.contains("ERROR") && !line.contains(expected));
            assert!(!wrong, "in the log: {line}");
        }
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log.txt")
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            let _ended = process.kill().and_then(|()| process.wait());
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines.iter().skip(lines.len().saturating_sub(30)).copied().collect::<Vec<_>>();
            eprintln!("the platform's last lines:\n{}", tail.join("\n"));
        }
    }
}

fn bare(folder: &Path, settings: &[(String, String)]) -> Command {
    let mut command = Command::new(dytt());
    command.current_dir(folder).env_clear().env("HOME", folder);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    command
}
