//! `dytt conformance`: whether a server does what clients of the minimal Douyin's API count on.

use std::pin::pin;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Args;
use futures_util::StreamExt;

use crate::config::Settings;
use crate::conformance::{Report, Stage, judge, list, rules};

/// The server could not be asked at all; clap says so too of words it does not understand.
const NOT_ASKED: u8 = 2;

/// Whom to ask, and what.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The server's address, such as `http://192.168.1.5:8080`.
    #[arg(long, value_name = "URL", required_unless_present = "list")]
    base_url: Option<String>,
    /// Only rules whose names begin like this; may be given several times.
    #[arg(long, value_name = "PREFIX")]
    only: Vec<String>,
    /// Also fail for what servers decide differently, the rules of the level `should`.
    #[arg(long)]
    strict: bool,
    /// Print one JSON object at the end.
    #[arg(long)]
    json: bool,
    /// Print the rules, and ask nobody.
    #[arg(long, conflicts_with_all = ["base_url", "strict", "json"])]
    list: bool,
}

pub(crate) async fn run(settings: &Settings, arguments: Arguments) -> Result<ExitCode> {
    let Arguments { base_url, only, strict, json, .. } = arguments;
    let rules = rules(&only);
    ensure!(!rules.is_empty(), "no rule begins with {}; `--list` has them all", only.join(" or "));
    let Some(base_url) = base_url else {
        print!("{}", list(&rules));
        return Ok(ExitCode::SUCCESS);
    };
    let stage = Stage::new(&base_url, media::Media::new(&settings.media))?;
    if let Err(reason) = stage.knock().await {
        eprintln!("dytt: {base_url} could not be asked: {reason}");
        return Ok(ExitCode::from(NOT_ASKED));
    }
    let mut report = Report::default();
    let mut verdicts = pin!(judge(&stage, rules));
    while let Some(verdict) = verdicts.next().await {
        let lines = report.add(verdict);
        if !json {
            println!("{lines}");
        }
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&report.json(&base_url, stage.times_limited()))?);
    } else {
        println!("{}", report.sum(stage.times_limited()));
    }
    Ok(if report.is_good(strict) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
