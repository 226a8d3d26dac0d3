//! `dytt migrate`: the database's schema.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use store::Store;

use crate::config::Settings;

/// What to do with the schema.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Apply what is missing.
    Up,
    /// Show what is applied.
    Status,
}

pub(crate) async fn run(settings: &Settings, command: Command) -> Result<ExitCode> {
    if let Command::Up = command {
        Store::open(&settings.store, &settings.data_dir).await?.close().await;
    }
    for (name, applied) in Store::migrations(&settings.store, &settings.data_dir).await? {
        println!("{name}  {}", if applied { "applied" } else { "pending" });
    }
    Ok(ExitCode::SUCCESS)
}
