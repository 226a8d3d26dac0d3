//! The data folder: one platform at a time, and where that one can be reached.

use std::fs::{File, OpenOptions, TryLockError};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// Where a running platform can be reached; `serve.json` holds it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    pub pid: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub http: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rpc: Option<SocketAddr>,
    pub admin: SocketAddr,
}

/// The folder, held by this process alone until it is dropped.
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Takes the folder, creating it readable by its owner alone, and clears what a crash left in `tmp/`.
    ///
    /// # Errors
    /// When another process has it, or what the system said.
    pub(crate) fn take(path: &Path) -> Result<Self> {
        let create = || std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        create().with_context(|| format!("create data_dir {}", path.display()))?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock"));
        let lock = lock.with_context(|| format!("open the lock of data_dir {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "data_dir {} is in use by another dytt; stop that one or choose another",
                    path.display()
                )
            }
            Err(TryLockError::Error(error)) => return Err(error).context("lock data_dir"),
        }
        let tmp = path.join("tmp");
        if tmp.exists() {
            std::fs::remove_dir_all(&tmp).context("clear tmp/ in data_dir")?;
        }
        std::fs::create_dir(&tmp).context("create tmp/ in data_dir")?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Files that live as long as one request or job.
    pub(crate) fn tmp(&self) -> PathBuf {
        self.path.join("tmp")
    }

    /// Tells other commands where the platform is.
    pub(crate) fn announce(&self, running: &Running) -> Result<()> {
        let (file, half) = (self.path.join("serve.json"), self.path.join("serve.json.new"));
        std::fs::write(&half, serde_json::to_vec(running)?).context("write serve.json")?;
        std::fs::rename(&half, &file).context("write serve.json")
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        let _absent = std::fs::remove_file(self.path.join("serve.json"));
    }
}

/// The platform that serves a folder, if one does.
pub(crate) fn running(path: &Path) -> Option<Running> {
    let running: Running = serde_json::from_slice(&std::fs::read(path.join("serve.json")).ok()?).ok()?;
    let lock = File::open(path.join("lock")).ok()?;
    // A crash leaves the file behind, but never the lock.
    matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)).then_some(running)
}
