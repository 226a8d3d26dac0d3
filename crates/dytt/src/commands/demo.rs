//! `dytt demo`: a living platform to look at.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::config::Settings;
use crate::demo;
use crate::folder;
use crate::platform::Platform;
use crate::wiring::local_url;

/// Which demo, and where.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The same seed makes the same people, clips and talk.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The address of a platform elsewhere, such as `http://192.168.1.5:8080`.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
}

pub(crate) async fn run(mut settings: Settings, arguments: Arguments) -> Result<ExitCode> {
    let media = media::Media::new(&settings.media);
    media.check().await.context("the clips are drawn by ffmpeg")?;
    let served = || folder::running(&settings.data_dir).and_then(|running| running.http).map(local_url);
    let elsewhere = arguments.base_url.or_else(served);
    if let Some(base_url) = elsewhere {
        demo::fill(base_url.trim_end_matches('/'), &media, arguments.seed).await?;
        return Ok(ExitCode::SUCCESS);
    }
    // Nobody serves this folder: for as long as it takes we do, where nobody else can reach it.
    settings.listen = ([127, 0, 0, 1], 0).into();
    settings.admin_listen = settings.listen;
    let platform = Platform::start(&settings, telemetry::start_metrics()?).await?;
    let http = platform.running.http.context("nobody serves HTTP here; --base-url says who does")?;
    let filled = demo::fill(&local_url(http), &media, arguments.seed).await;
    platform.stop().await?;
    filled?;
    Ok(ExitCode::SUCCESS)
}
