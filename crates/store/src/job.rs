//! Background jobs: claimed by lease, guarded by a fencing number, tried again a bounded number of times.
//! What a job does is `services`'.

use std::time::Duration;

use domain::{JobId, Result, Timestamp, VideoId};
use sea_orm::Value;

use crate::Store;
use crate::card::{column, rows_limit};
use crate::row::Row;
use crate::session::Session;

/// How many jobs a worker may lose to others before it tries again later.
const CLAIMS: usize = 10;

/// The states of a job that is not done: it waits, somebody works on it, it is not tried again by itself.
pub const JOB_STATES: [&str; 3] = ["queued", "leased", "dead"];

/// One worker's hold on a job; a later claim makes an earlier one worthless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The job.
    pub job: JobId,
    /// Grows with each claim.
    pub fence: i64,
}

/// What a job is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Make the renditions of a video.
    Transcode,
    /// Bring a video's objects in line with its row: removed, moved, or published.
    Settle,
}

impl JobKind {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transcode => "transcode",
            Self::Settle => "settle",
        }
    }
}

/// A claimed job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The hold on it.
    pub attempt: Attempt,
    /// The video that waits for it.
    pub video: VideoId,
    /// How often it was claimed, this time included.
    pub attempts: i64,
}

/// A job that is not done, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRow {
    /// Its number.
    pub id: JobId,
    /// The video that waits for it.
    pub video: VideoId,
    /// The word of a [`JobKind`].
    pub kind: String,
    /// One of [`JOB_STATES`].
    pub state: String,
    /// How much of it is done, in thousandths.
    pub progress: i64,
    /// How often it was claimed.
    pub attempts: i64,
    /// Of a queued one when it is tried next, of a leased one when others may take it.
    pub due_at: Timestamp,
    /// When it was queued first.
    pub created_at: Timestamp,
    /// What went wrong last.
    pub error: Option<String>,
}

impl Store {
    /// The jobs that are not done, the earliest first, at most 500; without settling that only waits for its
    /// moment. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn jobs(&self) -> Result<Vec<JobRow>> {
        let sql = "SELECT id, video_id, kind, state, progress, attempts, due_at, created_at, error FROM job \
                   WHERE state IN ('queued', 'leased', 'dead') AND (kind = 'transcode' OR attempts > 0) \
                   ORDER BY id LIMIT ?";
        self.database.list(sql, [rows_limit()], JobRow::read).await
    }

    /// How many of [`Store::jobs`] are queued, leased and dead, in this order. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn job_counts(&self) -> Result<[i64; 3]> {
        let sql = "SELECT state, COUNT(*) AS number FROM job \
                   WHERE state IN ('queued', 'leased', 'dead') AND (kind = 'transcode' OR attempts > 0) \
                   GROUP BY state LIMIT 3";
        let read = |row: &Row| Ok((column::<String>(row, "state")?, column(row, "number")?));
        let found = self.database.list(sql, [], read).await?;
        let of = |state: &str| found.iter().find(|(name, _)| name == state).map_or(0, |(_, number)| *number);
        Ok(JOB_STATES.map(of))
    }

    /// Queues a dead job again, its video with it, as if it had never been tried. False, changing nothing, when
    /// it is not dead or what it was to encode is gone. Two statements.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn retry_job(&self, job: JobId, now: Timestamp) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "UPDATE job SET state = 'queued', attempts = 0, due_at = ? \
                               WHERE id = ? AND state = 'dead' AND EXISTS \
                               (SELECT 1 FROM video_object o WHERE o.video_id = job.video_id \
                               AND o.role IN ('source', 'remux'))";
                    if session.change(sql, [now.millis().into(), job.get().into()]).await? == 0 {
                        return Ok(false);
                    }
                    let sql = "UPDATE video SET state = 'processing' \
                               WHERE state = 'failed' AND id = (SELECT video_id FROM job WHERE id = ?)";
                    session.change(sql, [job.get().into()]).await?;
                    Ok(true)
                })
            })
            .await
    }

    /// Ends the making of renditions that is not done, whoever works on it: a video that cannot be played yet
    /// is failed and needs no object any more. Returns the keys that may be deleted; nothing when there is no
    /// such job. Eight statements, three when it can be played.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn cancel_job(&self, job: JobId, now: Timestamp) -> Result<Option<Vec<String>>> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    // A worker that has it holds a number that is worth nothing now.
                    let sql = "UPDATE job SET state = 'dead', fence = fence + 1, error = ? \
                               WHERE id = ? AND state IN ('queued', 'leased', 'dead') AND kind = 'transcode'";
                    if session.change(sql, ["cancelled".into(), job.get().into()]).await? == 0 {
                        return Ok(None);
                    }
                    let sql = "SELECT video_id FROM job WHERE id = ? LIMIT 1";
                    let row = session.row(sql, [job.get().into()]).await?;
                    let Some(row) = row else { return Ok(None) };
                    let video = VideoId::parse(column(&row, "video_id")?)?;
                    crate::video::fail(session, video, "cancelled", now).await.map(Some)
                })
            })
            .await
    }

    /// Whether a job of a kind is due. One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn has_due_job(&self, kind: JobKind, now: Timestamp) -> Result<bool> {
        let sql =
            "SELECT 1 FROM job WHERE state IN ('queued', 'leased') AND due_at <= ? AND kind = ? LIMIT 1";
        let values = [now.millis().into(), kind.as_str().into()];
        let found = self.database.list(sql, values, |_row| Ok(())).await?;
        Ok(!found.is_empty())
    }

    /// Claims the oldest job of a kind that is due, or whose lease ran out. Two statements, one when there is none, and
    /// two more for each job that another worker took in between.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn claim_job(&self, kind: JobKind, now: Timestamp, lease: Duration) -> Result<Option<Job>> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    for _ in 0..CLAIMS {
                        let Some(job) = oldest_due(session, kind, now).await? else { return Ok(None) };
                        if take(session, &job, now.after(lease)).await? {
                            return Ok(Some(job));
                        }
                    }
                    Ok(None)
                })
            })
            .await
    }

    /// Prolongs a lease and notes how much is done, in thousandths; false when it is no longer this attempt's.
    /// One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn extend_lease(&self, attempt: Attempt, until: Timestamp, progress: i64) -> Result<bool> {
        self.database
            .write(move |session| {
                Box::pin(async move {
                    let sql = "UPDATE job SET due_at = ?, progress = ? \
                               WHERE id = ? AND fence = ? AND state = 'leased'";
                    let Attempt { job, fence } = attempt;
                    let values = [until.millis().into(), progress.into(), job.get().into(), fence.into()];
                    Ok(session.change(sql, values).await? > 0)
                })
            })
            .await
    }

    /// Gives a job back, to be tried again at `due`; a clean stop does not count as an attempt.
    /// One statement.
    ///
    /// # Errors
    /// Only the database's.
    pub async fn release_job(
        &self,
        attempt: Attempt,
        due: Timestamp,
        counts: bool,
        why: String,
    ) -> Result<()> {
        self.database.write(move |session| {
            Box::pin(async move {
                let sql = "UPDATE job SET state = 'queued', due_at = ?, attempts = attempts - ?, error = ? \
                           WHERE id = ? AND fence = ? AND state = 'leased'";
                let values: [Value; 5] = [
                    due.millis().into(),
                    i64::from(!counts).into(),
                    why.into(),
                    attempt.job.get().into(),
                    attempt.fence.into(),
                ];
                session.change(sql, values).await?;
                Ok(())
            })
        })
        .await
    }
}

impl JobRow {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: JobId::parse(column(row, "id")?)?,
            video: VideoId::parse(column(row, "video_id")?)?,
            kind: column(row, "kind")?,
            state: column(row, "state")?,
            progress: column(row, "progress")?,
            attempts: column(row, "attempts")?,
            due_at: Timestamp::from_millis(column(row, "due_at")?),
            created_at: Timestamp::from_millis(column(row, "created_at")?),
            error: column(row, "error")?,
        })
    }
}

async fn oldest_due(session: &Session, kind: JobKind, now: Timestamp) -> Result<Option<Job>> {
    let sql = "SELECT id, fence, attempts, video_id FROM job WHERE state IN ('queued', 'leased') \
               AND due_at <= ? AND kind = ? ORDER BY due_at, id LIMIT 1";
    let row = session.row(sql, [now.millis().into(), kind.as_str().into()]).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Job {
        attempt: Attempt {
            job: JobId::parse(column(&row, "id")?)?,
            fence: column::<i64>(&row, "fence")? + 1,
        },
        video: VideoId::parse(column(&row, "video_id")?)?,
        attempts: column::<i64>(&row, "attempts")? + 1,
    }))
}

/// Takes a job that was seen, unless somebody else did since: then its fencing number has grown.
async fn take(session: &Session, job: &Job, until: Timestamp) -> Result<bool> {
    // While leased, due_at is the end of the lease: an expired one is due again by itself.
    let sql = "UPDATE job SET state = 'leased', fence = ?, attempts = ?, due_at = ? \
               WHERE id = ? AND fence = ? AND state IN ('queued', 'leased')";
    let fence = job.attempt.fence;
    let values: [Value; 5] = [
        fence.into(),
        job.attempts.into(),
        until.millis().into(),
        job.attempt.job.get().into(),
        (fence - 1).into(),
    ];
    Ok(session.change(sql, values).await? > 0)
}

/// Queues a job. One statement.
pub(crate) async fn insert(
    session: &Session,
    video: VideoId,
    kind: JobKind,
    now: Timestamp,
    due: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO job (video_id, kind, state, due_at, created_at) VALUES (?, ?, 'queued', ?, ?)";
    let (due, now) = (due.millis().into(), now.millis().into());
    session.change(sql, [video.get().into(), kind.as_str().into(), due, now]).await?;
    Ok(())
}

/// Whether a job is still this attempt's, held until the end of the transaction. One statement.
pub(crate) async fn holds(session: &Session, attempt: Attempt) -> Result<bool> {
    let sql = "UPDATE job SET kind = kind WHERE id = ? AND fence = ? AND state = 'leased'";
    Ok(session.change(sql, [attempt.job.get().into(), attempt.fence.into()]).await? > 0)
}

/// Ends a job, if it is still this attempt's. One statement.
pub(crate) async fn end(session: &Session, attempt: Attempt, state: &str, why: Option<&str>) -> Result<bool> {
    let sql = "UPDATE job SET state = ?, error = ? WHERE id = ? AND fence = ? AND state = 'leased'";
    let values: [Value; 4] = [state.into(), why.into(), attempt.job.get().into(), attempt.fence.into()];
    Ok(session.change(sql, values).await? > 0)
}
