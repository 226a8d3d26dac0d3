//! Objects by key: bytes that were written whole, survive a power cut and never change. Which object
//! belongs to what is the store's to know, who may read it the gateway's.

mod key;
mod upload;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

pub use key::Key;
pub use upload::{Stored, Upload};

/// Bytes read at once when an object is streamed: large enough that a file system call is cheap beside
/// it, small enough for many readers.
const WINDOW: u64 = 512 * 1024;

/// Where the objects are.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `file:DIR`, relative to the data folder, or `s3://BUCKET?endpoint=…&region=…`.
    pub url: String,
    /// A file with the access key's name, relative to the data folder; empty for none.
    pub access_key_file: String,
    /// A file with the access key's secret, relative to the data folder; empty for none.
    pub secret_key_file: String,
    /// How a viewer gets the bytes.
    pub redirect: Redirect,
    /// The object store's address for viewers; empty when it is the one in `url`.
    pub public_endpoint: String,
    /// Uploads are refused when fewer bytes than this are free.
    pub min_free_bytes: u64,
    /// Seconds after which an object that belongs to nothing is removed.
    pub orphan_ttl_seconds: u64,
}

/// How an object's bytes reach a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Redirect {
    /// Through the gateway.
    Off,
    /// From the object store, by an address that is signed for a short time.
    Presigned,
    /// By the proxy in front, told with `X-Accel-Redirect`.
    XAccel,
}

/// What can go wrong with an object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address names no kind of object store this build knows.
    #[error("blobs.url must be `file:DIR`, not `{0}`")]
    Url(String),
    /// There is no such object.
    #[error("no object under this key")]
    NotFound,
    /// Too little space is left to accept more.
    #[error("the object store is nearly full: {free} bytes free, {wanted} wanted")]
    Full {
        /// Bytes free now.
        free: u64,
        /// The configured minimum.
        wanted: u64,
    },
    /// The object store failed.
    #[error("the object store failed")]
    Store(#[source] object_store::Error),
    /// A local file failed.
    #[error("a local file failed")]
    File(#[from] std::io::Error),
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        if matches!(error, object_store::Error::NotFound { .. }) {
            Self::NotFound
        } else {
            Self::Store(error)
        }
    }
}

/// An object's key, length and age.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Where it lies.
    pub key: String,
    /// Its length.
    pub bytes: u64,
    /// When it was finished.
    pub modified: SystemTime,
}

/// A handle on the object store; clones share it.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<LocalFileSystem>,
    space: Space,
}

/// The folder and how full it may become.
#[derive(Clone)]
struct Space {
    folder: PathBuf,
    min_free_bytes: u64,
}

impl Space {
    fn check(&self) -> Result<(), Error> {
        let stat = rustix::fs::statvfs(&self.folder).map_err(std::io::Error::from)?;
        let (free, wanted) = (stat.f_bavail.saturating_mul(stat.f_frsize), self.min_free_bytes);
        if free < wanted { Err(Error::Full { free, wanted }) } else { Ok(()) }
    }
}

impl Blobs {
    /// Opens the store, creating its folder.
    ///
    /// # Errors
    /// [`Error::Url`], or what the file system said.
    pub fn open(config: &Config, data_dir: &Path) -> Result<Self, Error> {
        let Some(folder) = config.url.strip_prefix("file:").filter(|folder| !folder.is_empty()) else {
            return Err(Error::Url(config.url.clone()));
        };
        let folder = data_dir.join(folder);
        std::fs::create_dir_all(&folder)?;
        let store = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), space: Space { folder, min_free_bytes: config.min_free_bytes } })
    }

    /// Begins an object; it exists only once [`Upload::finish`] returned.
    ///
    /// # Errors
    /// [`Error::Full`] below the configured minimum of free space, or what the store said.
    pub async fn upload(&self, key: &Key) -> Result<Upload, Error> {
        self.space.check()?;
        Ok(Upload::new(key, self.store.put_multipart(&key.path()).await?, self.space.clone()))
    }

    /// Stores a finished local file under a key.
    ///
    /// # Errors
    /// As [`Blobs::upload`].
    pub async fn store_file(&self, path: &Path, key: &Key) -> Result<Stored, Error> {
        let mut file = tokio::fs::File::open(path).await?;
        let mut upload = self.upload(key).await?;
        loop {
            let mut window = bytes::BytesMut::with_capacity(usize::try_from(WINDOW).unwrap_or(usize::MAX));
            if file.read_buf(&mut window).await? == 0 {
                return upload.finish().await;
            }
            upload.write(window.freeze()).await?;
        }
    }

    /// Makes an object readable at a local path that does not exist yet; nobody may write to it there.
    ///
    /// # Errors
    /// [`Error::NotFound`], or what the file system said.
    pub async fn fetch(&self, key: &Key, path: &Path) -> Result<(), Error> {
        let object = self.space.folder.join(key.as_str());
        match tokio::fs::hard_link(&object, path).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::NotFound),
            // Another file system, or one without links.
            Err(_) => Ok(tokio::fs::copy(&object, path).await.map(|_| ())?),
        }
    }

    /// An object's length and age.
    ///
    /// # Errors
    /// [`Error::NotFound`], or what the store said.
    pub async fn meta(&self, key: &Key) -> Result<Meta, Error> {
        Ok(meta(self.store.head(&key.path()).await?))
    }

    /// Streams a part of an object without holding more than a window of it.
    pub fn read(&self, key: &Key, range: Range<u64>) -> BoxStream<'static, Result<Bytes, Error>> {
        let (store, path) = (Arc::clone(&self.store), key.path());
        stream::try_unfold(range, move |rest| {
            let (store, path) = (Arc::clone(&store), path.clone());
            async move {
                if rest.is_empty() {
                    return Ok(None);
                }
                let end = rest.end.min(rest.start + WINDOW);
                let bytes = store.get_range(&path, rest.start..end).await?;
                Ok(Some((bytes, end..rest.end)))
            }
        })
        .boxed()
    }

    /// The SHA-256 of an object's content, read once through.
    ///
    /// # Errors
    /// [`Error::NotFound`], or what the store said.
    pub async fn sha256(&self, key: &Key) -> Result<Vec<u8>, Error> {
        let bytes = self.meta(key).await?.bytes;
        let hash = self.read(key, 0..bytes).try_fold(Sha256::new(), |mut hash, window| async move {
            hash.update(&window);
            Ok(hash)
        });
        Ok(hash.await?.finalize().to_vec())
    }

    /// Deletes an object; one that is gone already is a success.
    ///
    /// # Errors
    /// What the store said.
    pub async fn delete(&self, key: &Key) -> Result<(), Error> {
        match self.store.delete(&key.path()).await.map_err(Error::from) {
            Err(Error::NotFound) => Ok(()),
            done => done,
        }
    }

    /// All finished objects, in no order.
    pub fn list(&self) -> BoxStream<'static, Result<Meta, Error>> {
        self.store.list(None).map_ok(meta).map_err(Error::from).boxed()
    }

    /// Removes what cut-off uploads have left, last written before a moment; says how many.
    ///
    /// # Errors
    /// What the file system said.
    pub async fn sweep_unfinished(&self, before: SystemTime) -> Result<usize, Error> {
        let mut removed = 0;
        let mut folders = vec![self.space.folder.clone()];
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

    /// Whether the store can be used: its folder is there.
    ///
    /// # Errors
    /// What the file system said.
    pub async fn check(&self) -> Result<(), Error> {
        Ok(tokio::fs::metadata(&self.space.folder).await.map(|_| ())?)
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

fn meta(object: object_store::ObjectMeta) -> Meta {
    Meta { key: object.location.to_string(), bytes: object.size, modified: object.last_modified.into() }
}

#[cfg(test)]
mod tests;
