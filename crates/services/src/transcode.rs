//! The job loop: claims, keeps, ends and gives back the jobs that make renditions. What one does is in `ladder`.

mod ladder;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use blobs::Key;
use domain::{Error, Result, Timestamp};
use store::{JOB_STATES, Job, JobKind, Store};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::discard;
use crate::media::MediaFiles;

use ladder::Work;

/// How long a worker may be silent before another takes its job. After a crash its video waits this long, so
/// it is short; a worker that was only slow is told by its fencing number that it has lost the job.
const LEASE: Duration = Duration::from_secs(15);
/// How often a worker tells that it is alive, and how far it is.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How often an idle worker looks for a job.
const LOOK: Duration = Duration::from_millis(500);
/// How often jobs are counted.
const COUNT: Duration = Duration::from_secs(10);
/// How often a job is tried before its video is failed; with the waits between, half an hour.
const ATTEMPTS: i64 = 8;
/// How much of an error's text a job keeps.
const WHY_CHARS: usize = 500;
/// The longest wait between two attempts.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// One worker.
#[derive(Clone)]
pub struct Transcoder {
    /// Where the jobs are.
    pub store: Store,
    /// Where the bytes are.
    pub files: MediaFiles,
    /// Whether an upload that cannot be played as it is stays after it was re-encoded.
    pub keep_originals: bool,
}

/// How much of a job is done.
#[derive(Debug, Default)]
struct Progress(AtomicI64);

impl Progress {
    /// From 0 to 1.
    fn set(&self, share: f64) {
        self.0.store((share.clamp(0.0, 1.0) * 1000.0) as i64, Ordering::Relaxed);
    }

    fn thousandths(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Transcoder {
    /// Works until `stop`; a job in hand is then given back at once.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let job = self.claim().await.unwrap_or_else(|error| {
                warn!(error = %error.chain(), "no job could be claimed");
                None
            });
            let Some(job) = job else {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(LOOK) => {}
                }
                continue;
            };
            self.work(&job, &stop).await;
        }
    }

    /// Counts the jobs that are not done for `/metrics`, until `stop`.
    pub async fn count(self, stop: CancellationToken) {
        loop {
            match self.store.job_counts().await {
                Ok(counts) => {
                    for (state, count) in JOB_STATES.into_iter().zip(counts) {
                        metrics::gauge!("dytt_media_jobs", "state" => state).set(count as f64);
                    }
                }
                Err(error) => warn!(error = %error.chain(), "the jobs could not be counted"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(COUNT) => {}
            }
        }
    }

    /// Only looks, most of the time: a claim is a write.
    async fn claim(&self) -> Result<Option<Job>> {
        if !self.store.has_due_job(JobKind::Transcode, Timestamp::now()).await? {
            return Ok(None);
        }
        self.store.claim_job(JobKind::Transcode, Timestamp::now(), LEASE).await
    }

    async fn work(&self, job: &Job, stop: &CancellationToken) {
        if job.attempts > ATTEMPTS {
            // The last attempt took its process with it.
            return self.give_up(job, "every attempt ended without a word").await;
        }
        metrics::counter!("dytt_media_jobs_started_total").increment(1);
        let done = Progress::default();
        let outcome = tokio::select! {
            outcome = self.transcode(job, &done) => outcome,
            () = self.hold(job, &done) => {
                warn!(job = %job.attempt.job, "the lease was lost, another worker has the job");
                return;
            }
            () = stop.cancelled() => return self.release(job, Duration::ZERO, false, "stopped").await,
        };
        let Err(error) = outcome else {
            info!(job = %job.attempt.job, video = %job.video, "video re-encoded");
            return;
        };
        warn!(job = %job.attempt.job, video = %job.video, error = %error.chain(), "re-encoding failed");
        let why: String = error.chain().chars().take(WHY_CHARS).collect();
        if matches!(error, Error::UnsupportedMedia { .. }) {
            return self.refuse(job, why).await;
        }
        if job.attempts >= ATTEMPTS {
            return self.give_up(job, &why).await;
        }
        let wait = Duration::from_secs(10) * 2u32.saturating_pow(u32::try_from(job.attempts).unwrap_or(0));
        self.release(job, wait.min(MAX_WAIT), true, &why).await;
    }

    async fn transcode(&self, job: &Job, done: &Progress) -> Result<()> {
        Work::begin(self, job).await?.run(done).await
    }

    /// Keeps the lease alive and tells how far the work is; returns only when it is lost.
    async fn hold(&self, job: &Job, done: &Progress) {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            let until = Timestamp::now().after(LEASE);
            match self.store.extend_lease(job.attempt, until, done.thousandths()).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => warn!(error = %error.chain(), "a lease could not be extended"),
            }
        }
    }

    async fn release(&self, job: &Job, wait: Duration, counts: bool, why: &str) {
        let due = Timestamp::now().after(wait);
        if let Err(error) = self.store.release_job(job.attempt, due, counts, why.to_owned()).await {
            warn!(error = %error.chain(), "a job could not be given back, its lease will run out");
        }
    }

    /// The trouble is ours, so the upload stays for an operator to try again.
    async fn give_up(&self, job: &Job, why: &str) {
        error!(job = %job.attempt.job, video = %job.video, why, "re-encoding given up, the upload is kept");
        if let Err(error) =
            self.store.job_dead(job.attempt, job.video, why.to_owned(), Timestamp::now()).await
        {
            warn!(error = %error.chain(), "a job could not be ended, its lease will run out");
        }
    }

    /// The file is at fault: nothing of it is kept.
    async fn refuse(&self, job: &Job, why: String) {
        let failed = self.store.video_failed(job.attempt, job.video, why, Timestamp::now()).await;
        let keys = failed.unwrap_or_else(|error| {
            warn!(error = %error.chain(), "a failed video could not be marked so, its lease will run out");
            Vec::new()
        });
        for key in &keys {
            discard(&self.files.blobs, key).await;
        }
    }
}

pub(crate) fn own_key(text: &str) -> Result<Key> {
    Key::parse(text).ok_or_else(|| Error::internal("a stored key is not one of ours"))
}
