//! A finished object on its way out.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};

use crate::folder::Reading;
use crate::{Blobs, Error, Key, WINDOW};

/// An object that was there when it was asked for.
pub struct Object {
    bytes: u64,
    source: Source,
}

enum Source {
    File(Arc<Reading>),
    Bucket(Blobs, Key),
}

impl Object {
    pub(crate) fn of_file(reading: Reading) -> Result<Self, Error> {
        let bytes = reading.file.metadata()?.len();
        Ok(Self { bytes, source: Source::File(Arc::new(reading)) })
    }

    pub(crate) const fn of_bucket(blobs: Blobs, key: Key, bytes: u64) -> Self {
        Self { bytes, source: Source::Bucket(blobs, key) }
    }

    /// Its length.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Streams a part of it without holding more than a window of that.
    pub fn read(&self, range: Range<u64>) -> BoxStream<'static, Result<Bytes, Error>> {
        match &self.source {
            Source::File(reading) => Arc::clone(reading).windows(range).map_err(Error::from).boxed(),
            Source::Bucket(blobs, key) => blobs.windows(key, range, WINDOW),
        }
    }
}
