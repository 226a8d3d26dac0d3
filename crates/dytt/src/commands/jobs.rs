//! `dytt jobs`: the work that waits, runs or was given up, from the operator's side.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use domain::{JobId, Timestamp};
use serde_json::json;
use store::{JobRow, Store};

use crate::config::Settings;
use crate::wiring::{attach_store, open_blobs};

/// What to do with jobs.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show the jobs that are not done, at most 500.
    List {
        /// Print them as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Try a dead job again; its upload must still be there.
    Retry {
        /// The job's number.
        job: i64,
    },
    /// End the making of renditions; a video that cannot be played yet is failed and what it has is deleted.
    Cancel {
        /// The job's number.
        job: i64,
    },
}

pub(crate) async fn run(settings: &Settings, command: Command) -> Result<ExitCode> {
    let store = attach_store(settings).await?;
    match command {
        Command::List { json } => list(&store, json).await?,
        Command::Retry { job } => retry(&store, job).await?,
        Command::Cancel { job } => cancel(settings, &store, job).await?,
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn list(store: &Store, json: bool) -> Result<()> {
    let jobs = store.jobs().await?;
    if json {
        let jobs: Vec<_> = jobs.iter().map(shown).collect();
        println!("{}", serde_json::to_string_pretty(&jobs)?);
        return Ok(());
    }
    if jobs.is_empty() {
        println!("no job waits, runs or was given up");
        return Ok(());
    }
    println!(
        "{:>8}  {:>8}  {:9}  {:6}  {:>5}  {:>5}  {:>8}  last error",
        "job", "video", "kind", "state", "done", "tries", "age"
    );
    let now = Timestamp::now().millis();
    for job in &jobs {
        let seconds = now.saturating_sub(job.created_at.millis()) / 1_000;
        let error = job.error.as_deref().unwrap_or("-");
        let JobRow { id, video, kind, state, progress, attempts, .. } = job;
        let done = progress / 10;
        println!(
            "{id:>8}  {video:>8}  {kind:9}  {state:6}  {done:>3} %  {attempts:>5}  {seconds:>6} s  {error}"
        );
    }
    Ok(())
}

fn shown(job: &JobRow) -> serde_json::Value {
    let JobRow { id, video, kind, state, progress, attempts, due_at, created_at, error } = job;
    json!({
        "job": id.get(), "video": video.get(), "kind": kind, "state": state, "progress": progress, "attempts": attempts,
        "due_at_ms": due_at.millis(), "created_at_ms": created_at.millis(), "error": error,
    })
}

async fn retry(store: &Store, number: i64) -> Result<()> {
    let job = known(store, number).await?;
    if job.state != "dead" {
        bail!("job {number} is {}; only a dead one is tried again", job.state);
    }
    if !store.retry_job(job.id, Timestamp::now()).await? {
        bail!("the upload of job {number} is gone, so nothing can be encoded");
    }
    println!("job {number} is queued again");
    Ok(())
}

async fn cancel(settings: &Settings, store: &Store, number: i64) -> Result<()> {
    let job = known(store, number).await?;
    let blobs = open_blobs(settings).await?;
    let keys = store
        .cancel_job(job.id, Timestamp::now())
        .await?
        .with_context(|| format!("job {number} is done meanwhile"))?;
    for key in &keys {
        services::discard(&blobs, key).await;
    }
    println!("job {number} is cancelled, and what video {} had is deleted", job.video);
    Ok(())
}

async fn known(store: &Store, number: i64) -> Result<JobRow> {
    let id = JobId::parse(number)?;
    let jobs = store.jobs().await?;
    jobs.into_iter()
        .find(|job| job.id == id)
        .with_context(|| format!("there is no job {number} that is not done"))
}
