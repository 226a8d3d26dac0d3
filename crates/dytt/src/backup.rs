//! A backup: one folder with every row, every object and a list of both, which tells by itself whether it is whole.
//! `docs/backup.md` is for who reads one without this program. Which rows there are is the store's to know.

mod make;
mod set;

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::Columns;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) use make::make;
pub(crate) use set::Set;

/// The form described in `docs/backup.md`.
const FORMAT: u32 = 1;
/// What the set consists of; written last.
const MANIFEST: &str = "manifest.json";
/// The manifest's own hash, as `sha256sum` writes it.
const MANIFEST_HASH: &str = "manifest.sha256";
/// One object a line.
const OBJECT_LIST: &str = "objects.jsonl";
/// The folder of the objects.
const OBJECTS: &str = "objects";
/// Objects copied at once: enough for a bucket's answers to be waited for together.
pub(crate) const AT_ONCE: usize = 8;

/// What a backup consists of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// The version of the program.
    dytt: String,
    /// The version of its schema.
    schema: String,
    /// When the rows were read.
    created_at_ms: i64,
    /// Each table's columns and what they hold.
    tables: BTreeMap<String, Columns>,
    /// Every file but the objects, which have a list of their own; rows in the order in which they can be loaded.
    files: Vec<Listed>,
    /// How many objects there are, and their length together.
    pub objects: u64,
    pub object_bytes: u64,
}

/// A file of lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Listed {
    path: String,
    lines: u64,
    bytes: u64,
    sha256: String,
}

impl Manifest {
    /// How many rows there are.
    pub(crate) fn rows(&self) -> u64 {
        self.row_files().map(|(_, file)| file.lines).sum()
    }

    /// Each table with its file.
    fn row_files(&self) -> impl Iterator<Item = (&str, &Listed)> {
        self.files.iter().filter_map(|file| Some((table_of(&file.path)?, file)))
    }
}

fn rows_path(table: &str) -> String {
    format!("rows/{table}.jsonl")
}

/// The table whose rows a file holds; nothing for a path that is not one of ours.
fn table_of(path: &str) -> Option<&str> {
    let table = path.strip_prefix("rows/")?.strip_suffix(".jsonl")?;
    table.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_').then_some(table)
}

/// A file of lines that is being written. Few bytes at a time, into memory mostly: nobody else waits meanwhile.
struct Lines {
    file: BufWriter<File>,
    hash: Sha256,
    listed: Listed,
}

impl Lines {
    fn create(folder: &Path, path: String) -> Result<Self> {
        let file = BufWriter::new(create(&folder.join(&path))?);
        let listed = Listed { path, lines: 0, bytes: 0, sha256: String::new() };
        Ok(Self { file, hash: Sha256::new(), listed })
    }

    fn add(&mut self, line: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        self.hash.update(&line);
        self.listed.lines += 1;
        self.listed.bytes += line.len() as u64;
        self.file.write_all(&line).with_context(|| format!("write {}", self.listed.path))
    }

    fn finish(mut self) -> Result<Listed> {
        self.file.flush().with_context(|| format!("write {}", self.listed.path))?;
        self.listed.sha256 = domain::hex(&self.hash.finalize());
        Ok(self.listed)
    }
}

/// A folder that its owner alone can read, unless it is there.
fn create_folder(path: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("create {}", path.display()))
}

/// A new file that its owner alone can read, in folders of the same kind.
fn create(path: &Path) -> Result<File> {
    create_folder(path.parent().unwrap_or(path))?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.with_context(|| format!("create {}", path.display()))
}

/// Writes the manifest, after which the set is whole.
fn seal(folder: &Path, manifest: &Manifest) -> Result<()> {
    let mut text = serde_json::to_vec_pretty(manifest)?;
    text.push(b'\n');
    let hash = format!("{}  {MANIFEST}\n", domain::hex(&Sha256::digest(&text)));
    for (name, text) in [(MANIFEST, text), (MANIFEST_HASH, hash.into_bytes())] {
        create(&folder.join(name))?.write_all(&text).with_context(|| format!("write {name}"))?;
    }
    Ok(())
}

/// Work that a signal ends, so that what it has made so far is taken back.
pub(crate) async fn unless_stopped<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        done = work => done,
        _ = terminate.recv() => bail!("stopped by SIGTERM"),
        _ = interrupt.recv() => bail!("stopped by SIGINT"),
    }
}
