//! An object on its way in: bounded memory at any size, hashed as it goes, nothing left when it is cut.

use bytes::Bytes;
use object_store::{MultipartUpload, PutPayload};
use sha2::{Digest, Sha256};

use crate::{Error, Key, Space};

/// Bytes gathered, as the pieces they came in, before they are written.
const PART: usize = 1024 * 1024;

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

/// An unfinished object. Dropping it removes what was written.
pub struct Upload {
    key: Key,
    parts: Box<dyn MultipartUpload>,
    space: Space,
    waiting: Vec<Bytes>,
    waiting_bytes: usize,
    bytes: u64,
    hash: Sha256,
}

impl Upload {
    pub(crate) fn new(key: &Key, parts: Box<dyn MultipartUpload>, space: Space) -> Self {
        Self {
            key: key.clone(),
            parts,
            space,
            waiting: Vec::new(),
            waiting_bytes: 0,
            bytes: 0,
            hash: Sha256::new(),
        }
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
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.hash.update(&bytes);
        self.bytes += bytes.len() as u64;
        self.waiting_bytes += bytes.len();
        self.waiting.push(bytes);
        if self.waiting_bytes >= PART {
            self.flush().await?;
        }
        Ok(())
    }

    /// Makes the object exist, durably and whole.
    ///
    /// # Errors
    /// What the store said; the object then does not exist.
    pub async fn finish(mut self) -> Result<Stored, Error> {
        if self.waiting_bytes > 0 || self.bytes == 0 {
            self.flush().await?;
        }
        self.parts.complete().await?;
        Ok(Stored { key: self.key, bytes: self.bytes, sha256: self.hash.finalize().to_vec() })
    }

    async fn flush(&mut self) -> Result<(), Error> {
        // Many uploads that each began with room enough could fill the disk together.
        self.space.check()?;
        self.waiting_bytes = 0;
        let part: PutPayload = self.waiting.drain(..).collect();
        Ok(self.parts.put_part(part).await?)
    }

    /// Gives the object up and removes what was written.
    ///
    /// # Errors
    /// What the store said; the rest is then removed by the sweep.
    pub async fn abort(mut self) -> Result<(), Error> {
        Ok(self.parts.abort().await?)
    }
}
