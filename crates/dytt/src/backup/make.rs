//! Making a backup of a platform that may be running: rows of one moment, then the objects they name.

use std::collections::{BTreeMap, HashSet};
use std::fs::{File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use blobs::{Blobs, Key};
use domain::Timestamp;
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};
use store::{Exported, ExportedObject, Store};
use tokio::io::AsyncWriteExt;

use super::{
    AT_ONCE, FORMAT, Lines, Manifest, OBJECT_LIST, OBJECTS, create, create_folder, rows_path, seal, set,
};

/// How often the rows are read. A reading makes it necessary to read again when an object it names was replaced or
/// deleted before it was copied; the next one has only what is new to copy, so that is soon over.
const READINGS: usize = 10;
/// Where the objects of the reading before wait for being needed again.
const BEFORE: &str = "objects.before";

/// Makes a backup in a folder that is not there yet or empty; until it is whole it lies beside that, and whatever goes
/// wrong is taken away.
pub(crate) async fn make(store: &Store, blobs: &Blobs, destination: &Path) -> Result<Manifest> {
    let (parent, name) = destination.parent().zip(destination.file_name()).context("has no name")?;
    refuse_used(destination)?;
    let half = tempfile::Builder::new()
        .prefix(&format!(".{}.", name.display()))
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
        .with_context(|| format!("create a folder in {}, which must be there", parent.display()))?;
    let manifest = fill(store, blobs, half.path()).await?;
    // Once for all of it, not once a file.
    rustix::fs::syncfs(File::open(half.path())?).context("sync")?;
    std::fs::rename(half.path(), destination)
        .with_context(|| format!("move the whole backup to {}", destination.display()))?;
    let _moved = half.keep();
    File::open(parent)?.sync_all().with_context(|| format!("sync {}", parent.display()))?;
    Ok(manifest)
}

fn refuse_used(destination: &Path) -> Result<()> {
    match std::fs::read_dir(destination) {
        Ok(mut entries) => {
            ensure!(entries.next().is_none(), "is not empty; name a folder that is not there yet")
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).context("look whether it is empty"),
    }
    Ok(())
}

async fn fill(store: &Store, blobs: &Blobs, folder: &Path) -> Result<Manifest> {
    let mut lacking = HashSet::new();
    for _ in 0..READINGS {
        let manifest = read_rows(store, folder).await?;
        let gone = copy_objects(blobs, folder).await?;
        if gone.is_empty() {
            seal(folder, &manifest)?;
            return Ok(manifest);
        }
        // What two readings name one after the other was not deleted in between.
        if let Some(key) = gone.intersection(&lacking).next() {
            bail!("object {key} is missing; `dytt fsck` tells what needs it, and what else is missing");
        }
        lacking = gone;
    }
    bail!("objects were deleted faster than they could be copied; try again at a quieter time")
}

/// Reads all rows, and lists the objects they need.
async fn read_rows(store: &Store, folder: &Path) -> Result<Manifest> {
    for old in ["rows", OBJECT_LIST] {
        remove(&folder.join(old))?;
    }
    let mut manifest = Manifest {
        format: FORMAT,
        dytt: env!("CARGO_PKG_VERSION").to_owned(),
        schema: Store::schema(),
        created_at_ms: Timestamp::now().millis(),
        tables: BTreeMap::new(),
        files: Vec::new(),
        objects: 0,
        object_bytes: 0,
    };
    let mut list = Lines::create(folder, OBJECT_LIST.to_owned())?;
    let mut rows: Option<Lines> = None;
    let mut parts = store.export();
    while let Some(part) = parts.try_next().await.context("read the database")? {
        match part {
            Exported::Table(table, columns) => {
                let last = rows.replace(Lines::create(folder, rows_path(table))?);
                manifest.files.extend(last.map(Lines::finish).transpose()?);
                manifest.tables.insert(table.to_owned(), columns);
            }
            Exported::Rows(some) => {
                let rows = rows.as_mut().context("rows of no table")?;
                some.iter().try_for_each(|row| rows.add(row))?;
            }
            Exported::Objects(some) => {
                for object in &some {
                    manifest.object_bytes += object.bytes;
                    list.add(object)?;
                }
            }
        }
    }
    manifest.files.extend(rows.map(Lines::finish).transpose()?);
    let list = list.finish()?;
    manifest.objects = list.lines;
    manifest.files.push(list);
    Ok(manifest)
}

/// Copies the listed objects that are not there from the reading before, and removes those that no longer count;
/// gives the keys of what does not exist.
async fn copy_objects(blobs: &Blobs, folder: &Path) -> Result<HashSet<String>> {
    let (now, before) = (folder.join(OBJECTS), folder.join(BEFORE));
    if now.exists() {
        std::fs::rename(&now, &before)?;
    }
    create_folder(&now)?;
    let copied = stream::iter(set::objects(folder)?).map(async |object| {
        let object = object?;
        let copied = copy(blobs, folder, &object).await;
        let is_there = copied.with_context(|| format!("copy object {}", object.key))?;
        Ok::<_, anyhow::Error>((!is_there).then_some(object.key))
    });
    let gone = copied.buffer_unordered(AT_ONCE).try_filter_map(async |gone| Ok(gone)).try_collect().await?;
    remove(&before)?;
    Ok(gone)
}

/// Copies an object, unless that was done before; false when it does not exist.
async fn copy(blobs: &Blobs, folder: &Path, object: &ExportedObject) -> Result<bool> {
    let key = Key::parse(&object.key).context("has a key that is not one of ours")?;
    let path = folder.join(OBJECTS).join(key.as_str());
    let mut file = tokio::fs::File::from_std(create(&path)?);
    if std::fs::rename(folder.join(BEFORE).join(key.as_str()), &path).is_ok() {
        return Ok(true);
    }
    let mut hash = Sha256::new();
    let read = async {
        let found = blobs.object(&key).await?;
        let mut windows = found.read(0..found.bytes());
        while let Some(window) = windows.try_next().await? {
            hash.update(&window);
            file.write_all(&window).await?;
        }
        file.flush().await?;
        Ok(())
    };
    match read.await {
        Err(blobs::Error::NotFound) => {
            std::fs::remove_file(&path)?;
            return Ok(false);
        }
        read => read?,
    }
    let right = domain::hex(&hash.finalize()) == object.sha256;
    ensure!(right, "it has other content than was stored; `dytt fsck --deep` finds all such objects");
    Ok(true)
}

/// Removes a file or a folder, if there is one.
fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
