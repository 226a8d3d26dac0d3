//! One running platform, ended and removed with its handle: one process on a data folder of its own, or, with
//! `DYTT_E2E=cluster`, two for every service. What it answers is the client's to ask.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::cluster::{Ground, INSTANCES, is_cluster};
use crate::objects::{Objects, files_of};
use crate::process::{Plan, Process, bare};
use crate::{eventually, within};

/// Tests measure no limits unless they say so, hash cheaply and wait rather than shed load.
const SETTINGS: [(&str, &str); 5] = [
    ("DYTT_LIMITS__ENABLED", "false"),
    ("DYTT_STORE__WRITE_WAIT_MS", "10000"),
    ("DYTT_STORE__READ_WAIT_MS", "10000"),
    ("DYTT_USERS__PASSWORD_MEMORY_KIB", "64"),
    ("DYTT_USERS__PASSWORD_PASSES", "1"),
];
const START_DEADLINE: Duration = Duration::from_secs(60);
const STOP_DEADLINE: Duration = Duration::from_secs(30);
const COMMAND_DEADLINE: Duration = Duration::from_secs(120);

/// A platform: one process, or several processes of each service, of which tests talk to the first gateway.
pub struct Platform {
    // Fields are dropped in order: processes before what they stand on, that before the folder.
    /// In a cluster the gateways first.
    processes: Vec<Process>,
    /// How many of them answer HTTP.
    gateways: usize,
    objects: Objects,
    /// Of a cluster.
    _ground: Option<Ground>,
    settings: Vec<(String, String)>,
    client: reqwest::Client,
    http: String,
    admin: String,
    folder: TempDir,
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
        let folder = tempfile::Builder::new().prefix("dytt-e2e-").tempdir().expect("a folder");
        let data_dir = folder.path().join("data");
        let mut ground = is_cluster().then(|| Ground::new(folder.path()));
        let shared = ground.as_ref().map(|ground| ground.settings(&data_dir)).unwrap_or_default();
        let objects = match &ground {
            Some(ground) => Objects::Bucket(ground.bucket()),
            None => Objects::Folder(data_dir.join("objects")),
        };
        let plans = match &mut ground {
            Some(ground) => ground.take_plans(),
            None => vec![whole(folder.path())],
        };
        let mut platform = Self {
            gateways: if is_cluster() { INSTANCES } else { 1 },
            processes: plans.into_iter().map(Process::new).collect(),
            objects,
            _ground: ground,
            settings: SETTINGS.iter().map(own).chain(shared).chain(settings.iter().map(own)).collect(),
            client,
            http: String::new(),
            admin: String::new(),
            folder,
        };
        platform.restart().await;
        platform
    }

    /// Starts the program again on the same folder; it must not be running.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn restart(&mut self) {
        assert!(!self.processes.iter().any(Process::runs), "it is still running");
        for process in &mut self.processes {
            process.start(self.folder.path(), &self.settings);
        }
        for (number, process) in self.processes.iter_mut().enumerate() {
            let announced = process.announced(START_DEADLINE).await;
            let address = |name: &str| announced[name].as_str().expect("an address").to_owned();
            let admin = address("admin");
            if number == 0 {
                (self.http, self.admin) = (address("http"), admin.clone());
            }
            eventually("the process is ready", START_DEADLINE, async || {
                (ready(&self.client, &admin).await == Some(200)).then_some(())
            })
            .await;
        }
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

    /// The running program's number; in a cluster that of the gateway tests talk to.
    ///
    /// # Panics
    /// When it is stopped.
    pub fn pid(&self) -> u32 {
        self.processes[0].pid()
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

    /// Everything the program has printed, over all its starts; in a cluster one process after the other.
    pub fn log(&self) -> String {
        self.processes.iter().map(Process::log).collect()
    }

    /// Runs another command of the program on this data folder; in a cluster on a gateway's.
    pub async fn command(&self, words: &[&str]) -> Ended {
        let data_dir = self.processes[0].plan().data_dir.display().to_string();
        run(self.folder.path(), &self.settings, &[words, &["--data-dir", &data_dir]].concat()).await
    }

    /// What `/readyz` answers; nothing when nobody listens any more.
    pub async fn ready(&self) -> Option<u16> {
        ready(&self.client, &self.admin).await
    }

    /// Whether a process says in its data folder where it can be reached.
    pub fn is_announced(&self) -> bool {
        self.processes.iter().any(|process| process.announcement().is_some())
    }

    /// The keys of all objects, sorted; those of unfinished ones contain a `#`.
    pub fn objects(&self) -> Vec<String> {
        self.objects.keys()
    }

    /// An object's bytes.
    pub fn object(&self, key: &str) -> Vec<u8> {
        self.objects.get(key)
    }

    /// Stores an object behind the platform's back, in place of one of this key.
    pub fn put_object(&self, key: &str, bytes: &[u8]) {
        self.objects.put(key, bytes);
    }

    /// Begins an object that nobody will finish, behind the platform's back.
    pub fn begin_object(&self, key: &str) {
        self.objects.begin(key);
    }

    /// Removes an object behind the platform's back.
    pub fn delete_object(&self, key: &str) {
        self.objects.delete(key);
    }

    /// Every file of work under way, sorted.
    pub fn work(&self) -> Vec<PathBuf> {
        self.processes.iter().flat_map(|process| files_of(&process.plan().data_dir.join("tmp"))).collect()
    }

    /// Every object, as a file of `objects/`, and every file of work under way.
    pub fn files(&self) -> Vec<PathBuf> {
        let objects = self.objects().into_iter().map(|key| self.data_dir().join("objects").join(key));
        objects.chain(self.work()).collect()
    }

    /// Waits until there are exactly these files again: what was refused leaves nothing.
    pub async fn leaves_only(&self, files: &[PathBuf]) {
        let what = format!("nothing but {} files is left", files.len());
        eventually(&what, Duration::from_secs(20), async || (self.files() == files).then_some(())).await;
    }

    /// Sends a signal; in a cluster to the gateways, the services come after them, see [`Platform::ended`].
    ///
    /// # Panics
    /// When the process has ended.
    pub fn signal(&self, signal: Signal) {
        for gateway in &self.processes[..self.gateways] {
            gateway.signal(signal);
        }
    }

    /// SIGKILL, and the end.
    ///
    /// # Panics
    /// When it was not running.
    pub fn kill(&mut self) {
        for process in &mut self.processes {
            assert!(process.runs(), "it is running");
            process.kill();
        }
    }

    /// Waits for the end; how it ended. A cluster is stopped as its operator does it: when the gateways have
    /// ended, the services are told, and all of them have to end in order.
    ///
    /// # Panics
    /// When it has not ended within `deadline`, or a service does not end in order.
    pub async fn ended(&mut self, deadline: Duration) -> ExitStatus {
        let (gateways, services) = self.processes.split_at_mut(self.gateways);
        let status = gateways[0].ended(deadline).await;
        for idle in &mut gateways[1..] {
            // It had less to do, and may have ended in order before the signal that ended the other.
            let other = idle.ended(deadline).await;
            assert!(other == status || other.code() == Some(0), "{other}: {}", idle.log());
        }
        for service in &*services {
            service.signal(Signal::TERM);
        }
        for service in services {
            let status = service.ended(STOP_DEADLINE).await;
            assert_eq!(status.code(), Some(0), "{}", service.log());
        }
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
        if self.processes.iter().any(Process::runs) {
            self.stop().await;
        }
        let checked = self.command(&["fsck", "--deep", "--json"]).await;
        assert_eq!(checked.code, Some(0), "fsck finds faults: {checked:?}");
        for line in self.log().lines() {
            let wrong = line.contains("panicked") || (line.contains(" ERROR ") && !line.contains(expected));
            assert!(!wrong, "in the log: {line}");
        }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.processes.iter_mut().for_each(Process::kill);
        if std::thread::panicking() {
            for process in &self.processes {
                let log = process.log();
                let lines: Vec<&str> = log.lines().collect();
                let tail = lines[lines.len().saturating_sub(30)..].join("\n");
                eprintln!("the last lines of {}:\n{tail}", process.plan().log.display());
            }
        }
    }
}

/// The one process that runs everything.
fn whole(folder: &Path) -> Plan {
    let words = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    Plan {
        words: words.map(str::to_owned).into(),
        settings: Vec::new(),
        data_dir: folder.join("data"),
        log: folder.join("log.txt"),
        group: None,
    }
}

async fn ready(client: &reqwest::Client, admin: &str) -> Option<u16> {
    let response = client.get(format!("http://{admin}/readyz")).send().await.ok()?;
    Some(response.status().as_u16())
}
