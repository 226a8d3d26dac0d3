//! All services in one process, on SQLite or on a MariaDB server of its own.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use servers::{Server, Tie};
use tokio::time::sleep;

use super::{Check, Database, Plan, Platform, Running, Signer, prepare, told};
use crate::measure::Target;

const READY_WITHIN: Duration = Duration::from_secs(60);
const END_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How many there were: each has a folder of its own.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// The process, its database server and its folder; all of it ends with this.
pub struct Process {
    serve: Child,
    _database: Option<Server>,
    _tie: Tie,
    folder: PathBuf,
}

/// Starts it on a copy of a prepared dataset.
pub async fn start(plan: &Plan, master: &Path) -> Result<Platform> {
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let folder = plan.work.join(format!("run-{}-{number}", std::process::id()));
    prepare::remove(&folder)?;
    prepare::copy(master, &folder)?;
    let (mut settings, mut database) = (plan.settings.clone(), None);
    let (mut address, mut password_file) = (format!("sqlite:{}", folder.join("dytt.sqlite").display()), None);
    if plan.database == Database::Mariadb {
        let server = servers::mariadb(&folder)?;
        plan.cores.take_for_server(server.pid());
        let password = prepare::write_password(&folder)?;
        address = prepare::address(server.port());
        settings.extend(prepare::store_settings(&address, &password));
        (database, password_file) = (Some(server), Some(password));
    }
    let database_pids = database.iter().map(Server::pid).collect();
    let (process, target, _) = serve(plan, folder.clone(), database, &settings).await?;
    let words = ["--data-dir".to_owned(), folder.display().to_string()].into();
    Ok(Platform {
        target: Target { database_pids, ..target },
        signer: Signer::open(&folder.join("keys/jwt.key"))?,
        database: address,
        password_file,
        folder,
        check: Check { dytt: plan.dytt.clone(), words, settings },
        _running: Running::One { _process: process },
    })
}

/// Starts one on an empty folder; how long it took until it was ready.
pub async fn empty(plan: &Plan) -> Result<(Process, Target, Duration)> {
    let folder = plan.work.join(format!("run-{}-empty", std::process::id()));
    prepare::remove(&folder)?;
    std::fs::create_dir_all(&folder)?;
    serve(plan, folder, None, &plan.settings).await
}

async fn serve(
    plan: &Plan,
    folder: PathBuf,
    database: Option<Server>,
    settings: &[(String, String)],
) -> Result<(Process, Target, Duration)> {
    let tie = Tie::new().context("start a watchdog")?;
    let log = folder.with_extension("log");
    let output = File::create(&log)?;
    let mut command: Command = told(plan.cores.command(&plan.dytt), settings);
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data-dir"]);
    command.arg(&folder).stdout(output.try_clone()?).stderr(output).process_group(tie.group());
    let began = Instant::now();
    let serve = command.spawn().with_context(|| format!("start {}", plan.dytt.display()))?;
    let pid = serve.id();
    let mut process = Process { serve, _database: database, _tie: tie, folder: folder.clone() };
    loop {
        if let Some(target) = ready(&folder, pid) {
            return Ok((process, target, began.elapsed()));
        }
        if began.elapsed() > READY_WITHIN || process.serve.try_wait()?.is_some() {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            bail!("dytt serve is not ready after {:.1} s; it says:\n{said}", began.elapsed().as_secs_f64());
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Where it answers, once it says so itself.
fn ready(folder: &Path, pid: u32) -> Option<Target> {
    let said: Value = serde_json::from_slice(&std::fs::read(folder.join("serve.json")).ok()?).ok()?;
    let address = |name: &str| said[name].as_str()?.parse::<SocketAddr>().ok();
    let (http, admin) = (address("http")?, address("admin")?);
    // A copy may bring the file of another.
    let is_ready = said["pid"] == pid && servers::http_get(admin.port(), "/readyz")?.0 == 200;
    is_ready.then(|| Target {
        addresses: vec![http],
        pids: vec![pid],
        admins: vec![admin],
        ..Target::default()
    })
}

impl Drop for Process {
    fn drop(&mut self) {
        let began = Instant::now();
        // It has not been waited for, so the number is its own.
        if let Some(pid) = Pid::from_raw(self.serve.id().cast_signed()) {
            let _ended = kill_process(pid, Signal::TERM);
        }
        while matches!(self.serve.try_wait(), Ok(None)) && began.elapsed() < END_WITHIN {
            std::thread::sleep(LOOK_EVERY);
        }
        let _ended = self.serve.kill().and_then(|()| self.serve.wait());
        let _removed = std::fs::remove_file(self.folder.with_extension("log"));
        let _removed = prepare::remove(&self.folder);
    }
}
