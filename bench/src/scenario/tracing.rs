//! Tracing one request in a hundred: what it costs a viewer's feed, with a collector and with one that is gone.

use std::net::TcpListener;

use anyhow::{Context, Result};

use super::feed::feed;
use super::{PLATFORM, Site, Stage, Variant};
use crate::load::Request;
use crate::platform::{Topology, setting};
use crate::report::{Basis, Bound};

const SAMPLE: &str = "0.01";
const COLLECTED: &str = "platform, collected";
const UNCOLLECTED: &str = "platform, collector gone";

pub async fn tracing(stage: &mut Stage<'_>) -> Result<()> {
    if stage.plan.topology == Topology::Cluster {
        println!("tracing: it takes three platforms, too many for three clusters");
        return Ok(());
    }
    let collector = stage.beside(&["hi"])?;
    let port = collector.target.addresses.first().context("find the collector")?.port();
    let collected = traced(stage, port).await?;
    // Bound and closed again: nobody listens there.
    let nobody = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let uncollected = traced(stage, nobody).await?;
    let site = stage.site;
    stage
        .interleave(vec![
            Variant::asked(PLATFORM, &site.platform.target, ask(site)),
            Variant::asked(COLLECTED, &collected.platform.target, ask(&collected)),
            Variant::asked(UNCOLLECTED, &uncollected.platform.target, ask(&uncollected)),
        ])
        .await?;
    let report = &mut *stage.report;
    for variant in [COLLECTED, UNCOLLECTED] {
        let text = |what: &str| format!("{variant}: {what} × that without tracing");
        let cpu: Vec<f64> =
            report.ratios(variant, PLATFORM, Basis::Cpu).iter().map(|share| 1.0 / share).collect();
        let p99 = report.ratios(variant, PLATFORM, Basis::P99);
        report.judge("G16", &text("CPU"), Bound::AtMost(1.05), &cpu);
        report.judge("G16", &text("p99"), Bound::AtMost(1.1), &p99);
    }
    Ok(())
}

/// Asks for the feed as anybody in turn.
fn ask(site: &Site) -> impl FnMut() -> Request {
    let mut rng = site.dataset.rng(1);
    move || feed(site.anyone(&mut rng))
}

/// The same platform, which sends its traces to this port.
async fn traced(stage: &Stage<'_>, port: u16) -> Result<Site> {
    let settings = [
        setting("DYTT_TELEMETRY__EXPORTER", "zipkin"),
        setting("DYTT_TELEMETRY__ZIPKIN_URL", &format!("http://127.0.0.1:{port}")),
        setting("DYTT_TELEMETRY__SAMPLE", SAMPLE),
    ];
    let plan = stage.plan.with(settings);
    Site::start(&plan, &stage.site.scale).await.context("start a platform that traces")
}
