//! Objects by key, in a folder or in a bucket: bytes that were written whole, survive a power cut and never
//! change. Which object belongs to what is the store's to know, who may read it the gateway's.

mod bucket;
mod config;
mod error;
mod folder;
mod key;
mod object;
mod upload;

use std::future::Future;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub use config::{Config, Redirect};
pub use error::Error;
pub use key::Key;
pub use object::Object;
pub use upload::{Stored, Upload};

use bucket::Bucket;
use config::Place;
use folder::Folder;

/// Bytes asked a bucket for at once when an object is streamed: large enough that a request is cheap beside
/// it, small enough for many readers. Each reader holds at most one window.
const WINDOW: u64 = 512 * 1024;
/// Bytes read at once when a whole object is copied.
const COPY_WINDOW: u64 = 4 * 1024 * 1024;

/// Time a bucket has to answer what moves few bytes, tries included.
const QUICK: Duration = Duration::from_secs(3);
/// Time a bucket has for what moves a window or a part, tries included.
const SLOW: Duration = Duration::from_secs(10);
/// Time a bucket has to show that it is alive.
const LIVE: Duration = Duration::from_millis(1500);
/// How long an address for viewers is valid.
pub const SIGNED_FOR: Duration = Duration::from_secs(600);

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

/// How a viewer gets an object's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// From [`Blobs::object`].
    Read,
    /// From this address, for [`SIGNED_FOR`].
    Address(String),
    /// From the proxy in front, which finds it at this path and query of the object store or folder.
    Proxy(String),
}

/// A handle on the object store; clones share it.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    kind: Kind,
    redirect: Redirect,
}

/// What the two kinds of store do not share.
#[derive(Clone)]
enum Kind {
    Folder(Arc<Folder>),
    Bucket(Arc<Bucket>),
}

impl Blobs {
    /// Opens the store, making its folder or bucket. A bucket is listed, written to and cleaned to see that
    /// it can be.
    ///
    /// # Errors
    /// [`Error::Setting`] in one line for what an operator has to change, or what the file system said.
    pub async fn open(config: &Config, data_dir: &Path) -> Result<Self, Error> {
        config.check()?;
        let redirect = config.redirect;
        match config.place()? {
            Place::Folder(path) => {
                let (folder, store) = Folder::open(data_dir.join(path), config.min_free_bytes)?;
                Ok(Self { store: Arc::new(store), kind: Kind::Folder(Arc::new(folder)), redirect })
            }
            Place::Bucket(address) => {
                let (bucket, store) = Bucket::open(config, address, data_dir).await?;
                Ok(Self { store: Arc::new(store), kind: Kind::Bucket(Arc::new(bucket)), redirect })
            }
        }
    }

    /// Whether other processes may be writing to the same store: what is there at a start can then be somebody
    /// else's work.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        matches!(self.kind, Kind::Bucket(_))
    }

    /// Begins an object; it exists only once [`Upload::finish`] returned.
    ///
    /// # Errors
    /// [`Error::Full`] below the configured minimum of free space, or what the store said.
    pub async fn upload(&self, key: &Key) -> Result<Upload, Error> {
        Upload::begin(self.clone(), key).await
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
    /// [`Error::NotFound`], or what the store or the file system said; nothing is then left at the path.
    pub async fn fetch(&self, key: &Key, path: &Path) -> Result<(), Error> {
        match &self.kind {
            Kind::Folder(folder) => folder.fetch(key, path).await,
            Kind::Bucket(_) => {
                let bytes = self.meta(key).await?.bytes;
                let copied = self.copy(key, bytes, path).await;
                if copied.is_err() {
                    // It is the first error that tells.
                    drop(tokio::fs::remove_file(path).await);
                }
                copied
            }
        }
    }

    /// Makes one object of others' contents, in their order; these stay.
    ///
    /// # Errors
    /// [`Error::NotFound`], or as [`Blobs::upload`].
    pub async fn join(&self, parts: &[Key], key: &Key) -> Result<Stored, Error> {
        let mut upload = self.upload(key).await?;
        for part in parts {
            let bytes = self.meta(part).await?.bytes;
            let mut windows = self.windows(part, 0..bytes, WINDOW);
            while let Some(window) = windows.try_next().await? {
                upload.write(window).await?;
            }
        }
        upload.finish().await
    }

    /// Puts an object under a second key.
    ///
    /// # Errors
    /// [`Error::NotFound`], or what the store said.
    pub async fn duplicate(&self, from: &Key, to: &Key) -> Result<(), Error> {
        self.within(SLOW, self.store.copy(&from.path(), &to.path())).await
    }

    /// Stores a text under a key.
    ///
    /// # Errors
    /// As [`Blobs::upload`].
    pub async fn store_text(&self, text: String, key: &Key) -> Result<Stored, Error> {
        let mut upload = self.upload(key).await?;
        upload.write(text.into()).await?;
        upload.finish().await
    }

    /// A short object's content as text.
    ///
    /// # Errors
    /// [`Error::NotFound`], or what the store said.
    pub async fn text(&self, key: &Key) -> Result<String, Error> {
        let bytes = self.within(SLOW, async { self.store.get(&key.path()).await?.bytes().await }).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn copy(&self, key: &Key, bytes: u64, path: &Path) -> Result<(), Error> {
        let mut file = tokio::fs::File::create_new(path).await?;
        let mut windows = self.windows(key, 0..bytes, COPY_WINDOW);
        while let Some(window) = windows.try_next().await? {
            file.write_all(&window).await?;
        }
        Ok(file.flush().await?)
    }

    /// An object's length and age.
    ///
    /// # Errors
    /// [`Error::NotFound`], or what the store said.
    pub async fn meta(&self, key: &Key) -> Result<Meta, Error> {
        Ok(meta(self.within(QUICK, self.store.head(&key.path())).await?))
    }

    /// A finished object, to be read.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Busy`], or what the store said.
    pub async fn object(&self, key: &Key) -> Result<Object, Error> {
        match &self.kind {
            Kind::Folder(folder) => folder.object(key).await,
            Kind::Bucket(_) => {
                let bytes = self.meta(key).await?.bytes;
                Ok(Object::of_bucket(self.clone(), key.clone(), bytes))
            }
        }
    }

    /// Each window is asked for when the last was taken: a slow reader holds no connection.
    pub(crate) fn windows(
        &self,
        key: &Key,
        range: Range<u64>,
        window: u64,
    ) -> BoxStream<'static, Result<Bytes, Error>> {
        let (blobs, path) = (self.clone(), key.path());
        stream::try_unfold(range, move |rest| {
            let (blobs, path) = (blobs.clone(), path.clone());
            async move {
                if rest.is_empty() {
                    return Ok(None);
                }
                let end = rest.end.min(rest.start + window);
                let bytes = blobs.within(SLOW, blobs.store.get_range(&path, rest.start..end)).await?;
                Ok(Some((bytes, end..rest.end)))
            }
        })
        .boxed()
    }

    /// How a viewer gets an object that anybody may see; whether it exists is not looked at.
    ///
    /// # Errors
    /// What signing said.
    pub async fn delivery(&self, key: &Key) -> Result<Delivery, Error> {
        match (self.redirect, &self.kind) {
            (Redirect::Off, _) | (Redirect::Presigned, Kind::Folder(_)) => Ok(Delivery::Read),
            (Redirect::Presigned, Kind::Bucket(bucket)) => {
                Ok(Delivery::Address(bucket.address_for_viewers(key).await?))
            }
            (Redirect::XAccel, Kind::Folder(_)) => Ok(Delivery::Proxy(format!("/{key}"))),
            (Redirect::XAccel, Kind::Bucket(bucket)) => {
                Ok(Delivery::Proxy(bucket.path_for_proxy(key).await?))
            }
        }
    }

    /// The object store's origin, such as `https://media.example.org`, when viewers get their bytes there.
    #[must_use]
    pub fn viewers_go_to(&self) -> Option<&str> {
        match (self.redirect, &self.kind) {
            (Redirect::Presigned, Kind::Bucket(bucket)) => Some(bucket.origin_for_viewers()),
            (Redirect::Presigned | Redirect::Off | Redirect::XAccel, _) => None,
        }
    }

    /// The SHA-256 of an object's content, read once through.
    ///
    /// # Errors
    /// [`Error::NotFound`], or what the store said.
    pub async fn sha256(&self, key: &Key) -> Result<Vec<u8>, Error> {
        let object = self.object(key).await?;
        let hash = object.read(0..object.bytes()).try_fold(Sha256::new(), |mut hash, window| async move {
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
        match self.within(QUICK, self.store.delete(&key.path())).await {
            Err(Error::NotFound) => Ok(()),
            done => done,
        }
    }

    /// All finished objects, in no order.
    pub fn list(&self) -> BoxStream<'static, Result<Meta, Error>> {
        let listed = (self.clone(), self.store.list(None));
        let next = |(blobs, mut objects): (Self, BoxStream<'static, object_store::Result<_>>)| async move {
            let found = blobs.within(SLOW, async { objects.next().await.transpose() }).await?;
            Ok(found.map(|object| (meta(object), (blobs, objects))))
        };
        stream::try_unfold(listed, next).boxed()
    }

    /// Removes what cut-off uploads have left, last written before a moment; says how many. A bucket sees a
    /// part only when it is whole: an upload that takes longer for one than the moment lies back is cut.
    ///
    /// # Errors
    /// What the store said.
    pub async fn sweep_unfinished(&self, before: SystemTime) -> Result<usize, Error> {
        match &self.kind {
            Kind::Folder(folder) => folder.sweep(before).await,
            Kind::Bucket(bucket) => bucket.sweep(before).await,
        }
    }

    /// Whether the store can be used, known within two seconds.
    ///
    /// # Errors
    /// What the file system or the store said.
    pub async fn check(&self) -> Result<(), Error> {
        match &self.kind {
            Kind::Folder(folder) => folder.check().await,
            Kind::Bucket(bucket) => bucket.check().await,
        }
    }

    /// Waits until what dropped uploads had sent to a bucket is taken back, or was tried for a minute.
    pub async fn settle(&self) {
        match &self.kind {
            Kind::Folder(_) => {}
            Kind::Bucket(bucket) => bucket.settle().await,
        }
    }

    /// A store's answer; a bucket's may not take longer than this. A folder's takes what the disk takes.
    async fn within<T>(
        &self,
        patience: Duration,
        work: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, Error> {
        match self.kind {
            Kind::Folder(_) => Ok(work.await?),
            Kind::Bucket(_) => {
                Ok(tokio::time::timeout(patience, work).await.map_err(|_| Error::Late(patience))??)
            }
        }
    }
}

fn meta(object: object_store::ObjectMeta) -> Meta {
    Meta { key: object.location.to_string(), bytes: object.size, modified: object.last_modified.into() }
}
