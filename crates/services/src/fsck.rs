//! The whole platform against itself: counters, references, objects, and on request their content.

use std::time::{Duration, SystemTime};

use blobs::{Blobs, Key};
use domain::Result;
use store::Store;

use crate::blob_failed;
use crate::sweep::Sweep;

/// One difference, in words an operator can act on.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// Table, counter or object.
    pub place: String,
    /// The row's number or the object's key.
    pub id: String,
    /// What is wrong.
    pub problem: String,
}

/// A check of everything that is stored.
pub struct Fsck {
    store: Store,
    blobs: Blobs,
    sweep: Sweep,
}

impl Fsck {
    /// A check that leaves objects younger than `orphan_ttl` alone: they may be on their way in.
    #[must_use]
    pub fn new(store: Store, blobs: Blobs, orphan_ttl: Duration) -> Self {
        let sweep = Sweep { store: store.clone(), blobs: blobs.clone(), orphan_ttl };
        Self { store, blobs, sweep }
    }

    /// Every fault found; `deep` also reads each object and compares its hash.
    ///
    /// # Errors
    /// What the database or the object store said when it could not be read at all.
    pub async fn check(&self, deep: bool) -> Result<Vec<Fault>> {
        let findings = self.store.check().await?;
        let mut faults: Vec<Fault> = findings
            .into_iter()
            .map(|found| Fault { place: found.place, id: found.id.to_string(), problem: found.problem })
            .collect();
        let mut after = String::new();
        loop {
            let page = self.store.objects(&after).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.key);
            for row in &page {
                let Some(problem) = self.object_problem(row, deep).await? else { continue };
                // On a running platform a job may have replaced it meanwhile.
                if self.store.known_objects(std::slice::from_ref(&row.key)).await?.contains(&row.key) {
                    faults.push(Fault { place: "object".into(), id: row.key.clone(), problem });
                }
            }
        }
        for key in self.sweep.orphans(self.old()).await? {
            faults.push(Fault { place: "object".into(), id: key, problem: "belongs to no video".into() });
        }
        Ok(faults)
    }

    /// Mends what can be mended without losing anything: counters and orphans. Says how much.
    ///
    /// # Errors
    /// What the database or the object store said.
    pub async fn repair(&self) -> Result<u64> {
        let counters = self.store.repair_counters().await?;
        Ok(counters + self.sweep.once(self.old()).await? as u64)
    }

    /// Objects younger than this may be on their way in.
    fn old(&self) -> SystemTime {
        SystemTime::now() - self.sweep.orphan_ttl
    }

    async fn object_problem(&self, row: &store::ObjectRow, deep: bool) -> Result<Option<String>> {
        let Some(key) = Key::parse(&row.key) else {
            return Ok(Some("has a key that is not one of ours".into()));
        };
        let meta = match self.blobs.meta(&key).await {
            Err(blobs::Error::NotFound) => {
                let whose = match row.video_id {
                    0 => "a person's picture".to_owned(),
                    video => format!("video {video}"),
                };
                return Ok(Some(format!("is missing, {whose} needs it")));
            }
            found => found.map_err(blob_failed)?,
        };
        if i64::try_from(meta.bytes) != Ok(row.bytes) {
            return Ok(Some(format!("has {} bytes instead of {}", meta.bytes, row.bytes)));
        }
        if deep && self.blobs.sha256(&key).await.map_err(blob_failed)? != row.sha256 {
            return Ok(Some("has other content than was stored".into()));
        }
        Ok(None)
    }
}
