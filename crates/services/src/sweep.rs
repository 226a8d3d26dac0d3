//! The reconciler: removes objects that belong to nothing, which crashes and lost answers leave behind.

use std::time::{Duration, SystemTime};

use blobs::{Blobs, Key};
use domain::Result;
use futures_util::TryStreamExt;
use store::Store;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::blob_failed;

/// Keys asked of the database at once.
const CHUNK: usize = 500;

/// Objects against rows.
#[derive(Clone)]
pub struct Sweep {
    /// What is needed.
    pub store: Store,
    /// What is there.
    pub blobs: Blobs,
    /// How old an object without a row must be; younger ones may be on their way in.
    pub orphan_ttl: Duration,
}

impl Sweep {
    /// Sweeps now what is older than `before`, which nobody can be working on any more; then, every quarter of
    /// the orphans' time to live, what has outlived it, until `stop`.
    pub async fn run(self, mut before: SystemTime, stop: CancellationToken) {
        loop {
            match self.once(before).await {
                Ok(0) => {}
                Ok(removed) => info!(removed, "orphaned objects removed"),
                Err(error) => warn!(error = %error.chain(), "the sweep did not finish"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.orphan_ttl / 4) => {}
            }
            before = SystemTime::now() - self.orphan_ttl;
        }
    }

    /// Removes every orphan last written before a moment; says how many.
    ///
    /// # Errors
    /// What the object store or the database said; what was removed until then stays removed.
    pub async fn once(&self, before: SystemTime) -> Result<usize> {
        let mut removed = self.blobs.sweep_unfinished(before).await.map_err(blob_failed)?;
        for key in self.orphans(before).await? {
            // The list took its time: a job may have stored and recorded the same key since.
            let Some(parsed) = Key::parse(&key) else { continue };
            let Ok(meta) = self.blobs.meta(&parsed).await else { continue };
            if meta.modified < before
                && self.store.known_objects(std::slice::from_ref(&key)).await?.is_empty()
            {
                self.blobs.delete(&parsed).await.map_err(blob_failed)?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// Objects last written before a moment that no row names.
    ///
    /// # Errors
    /// What the object store or the database said.
    pub(crate) async fn orphans(&self, before: SystemTime) -> Result<Vec<String>> {
        let old = |meta: &blobs::Meta| meta.modified < before;
        let mut orphans = Vec::new();
        let mut chunks = std::pin::pin!(self.blobs.list().try_chunks(CHUNK));
        while let Some(chunk) = chunks.try_next().await.map_err(|error| blob_failed(error.1))? {
            let keys: Vec<String> = chunk.into_iter().filter(old).map(|meta| meta.key).collect();
            if keys.is_empty() {
                continue;
            }
            let known = self.store.known_objects(&keys).await?;
            orphans.extend(keys.into_iter().filter(|key| !known.contains(key)));
        }
        Ok(orphans)
    }
}
