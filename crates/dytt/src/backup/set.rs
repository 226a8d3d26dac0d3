//! Reading a backup: whether this program understands it, whether it is whole, and what is in it.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use blobs::Key;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use store::{ExportedObject, ExportedRow, ROWS_AT_ONCE, Store};

use super::{FORMAT, MANIFEST, MANIFEST_HASH, Manifest, OBJECT_LIST, OBJECTS};

/// Faults that are told at once.
const FAULTS: usize = 1000;

/// A backup whose manifest is whole and understood.
#[derive(Clone)]
pub(crate) struct Set {
    folder: PathBuf,
    pub manifest: Manifest,
}

/// What every format has.
#[derive(Deserialize)]
struct Version {
    format: u32,
    dytt: String,
}

impl Set {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let read = |name: &str| match std::fs::read(folder.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("it is no whole backup: there is no {name} in it")
            }
            read => read.with_context(|| format!("read {name}")),
        };
        let (text, hash) = (read(MANIFEST)?, read(MANIFEST_HASH)?);
        let right = format!("{}  {MANIFEST}\n", domain::hex(&Sha256::digest(&text)));
        ensure!(hash == right.as_bytes(), "{MANIFEST} or {MANIFEST_HASH} was changed: they do not agree");
        let Version { format, dytt } =
            serde_json::from_slice(&text).with_context(|| format!("read {MANIFEST}"))?;
        ensure!(
            format == FORMAT,
            "dytt {dytt} wrote it in format {format} and this program reads format {FORMAT}; restore it with that one"
        );
        let manifest: Manifest = serde_json::from_slice(&text).with_context(|| format!("read {MANIFEST}"))?;
        let (schema, ours) = (&manifest.schema, Store::schema());
        ensure!(
            *schema == ours,
            "dytt {dytt} wrote it with the schema {schema} and this program has {ours}; restore it with that one, then \
             bring it to another by `dytt migrate up`"
        );
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// Reads everything once and gives what is wrong with it, at most [`FAULTS`] faults.
    pub(crate) fn check(&self) -> Result<Vec<String>> {
        let files =
            self.manifest.files.iter().map(|file| (file.path.clone(), file.bytes, file.sha256.as_str()));
        let mut faults: Vec<_> =
            files.filter_map(|(path, bytes, hash)| self.fault(path, bytes, hash)).collect();
        // A list that is damaged itself says nothing of what it lists.
        if !faults.iter().any(|fault| fault.starts_with(OBJECT_LIST)) {
            for object in self.objects()? {
                let object = object?;
                faults.extend(self.fault(format!("{OBJECTS}/{}", object.key), object.bytes, &object.sha256));
                if faults.len() == FAULTS {
                    break;
                }
            }
        }
        Ok(faults)
    }

    /// What is wrong with a file.
    fn fault(&self, path: String, bytes: u64, sha256: &str) -> Option<String> {
        match hashed(&self.folder.join(&path)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Some(format!("{path} is missing")),
            Err(error) => Some(format!("{path} cannot be read: {error}")),
            Ok((found, _)) if found != bytes => Some(format!("{path} has {found} bytes instead of {bytes}")),
            Ok((_, found)) if found != sha256 => Some(format!("{path} has other content than was backed up")),
            Ok(_) => None,
        }
    }

    /// The rows, table by table, some at a time.
    pub(crate) fn rows(
        &self,
    ) -> Result<impl Iterator<Item = domain::Result<(String, Vec<ExportedRow>)>> + use<>> {
        let files = self.manifest.row_files();
        let files = files.map(|(table, file)| Ok((table.to_owned(), lines(&self.folder, &file.path)?)));
        let files: Vec<_> = files.collect::<Result<_>>()?;
        Ok(files.into_iter().flat_map(|(table, mut lines)| {
            std::iter::from_fn(move || {
                let some = lines.by_ref().take(ROWS_AT_ONCE).collect::<Result<Vec<_>>>();
                let some = some.map(|rows| (table.clone(), rows)).map_err(domain::Error::internal);
                (!some.as_ref().is_ok_and(|(_, rows)| rows.is_empty())).then_some(some)
            })
        }))
    }

    /// The objects.
    pub(crate) fn objects(&self) -> Result<impl Iterator<Item = Result<ExportedObject>> + use<>> {
        objects(&self.folder)
    }

    /// Where an object's bytes are.
    pub(crate) fn object_path(&self, key: &Key) -> PathBuf {
        self.folder.join(OBJECTS).join(key.as_str())
    }
}

/// The objects listed in a folder that is, or becomes, a backup.
pub(super) fn objects(folder: &Path) -> Result<impl Iterator<Item = Result<ExportedObject>> + use<>> {
    lines(folder, OBJECT_LIST)
}

/// What each line of a file holds.
fn lines<T: serde::de::DeserializeOwned>(
    folder: &Path,
    path: &str,
) -> Result<impl Iterator<Item = Result<T>> + use<T>> {
    let path = path.to_owned();
    let file = File::open(folder.join(&path)).with_context(|| format!("open {path}"))?;
    let read = move |(number, line): (usize, std::io::Result<String>)| {
        let line = line.with_context(|| format!("read {path}"))?;
        serde_json::from_str(&line).with_context(|| format!("{path}, line {}", number + 1))
    };
    Ok(BufReader::new(file).lines().enumerate().map(read))
}

/// A file's length and hash.
fn hashed(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut hash, mut bytes, mut window) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        match file.read(&mut window)? {
            0 => return Ok((bytes, domain::hex(&hash.finalize()))),
            read => {
                hash.update(&window[..read]);
                bytes += read as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests;
