//! `dytt fsck`: check everything that is stored.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use services::Fsck;

use crate::config::Settings;
use crate::folder::DataFolder;
use crate::wiring::{attach_store, open_blobs};

/// How to check.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Also read every object and compare its hash.
    #[arg(long)]
    deep: bool,
    /// Print the faults as JSON.
    #[arg(long)]
    json: bool,
    /// Mend counters and remove orphaned objects; the platform must not be running.
    #[arg(long)]
    repair: bool,
}

pub(crate) async fn run(settings: &Settings, arguments: Arguments) -> Result<ExitCode> {
    let _alone = if arguments.repair { Some(DataFolder::take(&settings.data_dir)?) } else { None };
    let store = attach_store(settings).await?;
    let ttl = Duration::from_secs(settings.blobs.orphan_ttl_seconds);
    let fsck = Fsck::new(store.clone(), open_blobs(settings).await?, ttl);
    if arguments.repair {
        let mended = fsck.repair().await.context("repair")?;
        eprintln!("mended: {mended}");
    }
    let faults = fsck.check(arguments.deep).await.context("check")?;
    store.close().await;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&faults)?);
    } else {
        for fault in &faults {
            println!("{} {}: {}", fault.place, fault.id, fault.problem);
        }
        println!("{}", if faults.is_empty() { "clean".into() } else { format!("faults: {}", faults.len()) });
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
