//! What only a folder has: open files, links, free space, half-written files.

mod reading;

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use object_store::local::LocalFileSystem;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

use crate::config::setting;
use crate::{Error, Key, Object};

pub(crate) use reading::{Readers, Reading};

/// The folder, how full it may become, and what its readers share.
pub(crate) struct Folder {
    path: PathBuf,
    min_free_bytes: u64,
    readers: Readers,
}

impl Folder {
    /// The folder, made if need be, and the store over it.
    pub(crate) fn open(path: PathBuf, min_free_bytes: u64) -> Result<(Self, LocalFileSystem), Error> {
        let made = std::fs::create_dir_all(&path);
        made.map_err(|error| setting(format!("blobs.url: {}: {error}", path.display())))?;
        let store = LocalFileSystem::new_with_prefix(&path)?.with_fsync(true);
        Ok((Self { path, min_free_bytes, readers: Readers::default() }, store))
    }

    /// Opens an object and learns its length.
    pub(crate) async fn object(&self, key: &Key) -> Result<Object, Error> {
        let path = self.path.join(key.as_str());
        let file = match open_known(&path) {
            Some(file) => file,
            None => tokio::fs::File::open(path).await.map_err(missing)?.into_std().await,
        };
        Object::of_file(self.readers.of(file).ok_or(Error::Busy)?)
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
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::NotFound),
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

/// Opens a file that the system remembers the way to, which needs no thread that may wait for the disk: half of
/// what a small object costs.
fn open_known(path: &Path) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED).ok().map(File::from)
}

fn missing(error: std::io::Error) -> Error {
    if error.kind() == ErrorKind::NotFound { Error::NotFound } else { error.into() }
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
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        removed => Ok(removed?),
    }
}

/// The local store writes `name#1` and renames it; a key of ours never holds a `#`.
fn is_unfinished(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().contains(&b'#')
}
