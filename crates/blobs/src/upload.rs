//! An object on its way in: bounded memory at any size, hashed as it goes, nothing left when it is cut.

use std::mem;

use bytes::{Bytes, BytesMut};
use object_store::{MultipartUpload, ObjectStoreExt};
use sha2::{Digest, Sha256};

use crate::{Blobs, Error, Key, Kind, QUICK, SLOW};

/// Bytes gathered before they are written to a folder.
const FOLDER_PART: usize = 512 * 1024;
/// The same for a bucket: the least that S3 takes. One part is gathered, then sent: an upload never holds
/// more, and with the 10,000 parts of S3 reaches 48 GiB.
const BUCKET_PART: usize = 5 * 1024 * 1024;

/// What was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Where it lies.
    pub key: Key,
    /// Its length.
    pub bytes: u64,
    /// The SHA-256 of its content.
    pub sha256: Vec<u8>,
}

/// An unfinished object. Dropping it removes what was written; from a bucket in the background.
pub struct Upload {
    key: Key,
    blobs: Blobs,
    /// None before a bucket got its first part: what fits into one part is put at once.
    parts: Option<Box<dyn MultipartUpload>>,
    /// Whether the object may exist already.
    finishing: bool,
    /// The start of a part. A copy, so that whoever reads the socket gets its buffers back.
    waiting: BytesMut,
    bytes: u64,
    hash: Sha256,
}

impl Upload {
    pub(crate) async fn begin(blobs: Blobs, key: &Key) -> Result<Self, Error> {
        let parts = match &blobs.kind {
            Kind::Folder(folder) => {
                folder.check_space()?;
                Some(blobs.store.put_multipart(&key.path()).await?)
            }
            Kind::Bucket(_) => None,
        };
        Ok(Self {
            key: key.clone(),
            blobs,
            parts,
            finishing: false,
            waiting: BytesMut::new(),
            bytes: 0,
            hash: Sha256::new(),
        })
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds bytes; returns when the store has taken them or they are few enough to wait.
    ///
    /// # Errors
    /// What the store said; the upload is then of no more use.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), Error> {
        // Here and not on another thread: the bytes are still in the processor's cache, and few at a time.
        self.hash.update(&bytes);
        self.bytes += bytes.len() as u64;
        let part = match self.blobs.kind {
            Kind::Folder(_) => FOLDER_PART,
            Kind::Bucket(_) => BUCKET_PART,
        };
        if self.waiting.capacity() == 0 {
            // Only address space: memory comes as bytes do, so that many slow senders hold little.
            self.waiting.reserve(part);
        }
        // Parts of one length: some S3 servers take no others.
        while self.waiting.len() + bytes.len() >= part {
            let head = bytes.split_to(part - self.waiting.len());
            self.waiting.extend_from_slice(&head);
            self.flush().await?;
        }
        self.waiting.extend_from_slice(&bytes);
        Ok(())
    }

    /// Makes the object exist, durably and whole.
    ///
    /// # Errors
    /// What the store said; the object then does not exist, or is removed should it come to exist.
    pub async fn finish(mut self) -> Result<Stored, Error> {
        if self.parts.is_some() && (!self.waiting.is_empty() || self.bytes == 0) {
            self.flush().await?;
        }
        self.finishing = true;
        match &mut self.parts {
            Some(parts) => drop(self.blobs.within(SLOW, parts.complete()).await?),
            None => self.put().await?,
        }
        self.finishing = false;
        self.parts = None;
        let sha256 = mem::take(&mut self.hash).finalize().to_vec();
        Ok(Stored { key: self.key.clone(), bytes: self.bytes, sha256 })
    }

    /// Gives the object up and removes what was written.
    ///
    /// # Errors
    /// What the store said; it is then tried again in the background, and last by the sweep.
    pub async fn abort(mut self) -> Result<(), Error> {
        if let Some(parts) = &mut self.parts {
            self.blobs.within(QUICK, parts.abort()).await?;
        }
        self.parts = None;
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let path = self.key.path();
        let _lane = match &self.blobs.kind {
            Kind::Folder(folder) => {
                // Many uploads that each began with room enough could fill the disk together.
                folder.check_space()?;
                None
            }
            Kind::Bucket(bucket) => Some(bucket.lane().await?),
        };
        let parts = match &mut self.parts {
            Some(parts) => parts,
            none => none.insert(self.blobs.within(QUICK, self.blobs.store.put_multipart(&path)).await?),
        };
        let part = mem::take(&mut self.waiting).freeze();
        self.blobs.within(SLOW, parts.put_part(part.clone().into())).await?;
        // The store is done with it: its memory takes the next part.
        self.waiting = part.try_into_mut().unwrap_or_default();
        self.waiting.clear();
        Ok(())
    }

    /// Puts what fits into one part.
    async fn put(&mut self) -> Result<(), Error> {
        let _lane = match &self.blobs.kind {
            Kind::Folder(_) => None,
            Kind::Bucket(bucket) => Some(bucket.lane().await?),
        };
        let whole = mem::take(&mut self.waiting).freeze();
        self.blobs.within(SLOW, self.blobs.store.put(&self.key.path(), whole.into())).await.map(|_| ())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // A folder's parts remove themselves.
        let Kind::Bucket(bucket) = &self.blobs.kind else { return };
        let parts = self.parts.take();
        if parts.is_some() || self.finishing {
            bucket.take_back(parts, self.finishing.then_some(&self.key));
        }
    }
}
