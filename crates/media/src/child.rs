//! Runs one program as a hostile child: limited, without environment or input, killed with its whole process
//! group. What it is asked to do is in its arguments, which others build.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::timeout;

use crate::Error;
use crate::sandbox::{Cell, UNCONFINED};

const MAX_STDOUT_BYTES: usize = 1 << 20;
const MAX_STDERR_BYTES: usize = 64 << 10;
const MAX_OPEN_FILES: u32 = 64;
const MAX_LOG_CHARS: usize = 1_000;
/// Where programs are looked for. Ours alone: nothing of our environment reaches a child.
pub(crate) const SEARCH_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin";

/// What one run may use. prlimit sets the limits, so they hold from the program's first instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) memory_bytes: u64,
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
    pub(crate) file_bytes: u64,
    /// How far behind everything else on the machine this run stands: 0 not at all, 19 furthest.
    pub(crate) niceness: u8,
}

/// Who is told what a program prints, as it comes.
pub(crate) type Told<'a> = &'a (dyn Fn(&[u8]) + Send + Sync);

/// One run to be made.
pub(crate) struct Job<'a> {
    pub(crate) program: &'a str,
    pub(crate) arguments: Vec<OsString>,
    /// The folder to run in; ours when there is none.
    pub(crate) folder: Option<PathBuf>,
    /// What confines it, and to what.
    pub(crate) cell: Option<(&'a Path, Cell)>,
    pub(crate) limits: Limits,
    /// Is told what the program prints, as it comes.
    pub(crate) told: Option<Told<'a>>,
}

/// A run that ended by itself.
pub(crate) struct Finished {
    pub(crate) code: i32,
    /// The first MiB of what it printed.
    pub(crate) stdout: Vec<u8>,
    /// The last 64 KiB of its messages.
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn success(&self) -> bool {
        self.code == 0
    }

    /// This run as a failure: for callers that know no better reason.
    pub(crate) fn failed(&self) -> Error {
        let skip = self.stderr.chars().count().saturating_sub(MAX_LOG_CHARS);
        Error::Failed { code: self.code, log: self.stderr.chars().skip(skip).collect() }
    }
}

/// Runs `job` to its end, however it ends. Dropping the future kills the child and all its descendants that
/// stayed in its process group.
pub(crate) async fn run(job: Job<'_>) -> Result<Finished, Error> {
    let wall = job.limits.wall;
    // What does not exist cannot be given to a confined program.
    for path in job.cell.iter().flat_map(|(_, cell)| &cell.write) {
        tokio::fs::File::create(path).await.map_err(Error::io("make the file to be written"))?;
    }
    let mut child = command(&job).spawn().map_err(|source| spawn_error("prlimit", source))?;
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();

    let work = async {
        tokio::join!(
            async {
                let status = child.wait().await;
                // A descendant that holds our pipes open would keep the two readers waiting.
                group.kill();
                status
            },
            keep_first(stdout, MAX_STDOUT_BYTES, job.told),
            keep_last(stderr, MAX_STDERR_BYTES),
        )
    };
    let Ok((status, stdout, stderr)) = timeout(wall, work).await else {
        return Err(Error::TimedOut { after: wall });
    };

    let status = status.map_err(Error::io("wait for the media tool"))?;
    if let Some(signal) = status.signal() {
        return Err(Error::Killed { signal });
    }
    let code = status.code().unwrap_or(-1);
    // These two are what nice and prlimit answer when the program cannot be started.
    if matches!(code, 126 | 127) {
        return Err(missing(job.program));
    }
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    if job.cell.is_some() && code == i32::from(UNCONFINED) {
        return Err(Error::Unconfined { problem: stderr.trim().to_owned() });
    }
    Ok(Finished { code, stdout, stderr })
}

fn command(job: &Job<'_>) -> Command {
    let limits = &job.limits;
    let mut command = Command::new("prlimit");
    command
        .arg(format!("--as={}", limits.memory_bytes))
        .arg(format!("--cpu={}", limits.cpu.as_secs().max(1)))
        .arg(format!("--fsize={}", limits.file_bytes))
        .arg(format!("--nofile={MAX_OPEN_FILES}"))
        .args(["--core=0", "--", "nice", "-n"])
        .arg(limits.niceness.to_string())
        .args(confined(job))
        .arg(job.program)
        .args(&job.arguments)
        .env_clear()
        .env("PATH", SEARCH_PATH)
        .env("LC_ALL", "C")
        // The C library sets aside 64 MiB for each of a program's threads, up to eight a core: with the threads of a
        // newer ffmpeg that is all of the memory it may name.
        .env("MALLOC_ARENA_MAX", "2")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(folder) = &job.folder {
        command.current_dir(folder);
    }
    command
}

/// What goes before the program where it is confined: our own `sandbox` command.
fn confined(job: &Job<'_>) -> Vec<OsString> {
    let Some((launcher, cell)) = &job.cell else { return Vec::new() };
    let mut words = vec![launcher.into(), "sandbox".into()];
    for (name, paths) in [("--read", &cell.read), ("--write", &cell.write)] {
        words.extend(paths.iter().flat_map(|path| [name.into(), path.into()]));
    }
    words.push("--".into());
    words
}

fn spawn_error(tool: &str, source: std::io::Error) -> Error {
    if source.kind() == std::io::ErrorKind::NotFound {
        return missing(tool);
    }
    Error::Io { doing: "start the media tool", source }
}

fn missing(tool: &str) -> Error {
    let package = if tool == "prlimit" { "util-linux" } else { "ffmpeg" };
    Error::ToolMissing { tool: tool.to_owned(), package }
}

/// Invariant: once this is dropped nothing of the child's process group runs.
struct Group(Option<Pid>);

impl Group {
    fn kill(&mut self) {
        // Taken, so that the number is never used again after the system may have given it to others.
        if let Some(leader) = self.0.take() {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads to the end, so that the child never blocks, and keeps the first `limit` bytes.
async fn keep_first(stream: Option<impl AsyncRead + Unpin>, limit: usize, told: Option<Told<'_>>) -> Vec<u8> {
    let mut kept = Vec::new();
    read_all(stream, |chunk| {
        told.into_iter().for_each(|told| told(chunk));
        let room = limit - kept.len();
        kept.extend_from_slice(&chunk[..room.min(chunk.len())]);
    })
    .await;
    kept
}

/// Reads to the end, so that the child never blocks, and keeps the last `limit` bytes.
async fn keep_last(stream: Option<impl AsyncRead + Unpin>, limit: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    read_all(stream, |chunk| {
        kept.extend_from_slice(chunk);
        if kept.len() > 2 * limit {
            kept.drain(..kept.len() - limit);
        }
    })
    .await;
    kept.drain(..kept.len().saturating_sub(limit));
    kept
}

async fn read_all(stream: Option<impl AsyncRead + Unpin>, mut take: impl FnMut(&[u8])) {
    let Some(mut stream) = stream else { return };
    let mut buffer = vec![0; 16 << 10];
    // An error here means the pipe is gone, which is an end like any other.
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        take(&buffer[..count]);
    }
}

#[cfg(test)]
mod tests;
