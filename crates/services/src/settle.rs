//! Brings what is stored of a video in line with its row: removed when it was deleted, moved when others may see
//! it, rid of what was replaced. It is quick work, so it does not wait behind encodes.

use std::time::Duration;

use blobs::{Blobs, Key};
use domain::{Result, Timestamp, VideoId};
use store::{COMING, Job, JobKind, RETIRED, Store, VideoFiles};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::transcode::own_key;
use crate::{blob_failed, discard, discard_unneeded};

/// How long one may be silent before another takes over.
const LEASE: Duration = Duration::from_secs(15);
/// How often an idle one looks for a job.
const LOOK: Duration = Duration::from_millis(500);
/// How often uploads are looked for whose time is over.
const UPLOADS: Duration = Duration::from_secs(60);
/// How often deleted accounts are looked for.
const PEOPLE: Duration = Duration::from_secs(5);
/// The longest wait between two attempts; there is no last one.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// Who does that.
#[derive(Clone)]
pub struct Settler {
    /// Where the jobs are.
    pub store: Store,
    /// Where the bytes are.
    pub blobs: Blobs,
}

impl Settler {
    /// Works until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut uploads = tokio::time::interval(UPLOADS);
        let mut people = tokio::time::interval(PEOPLE);
        while !stop.is_cancelled() {
            match self.claim().await {
                Ok(Some(job)) => self.work(&job, &stop).await,
                Ok(None) => tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(LOOK) => {}
                    _ = people.tick() => self.forget_people().await,
                    _ = uploads.tick() => {
                        self.forget_uploads().await;
                        self.forget_old().await;
                    }
                },
                Err(error) => {
                    warn!(error = %error.chain(), "no job could be claimed");
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(LOOK) => {}
                    }
                }
            }
        }
    }

    async fn claim(&self) -> Result<Option<Job>> {
        let now = Timestamp::now();
        match self.store.has_due_job(JobKind::Settle, now).await? {
            true => self.store.claim_job(JobKind::Settle, now, LEASE).await,
            false => Ok(None),
        }
    }

    async fn work(&self, job: &Job, stop: &CancellationToken) {
        let outcome = tokio::select! {
            outcome = self.settle(job) => outcome,
            () = stop.cancelled() => return self.release(job, Duration::ZERO, "stopped").await,
        };
        if let Err(error) = outcome {
            warn!(job = %job.attempt.job, video = %job.video, error = %error.chain(), "settling failed");
            let wait =
                Duration::from_secs(2u64.saturating_pow(u32::try_from(job.attempts).unwrap_or(9).min(9)));
            self.release(job, wait.min(MAX_WAIT), &error.chain().chars().take(500).collect::<String>()).await;
        }
    }

    async fn release(&self, job: &Job, wait: Duration, why: &str) {
        let due = Timestamp::now().after(wait);
        if let Err(error) = self.store.release_job(job.attempt, due, true, why.to_owned()).await {
            warn!(error = %error.chain(), "a job could not be given back, its lease will run out");
        }
    }

    /// Every step can be repeated: whoever takes over begins from the first.
    async fn settle(&self, job: &Job) -> Result<()> {
        let video = self.store.files_of(job.video).await?;
        if video.state == "deleting" {
            return self.remove(job, &video).await;
        }
        if video.state == "ready" && !self.move_objects(job.video, &video).await? {
            // Others may see it by now: the job that came with that does what is to be done.
            return self.store.settled(job.attempt, Vec::new()).await.map(|_| ());
        }
        let retired = video.files.iter().filter(|file| file.role == RETIRED);
        let retired: Vec<String> = retired.map(|file| file.key.clone()).collect();
        for key in &retired {
            self.delete(key).await?;
        }
        self.store.settled(job.attempt, retired).await.map(|_| ())
    }

    async fn remove(&self, job: &Job, video: &VideoFiles) -> Result<()> {
        while self.store.forget_reactions(job.video).await? {
            self.store.extend_lease(job.attempt, Timestamp::now().after(LEASE), 0).await?;
        }
        for file in &video.files {
            // Both places, if it was on its way from one to the other.
            let key = own_key(&file.key)?;
            for key in ["p", "s"].map(|prefix| key.behind(prefix)).iter().chain([&key]) {
                self.blobs.delete(key).await.map_err(blob_failed)?;
            }
        }
        if self.store.video_gone(job.attempt, job.video).await? {
            info!(video = %job.video, objects = video.files.len(), "video removed");
        }
        Ok(())
    }

    /// Copies what lies in the wrong place, names the copies, and only then deletes what it was copied from.
    /// False when it should lie elsewhere by now.
    async fn move_objects(&self, id: VideoId, video: &VideoFiles) -> Result<bool> {
        let wanted = video.visibility.prefix();
        let movable = video.files.iter().filter(|file| file.role != COMING && !file.key.starts_with("o/"));
        let keys = movable.map(|file| own_key(&file.key)).collect::<Result<Vec<Key>>>()?;
        let mut moves = Vec::new();
        for key in &keys {
            let to = key.behind(wanted);
            if *key != to {
                self.blobs.duplicate(key, &to).await.map_err(blob_failed)?;
                moves.push((key.to_string(), to.to_string()));
            }
        }
        if !self.store.moved(id, video.visibility, moves.clone(), Timestamp::now()).await? {
            for (_, copy) in &moves {
                discard(&self.blobs, copy).await;
            }
            return Ok(false);
        }
        let other = if wanted == "p" { "s" } else { "p" };
        for key in &keys {
            self.delete(key.behind(other).as_str()).await?;
        }
        Ok(true)
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.blobs.delete(&own_key(key)?).await.map_err(blob_failed)
    }

    async fn forget_uploads(&self) {
        match self.store.forget_uploads(Timestamp::now()).await {
            Ok(keys) => discard_unneeded(&self.store, &self.blobs, &keys).await,
            Err(error) => warn!(error = %error.chain(), "late uploads stay for now"),
        }
    }
}
