//! `dytt fsck`: check everything that is stored.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use blobs::Blobs;
use clap::Args;
use services::{Fault, Fsck};
use store::Store;

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
    let fsck = of(settings, store.clone(), open_blobs(settings).await?);
    if arguments.repair {
        let mended = fsck.repair().await.context("repair")?;
        eprintln!("mended: {mended}");
    }
    let faults = fsck.check(arguments.deep).await.context("check")?;
    store.close().await;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&faults)?);
    } else {
        print(&faults);
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The check with these settings.
pub(super) fn of(settings: &Settings, store: Store, blobs: Blobs) -> Fsck {
    Fsck::new(store, blobs, Duration::from_secs(settings.blobs.orphan_ttl_seconds))
}

/// Tells an operator what is wrong, or that nothing is.
pub(super) fn print(faults: &[Fault]) {
    for fault in faults {
        println!("{} {}: {}", fault.place, fault.id, fault.problem);
    }
    println!("{}", if faults.is_empty() { "clean".into() } else { format!("faults: {}", faults.len()) });
}
