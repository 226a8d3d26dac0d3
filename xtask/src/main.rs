//! The project's own commands: `cargo xtask run | test | ci | tidy | codegen | cluster |
//! deploy | bench`. What the platform does is the other crates'.

mod bench;
mod ci;
mod cluster;
mod codegen;
mod deploy;
mod run;
mod shell;
mod tidy;
mod tools;
mod web;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing, build, and serve with demo content: `cargo xtask run -- --listen ADDR`.
    Run {
        /// Flags for `dytt serve`.
        #[arg(last = true)]
        serve: Vec<String>,
    },
    /// Run all tests: `cargo xtask test -- NAME`.
    Test {
        /// Arguments for `cargo test --workspace`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// The gate: format, tidy, clippy, tests.
    Ci,
    /// Prove the architecture's rules.
    Tidy,
    /// Prove the files in `deploy/` and what the runbook names.
    Deploy,
    /// Write the generated code of `crates/proto` afresh.
    Codegen,
    /// The servers and every service as its own process, on this machine.
    Cluster(cluster::Arguments),
    /// Measure the platform beside its limits: `cargo xtask bench --list`.
    #[command(disable_help_flag = true)]
    Bench {
        /// Scenarios and flags of the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

fn main() -> ExitCode {
    run_task(Arguments::parse().command).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run_task(task: Task) -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("find the workspace")?;
    match task {
        Task::Run { serve } => run::run(root, &serve),
        Task::Test { arguments } => ci::test(root, &arguments),
        Task::Ci => ci::ci(root),
        Task::Tidy => tidy::prove(root).map(|()| ExitCode::SUCCESS),
        Task::Deploy => deploy::prove(root).map(|()| ExitCode::SUCCESS),
        Task::Cluster(arguments) => cluster::run(root, arguments),
        Task::Bench { words } => bench::run(root, &words),
        Task::Codegen => codegen::write(root).map(|()| ExitCode::SUCCESS),
    }
}
