//! Running other programs, with their failure as an error that names them.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// Runs a program in `dir` and waits for it; its output goes where ours goes.
pub fn run(dir: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let status = status(dir, program, arguments)?;
    if !status.success() {
        bail!("`{program} {}` failed with {status}", arguments.join(" "));
    }
    Ok(())
}

/// Runs a program like [`run`] and hands back how it ended.
pub fn status(dir: &Path, program: &str, arguments: &[&str]) -> Result<ExitStatus> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir).status().with_context(|| format!("start {program}"))
}

/// What a program printed, when it is there and succeeds.
pub fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A program's end as our own: its exit code, or 128 and the number of the signal that ended it.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
