//! The gate and the tests: the same commands by hand and in CI.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::{deploy, shell, tidy, tools, web};

/// Every check, then the tests, so that the test runner's summary is the end of the output.
pub fn ci(root: &Path) -> Result<ExitCode> {
    step("toolchain", || tools::components(root))?;
    step("format", || shell::run(root, "cargo", &["fmt", "--all", "--check"]))?;
    step("tidy", || tidy::prove(root))?;
    step("deploy", || deploy::prove(root))?;
    step("clippy", || {
        shell::run(root, "cargo", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
    })?;
    heading("test");
    let code = test(root, &[]).context("step `test`")?;
    if code != ExitCode::SUCCESS {
        eprintln!("step `test` failed");
    }
    Ok(code)
}

/// Packages whose tests make or read clips.
const CLIPS: [&str; 3] = ["e2e", "media", "services"];

/// Plain `cargo test` over the workspace; its exit code is ours.
pub fn test(root: &Path, arguments: &[String]) -> Result<ExitCode> {
    // The test of the generated code formats a fresh run with rustfmt.
    tools::components(root)?;
    let mut words = vec!["test", "--workspace"];
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    if let Err(error) = tools::tracing(root) {
        if in_ci {
            return Err(error);
        }
        println!("{error}; without it the test of syncs before answers is skipped");
    }
    if let Err(error) = tools::media(root) {
        if in_ci {
            return Err(error);
        }
        println!("{error}; without it the tests that make or read clips are skipped: {}", CLIPS.join(", "));
        words.extend(CLIPS.iter().flat_map(|package| ["--exclude", package]));
    }
    let lacking = tools::servers::ensure(root);
    if in_ci && let Some(first) = lacking.first() {
        bail!("{first}");
    }
    for lacking in lacking {
        println!("{lacking}; without it the tests on it are skipped");
    }
    match web::lacking() {
        None => web::prove(root)?,
        Some(program) if in_ci => bail!("{program} is missing, and the web client is not tested"),
        Some(program) => println!("{program} is missing; without it the tests of the web client are skipped"),
    }
    words.extend(arguments.iter().map(String::as_str));
    shell::status(root, "cargo", &words).map(shell::exit_code)
}

fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    heading(name);
    work().with_context(|| format!("step `{name}`"))
}

fn heading(name: &str) {
    println!("== {name}");
}
