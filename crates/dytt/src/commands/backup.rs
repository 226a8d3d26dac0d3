//! `dytt backup`: everything there is, in one folder.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::backup::{Manifest, make, unless_stopped};
use crate::config::Settings;
use crate::wiring::{attach_store, open_blobs};

/// Where to.
#[derive(Args)]
pub(crate) struct Arguments {
    /// A folder that is not there yet, or is empty.
    destination: PathBuf,
}

pub(crate) async fn run(settings: &Settings, Arguments { destination }: Arguments) -> Result<ExitCode> {
    let destination = std::path::absolute(destination)?;
    let store = attach_store(settings).await?;
    let blobs = open_blobs(settings).await?;
    let made = unless_stopped(make(&store, &blobs, &destination)).await;
    let manifest = made.with_context(|| format!("back up to {}", destination.display()))?;
    store.close().await;
    println!("{} holds {}", destination.display(), told(&manifest));
    Ok(ExitCode::SUCCESS)
}

/// How much a backup is.
pub(super) fn told(manifest: &Manifest) -> String {
    let Manifest { objects, object_bytes, .. } = manifest;
    format!("{} rows and {objects} objects of {object_bytes} bytes", manifest.rows())
}
