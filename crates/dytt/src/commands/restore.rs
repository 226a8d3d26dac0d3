//! `dytt restore`: an empty platform filled from a backup, or left empty.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use blobs::{Blobs, Key};
use clap::Args;
use futures_util::{StreamExt, TryStreamExt, stream};
use store::{ExportedObject, OpenError, Store};

use super::backup::told;
use super::fsck;
use crate::backup::{AT_ONCE, Set, unless_stopped};
use crate::config::Settings;
use crate::folder::DataFolder;
use crate::wiring::{attach_store, open_blobs};

/// From where, and how.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder that `dytt backup` made.
    backup: PathBuf,
    /// Afterwards, check everything as `dytt fsck --deep` does.
    #[arg(long)]
    verify: bool,
    /// Only read the backup through and tell what is wrong with it.
    #[arg(long, conflicts_with = "verify")]
    check_only: bool,
}

pub(crate) async fn run(settings: &Settings, arguments: Arguments) -> Result<ExitCode> {
    let from = &arguments.backup;
    let set = Set::open(from).with_context(|| format!("read backup {}", from.display()))?;
    if arguments.check_only {
        let whole = is_whole(&set, from).await?;
        println!("{} holds {}", from.display(), told(&set.manifest));
        return Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let is_new = !settings.data_dir.exists();
    let filled = fill(settings, &set, from).await;
    if filled.is_err() && is_new {
        std::fs::remove_dir_all(&settings.data_dir).context("remove the data folder again")?;
    }
    let blobs = filled.with_context(|| format!("restore {}", from.display()))?;
    println!("restored {}", told(&set.manifest));
    if !arguments.verify {
        return Ok(ExitCode::SUCCESS);
    }
    let store = attach_store(settings).await?;
    let faults = fsck::of(settings, store.clone(), blobs).check(true).await.context("check")?;
    store.close().await;
    fsck::print(&faults);
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads the whole backup, and tells each fault.
async fn is_whole(set: &Set, from: &Path) -> Result<bool> {
    let set = set.clone();
    let checked = tokio::task::spawn_blocking(move || set.check()).await?;
    let faults = checked.with_context(|| format!("check {}", from.display()))?;
    for fault in &faults {
        eprintln!("{}: {fault}", from.display());
    }
    Ok(faults.is_empty())
}

/// Fills a platform that has nothing; one that could not be filled has nothing again.
async fn fill(settings: &Settings, set: &Set, from: &Path) -> Result<Blobs> {
    let _alone = DataFolder::take(&settings.data_dir)?;
    refuse_used(settings).await?;
    let blobs = open_blobs(settings).await?;
    if let Some(object) = blobs.list().try_next().await? {
        bail!(
            "blobs.url {} holds objects already, such as {}; name an empty place, or empty this one",
            settings.blobs.url,
            object.key
        );
    }
    let whole = unless_stopped(is_whole(set, from)).await?;
    ensure!(whole, "it is damaged, nothing was restored");
    // Objects before the rows that name them, as ever; the rows all at once, which no signal ends half way.
    let filled = match unless_stopped(store_objects(set, &blobs)).await {
        Ok(()) => load_rows(settings, set).await,
        Err(error) => Err(error),
    };
    if filled.is_err() {
        forget_objects(set, &blobs).await.context("remove the restored objects again")?;
    }
    filled.map(|()| blobs)
}

async fn refuse_used(settings: &Settings) -> Result<()> {
    match Store::migrations(&settings.store, &settings.data_dir).await {
        Err(OpenError::Missing) => return Ok(()),
        Ok(all) if all.iter().all(|(_, applied)| !applied) => return Ok(()),
        looked => drop(looked.context("store.url")?),
    }
    let store = attach_store(settings).await?;
    let is_used = store.is_used().await?;
    store.close().await;
    ensure!(
        !is_used,
        "store.url {} holds a platform already; restore into an empty database and data folder",
        settings.store.url
    );
    Ok(())
}

async fn store_objects(set: &Set, blobs: &Blobs) -> Result<()> {
    let stored = stream::iter(set.objects()?).map(async |object| {
        let ExportedObject { key, sha256, .. } = object?;
        let parsed =
            Key::parse(&key).with_context(|| format!("object {key} has a key that is not one of ours"))?;
        let stored = blobs.store_file(&set.object_path(&parsed), &parsed).await;
        let stored = stored.with_context(|| format!("store object {key}"))?;
        ensure!(domain::hex(&stored.sha256) == sha256, "object {key} was changed while it was read");
        Ok(())
    });
    stored.buffer_unordered(AT_ONCE).try_collect().await
}

async fn load_rows(settings: &Settings, set: &Set) -> Result<()> {
    let store = Store::open(&settings.store, &settings.data_dir).await.context("store.url")?;
    let loaded = store.import(set.rows()?).await.context("load the rows");
    store.close().await;
    loaded
}

async fn forget_objects(set: &Set, blobs: &Blobs) -> Result<()> {
    let forgotten = stream::iter(set.objects()?).map(async |object| match Key::parse(&object?.key) {
        Some(key) => Ok(blobs.delete(&key).await?),
        None => Ok::<_, anyhow::Error>(()),
    });
    forgotten.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    blobs.settle().await;
    Ok(())
}
