//! Real children: shells that misbehave in each way a limit is for.

use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Finished, Job, Limits, MAX_STDERR_BYTES, MAX_STDOUT_BYTES, run};
use crate::Error;

const ROOMY: Limits = Limits {
    memory_bytes: 1 << 30,
    cpu: Duration::from_secs(20),
    wall: Duration::from_secs(60),
    file_bytes: 1 << 20,
    niceness: 10,
};
const PATIENCE: Duration = Duration::from_secs(30);

async fn start(program: &str, arguments: &[&str], folder: &Path, limits: Limits) -> Result<Finished, Error> {
    let arguments = arguments.iter().map(OsString::from).collect();
    run(Job { program, arguments, folder: Some(folder.to_owned()), cell: None, limits, told: None }).await
}

async fn shell(script: &str, folder: &Path, limits: Limits) -> Result<Finished, Error> {
    start("sh", &["-c", script], folder, limits).await
}

/// Waits for `found` to find something, politely.
async fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The process a script wrote down as `pid`, once it did.
fn written_pid(folder: &Path) -> Option<u32> {
    std::fs::read_to_string(folder.join("pid")).ok()?.strip_suffix('\n')?.parse().ok()
}

/// A process that ended, be it that nobody has collected it yet.
fn is_gone(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

#[tokio::test]
async fn a_child_over_its_wall_time_dies_with_its_descendants() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { wall: Duration::from_secs(2), ..ROOMY };
    let result = shell("sleep 1000 & echo $! > pid; wait", folder.path(), limits).await;
    assert!(matches!(result, Err(Error::TimedOut { .. })));
    let grandchild = written_pid(folder.path()).expect("the grandchild's number");
    wait_for("the grandchild's end", || is_gone(grandchild).then_some(())).await;
}

#[tokio::test]
async fn dropping_the_run_kills_the_descendants() {
    let folder = tempfile::tempdir().expect("a folder");
    let work = shell("sleep 1000 & echo $! > pid; wait", folder.path(), ROOMY);
    let grandchild = tokio::select! {
        _ = work => panic!("the shell ended by itself"),
        pid = wait_for("the grandchild's number", || written_pid(folder.path())) => pid,
    };
    wait_for("the grandchild's end", || is_gone(grandchild).then_some(())).await;
}

#[tokio::test]
async fn a_descendant_does_not_outlive_the_child_or_keep_us_waiting() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = Instant::now();
    let finished = shell("sleep 1000 & echo $! > pid", folder.path(), ROOMY).await.expect("a good end");
    assert!(finished.success());
    assert!(start.elapsed() < PATIENCE);
    let grandchild = written_pid(folder.path()).expect("the grandchild's number");
    wait_for("the grandchild's end", || is_gone(grandchild).then_some(())).await;
}

#[tokio::test]
async fn what_a_child_writes_is_capped_and_never_blocks_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = "head -c 3000000 /dev/zero; head -c 300000 /dev/zero | tr '\\0' x >&2; echo end >&2";
    let finished = shell(script, folder.path(), ROOMY).await.expect("a good end");
    assert!(finished.success());
    assert_eq!(finished.stdout.len(), MAX_STDOUT_BYTES);
    assert_eq!(finished.stderr.len(), MAX_STDERR_BYTES);
    assert!(finished.stderr.ends_with("xend\n"));
}

#[tokio::test]
async fn what_a_child_writes_is_told_while_it_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = |_: &[u8]| std::fs::write(folder.path().join("told"), "").expect("writes");
    // It only ends once somebody was told.
    let arguments = ["-c", "echo one; until test -e told; do :; done; echo two"].map(OsString::from).to_vec();
    let folder = Some(folder.path().to_owned());
    let job = Job { program: "sh", arguments, folder, cell: None, limits: ROOMY, told: Some(&told) };
    let finished = run(job).await.expect("a good end");
    assert_eq!(finished.stdout, b"one\ntwo\n");
}

#[tokio::test]
async fn a_child_sees_three_variables_and_no_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let finished = start("env", &[], folder.path(), ROOMY).await.expect("a good end");
    let variables = String::from_utf8(finished.stdout).expect("text");
    let mut names: Vec<_> = variables.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    assert_eq!(names, ["LC_ALL", "MALLOC_ARENA_MAX", "PATH"]);
    let finished = start("cat", &[], folder.path(), ROOMY).await.expect("a good end");
    assert!(finished.success() && finished.stdout.is_empty());
}

#[tokio::test]
async fn processor_time_and_file_size_are_limited() {
    let folder = tempfile::tempdir().expect("a folder");
    let limits = Limits { cpu: Duration::from_secs(1), ..ROOMY };
    let result = shell("while :; do :; done", folder.path(), limits).await;
    assert!(matches!(result, Err(Error::Killed { .. })));
    let _ = start("dd", &["if=/dev/zero", "of=large", "bs=65536", "count=64"], folder.path(), ROOMY).await;
    let written = std::fs::metadata(folder.path().join("large")).expect("a file").len();
    assert_eq!(written, ROOMY.file_bytes);
}

#[tokio::test]
async fn a_missing_program_is_named_with_its_package() {
    let folder = tempfile::tempdir().expect("a folder");
    let Err(error) = start("no-such-program", &[], folder.path(), ROOMY).await else { panic!("it ran") };
    assert_eq!(
        error.to_string(),
        "no-such-program was not found: install it, on Debian or Ubuntu `apt-get install ffmpeg`"
    );
}
