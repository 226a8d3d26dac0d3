//! `cargo xtask bench`: builds the platform and the benchmark as they ship, and starts the latter, which knows
//! what the words mean.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::shell;

/// Builds and measures; the exit code is the benchmark's.
pub fn run(root: &Path, words: &[String]) -> Result<ExitCode> {
    // Before the build, which is a load of its own.
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("0").to_owned();
    let only_asks = |word: &String| ["--list", "--help", "-h"].contains(&word.as_str());
    let packages: &[&str] = if words.iter().any(only_asks) { &["bench"] } else { &["dytt", "bench"] };
    let named = packages.iter().flat_map(|package| ["--package", package]);
    let build: Vec<&str> = ["build", "--release"].into_iter().chain(named).collect();
    shell::run(root, "cargo", &build)?;
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    let own = std::env::current_exe()?.display().to_string();
    words.extend(["--load-before", &load, "--xtask", &own]);
    shell::status(root, "target/release/bench", &words).map(shell::exit_code)
}
