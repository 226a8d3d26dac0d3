//! A test in a process of its own: logs and traces can be started once in a process.

use std::io::Write;
use std::process::Command;

/// Told to the test program as a test to leave out; no test is called so.
const INSIDE: &str = "inside a process of its own";

/// Starts this test again in a process of its own, where `act` runs, and gives back what that process wrote to
/// standard error. Inside, and when a server is missing, it gives back nothing, and the test is to return.
#[track_caller]
pub fn alone(test: &str, act: impl FnOnce()) -> Option<String> {
    if std::env::args().any(|word| word == INSIDE) {
        act();
        return None;
    }
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--exact", test, "--nocapture", "--skip", INSIDE]);
    let ended = command.output().expect("it runs");
    let (out, log) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && out.contains("1 passed"), "{test}: {out}\n{log}");
    if let Some(skipped) = log.lines().find(|line| line.starts_with("skipped: ")) {
        writeln!(std::io::stderr(), "{skipped}").expect("a place to say it");
        return None;
    }
    Some(log.into_owned())
}
