//! What only a folder has: links, free space, half-written files.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use object_store::local::LocalFileSystem;

use crate::config::setting;
use crate::{Error, Key};

/// The folder and how full it may become.
pub(crate) struct Folder {
    path: PathBuf,
    min_free_bytes: u64,
}

impl Folder {
    /// The folder, made if need be, and the store over it.
    pub(crate) fn open(path: PathBuf, min_free_bytes: u64) -> Result<(Self, LocalFileSystem), Error> {
        let made = std::fs::create_dir_all(&path);
        made.map_err(|error| setting(format!("blobs.url: {}: {error}", path.display())))?;
        let store = LocalFileSystem::new_with_prefix(&path)?.with_fsync(true);
        Ok((Self { path, min_free_bytes }, store))
    }

    /// Whether there is room for more.
    pub(crate) fn check_space(&self) -> Result<(), Error> {
        let stat = rustix::fs::statvfs(&self.path).map_err(std::io::Error::from)?;
        let (free, wanted) = (stat.f_bavail.saturating_mul(stat.f_frsize), self.min_free_bytes);
        if free < wanted { Err(Error::Full { free, wanted }) } else { Ok(()) }
    }

    /// Links or copies an object to a path that does not exist yet.
    pub(crate) async fn fetch(&self, key: &Key, path: &Path) -> Result<(), Error> {
        let object = self.path.join(key.as_str());
        match tokio::fs::hard_link(&object, path).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::NotFound),
            // Another file system, or one without links.
            Err(_) => Ok(tokio::fs::copy(&object, path).await.map(|_| ())?),
        }
    }

    /// Removes half-written files, last written before a moment; says how many.
    pub(crate) async fn sweep(&self, before: SystemTime) -> Result<usize, Error> {
        let mut removed = 0;
        let mut folders = vec![self.path.clone()];
        while let Some(folder) = folders.pop() {
            let mut entries = tokio::fs::read_dir(&folder).await?;
            while let Some(entry) = entries.next_entry().await? {
                if entry.file_type().await?.is_dir() {
                    folders.push(entry.path());
                } else if is_unfinished(&entry.file_name()) && remove_old(&entry.path(), before).await? {
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    /// Whether the folder is there.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        Ok(tokio::fs::metadata(&self.path).await.map(|_| ())?)
    }
}

/// Whether there was an old file to remove: an upload may finish and rename it meanwhile.
async fn remove_old(path: &Path, before: SystemTime) -> Result<bool, Error> {
    let removed = async {
        if tokio::fs::metadata(path).await?.modified()? >= before {
            return Ok(false);
        }
        tokio::fs::remove_file(path).await.map(|()| true)
    };
    match removed.await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        removed => Ok(removed?),
    }
}

/// The local store writes `name#1` and renames it; a key of ours never holds a `#`.
fn is_unfinished(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().contains(&b'#')
}
