//! The first moments: how long until an empty platform answers, and what it then holds.

use anyhow::Result;

use super::{PLATFORM, Stage};
use crate::platform::{Topology, empty};
use crate::report::{Bound, Figures};

pub async fn start(stage: &mut Stage<'_>) -> Result<()> {
    if stage.plan.topology == Topology::Cluster {
        println!("start: only one process starts on an empty folder");
        return Ok(());
    }
    for round in 0..stage.rounds {
        let (_process, target, took) = empty(stage.plan).await?;
        stage.add(Figures {
            scenario: stage.scenario.clone(),
            variant: PLATFORM.into(),
            round,
            per_second: 1.0 / took.as_secs_f64(),
            accepted: 1,
            p50_ms: took.as_secs_f64() * 1e3,
            peak_mib: target.memory_mib(),
            ..Figures::default()
        });
    }
    let report = &mut *stage.report;
    let seconds = report.values(PLATFORM, |figures| figures.p50_ms / 1e3);
    let memory = report.values(PLATFORM, |figures| figures.peak_mib);
    report.judge("start", "seconds until ready on an empty folder", Bound::AtMost(1.0), &seconds);
    report.judge("stretch", "seconds until ready on an empty folder", Bound::AtMost(0.3), &seconds);
    report.judge("stretch", "memory when ready, MiB", Bound::AtMost(40.0), &memory);
    Ok(())
}
