//! What this machine can do: its disk's sync, one password's hash, and nginx where it is installed.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::data::password_hash;

const SYNCS: usize = 200;
const SYNC_BYTES: [u8; 4096] = [0x5a; 4096];

/// How long an append and its sync take.
#[derive(Clone, Copy, Debug)]
pub struct Sync {
    /// Half of them were faster.
    pub p50: Duration,
    /// One in a hundred was slower.
    pub p99: Duration,
}

/// Appends of 4 KiB to a file in this folder, each with its `fdatasync`: the least a durable write costs.
pub fn fdatasync(folder: &Path) -> Result<Sync> {
    let path = folder.join(format!("bench-sync-{}", std::process::id()));
    let times = appends(&path);
    // Whether it could be measured or not.
    fs::remove_file(&path).context("remove the file of the sync")?;
    let mut times = times?;
    times.sort_unstable();
    Ok(Sync { p50: times[SYNCS / 2], p99: times[SYNCS * 99 / 100] })
}

fn appends(path: &Path) -> Result<Vec<Duration>> {
    let mut file = File::create_new(path).with_context(|| format!("create {}", path.display()))?;
    let append = |_| {
        let began = Instant::now();
        file.write_all(&SYNC_BYTES)?;
        file.sync_data()?;
        Ok(began.elapsed())
    };
    (0..SYNCS).map(append).collect()
}

/// The time of one password's hash at the platform's cost.
pub fn one_hash() -> Result<Duration> {
    let began = Instant::now();
    password_hash()?;
    Ok(began.elapsed())
}

/// nginx as one process that serves the files under `root` on a port of 127.0.0.1, its own files in `folder`;
/// nothing when it is not installed.
pub fn nginx(folder: &Path, root: &Path, port: u16) -> Result<Option<Command>> {
    let version = Command::new("nginx").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let (folder, root) = (folder.canonicalize()?, root.canonicalize()?);
    let config = folder.join("nginx.conf");
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = kinds.map(|kind| format!("{kind}_temp_path \"{}/{kind}\";", folder.display())).join(" ");
    let text = format!(
        "daemon off; master_process off; pid \"{0}/pid\"; error_log stderr crit;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; {temporary}\n\
         default_type video/mp4; open_file_cache max=64;\n\
         server {{ listen 127.0.0.1:{port}; root \"{1}\"; }} }}\n",
        folder.display(),
        root.display()
    );
    fs::write(&config, text).context("write nginx's configuration")?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(&folder).arg("-c").arg(&config).arg("-e").arg("stderr").stdin(Stdio::null());
    Ok(Some(command))
}
