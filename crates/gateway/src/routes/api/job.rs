//! The background jobs, for administrators.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use proto::{JobRequest, ListJobsRequest};
use serde::Serialize;
use utoipa::ToSchema;

use super::body::Id;
use super::done;
use super::rule::Account;
use crate::Gateway;
use crate::error::Failure;
use crate::reply;

/// A job that is not done.
#[derive(Serialize, ToSchema)]
struct Job {
    id: i64,
    video_id: i64,
    /// `transcode` or `settle`.
    kind: String,
    /// `queued`, `leased` (somebody works on it) or `dead` (it is not tried again by itself).
    state: String,
    /// How much of it is done, in thousandths.
    progress: i64,
    /// How often it was tried.
    attempts: i64,
    /// UTC milliseconds: when it is tried next, or when others may take it.
    due_at: i64,
    /// UTC milliseconds.
    created_at: i64,
    /// What went wrong last.
    error: Option<String>,
}

/// Jobs, the oldest first, at most 500.
#[derive(Serialize, ToSchema)]
struct Jobs {
    jobs: Vec<Job>,
}

/// The jobs that are not done.
#[utoipa::path(get, path = "/api/v1/admin/jobs", tag = "admin",
    responses((status = 200, body = Jobs)))]
pub(super) async fn list(
    State(gateway): State<Gateway>,
    Account(call): Account,
) -> Result<Response, Failure> {
    let found = gateway.services.video.list_jobs(&call, ListJobsRequest {}).await?;
    let job = |job: proto::Job| Job {
        id: job.id,
        video_id: job.video_id,
        kind: job.kind,
        state: job.state,
        progress: job.progress,
        attempts: job.attempts,
        due_at: job.due_at,
        created_at: job.created_at,
        error: Some(job.error).filter(|error| !error.is_empty()),
    };
    Ok(reply::list(StatusCode::OK, &Jobs { jobs: found.jobs.into_iter().map(job).collect() }))
}

/// Tries a dead job again.
#[utoipa::path(post, path = "/api/v1/admin/jobs/{id}/retry", tag = "admin",
    params(("id" = i64, Path)), responses((status = 204)))]
pub(super) async fn retry(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(job_id): Id,
) -> Result<Response, Failure> {
    gateway.services.video.retry_job(&call, JobRequest { job_id }).await?;
    Ok(done())
}

/// Ends the making of renditions; a video that cannot be played yet is failed and what it has is deleted.
#[utoipa::path(post, path = "/api/v1/admin/jobs/{id}/cancel", tag = "admin",
    params(("id" = i64, Path)), responses((status = 204)))]
pub(super) async fn cancel(
    State(gateway): State<Gateway>,
    Account(call): Account,
    Id(job_id): Id,
) -> Result<Response, Failure> {
    gateway.services.video.cancel_job(&call, JobRequest { job_id }).await?;
    Ok(done())
}
