//! More requests than can be done, on a schedule that does not wait: what is done all the same, how fast, and how
//! the rest is refused. Of the feed, which costs little more than a refusal, and of a list that costs twenty.

use std::time::Duration;

use anyhow::Result;

use super::feed::feed;
use super::write::comments;
use super::{CLIENTS, PLATFORM, Stage, watched};
use crate::load::{self, Request, Tally};
use crate::report::{Bound, Figures};

/// Connections of the schedule: more than wait for an answer at once, or the schedule would wait for them.
const CONNECTIONS: usize = 4_096;
/// What is offered, in capacities.
const OFFERED: [f64; 4] = [0.7, 1.5, 2.5, 3.0];
/// Long enough to see a queue grow.
const TIMES_THE_TIME: u32 = 5;

pub async fn overload(stage: &mut Stage<'_>) -> Result<()> {
    let site = stage.site;
    let (mut viewers, mut readers, video) =
        (site.dataset.rng(1), site.dataset.rng(2), site.dataset.hot_video());
    flood(stage, "feed", || feed(site.anyone(&mut viewers))).await?;
    flood(stage, "longest list", || comments(site.anyone(&mut readers), video)).await
}

async fn flood(stage: &mut Stage<'_>, what: &str, mut next: impl FnMut() -> Request) -> Result<()> {
    let target = &stage.site.platform.target;
    let time = stage.time * TIMES_THE_TIME;
    load::closed(&target.addresses, CLIENTS, stage.time, &mut next).await;
    let closed = async { Ok(load::closed(&target.addresses, CLIENTS, stage.time * 2, &mut next).await) };
    let (tally, spent, peak) = watched(target, closed).await?;
    let capacity = tally.per_second();
    let name = format!("{PLATFORM}, {what}, capacity");
    stage.add(Figures::of(&stage.scenario, &name, 0, &tally, &spent, peak));
    let mut p99_at_ease = f64::NAN;
    for offered in OFFERED {
        let mut growth = 1.0;
        let open = async {
            let rate = capacity * offered;
            let [first, second] = load::open(&target.addresses, CONNECTIONS, rate, time, &mut next).await?;
            growth = second.millis(99.0) / first.millis(99.0).max(1.0);
            Ok(first.then(second))
        };
        let (tally, spent, peak) = watched(target, open).await?;
        let name = format!("{PLATFORM}, {what}, {offered} ×");
        stage.blame(&name, &tally);
        stage.add(Figures::of(&stage.scenario, &name, 0, &tally, &spent, peak));
        if offered < 1.0 {
            p99_at_ease = tally.millis(99.0);
        } else {
            let name = format!("{what}, {offered} × capacity");
            judge(stage, &Flood { name: &name, offered, tally: &tally, capacity, growth, p99_at_ease });
        }
    }
    // Whether it has recovered: as much as before, a moment later.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let closed = async { Ok(load::closed(&target.addresses, CLIENTS, stage.time, &mut next).await) };
    let (tally, spent, peak) = watched(target, closed).await?;
    let name = format!("{PLATFORM}, {what}, afterwards");
    stage.add(Figures::of(&stage.scenario, &name, 0, &tally, &spent, peak));
    let recovered = [tally.per_second() / capacity];
    let text = format!("{what}: done a second afterwards, share of before");
    stage.report.judge("C1", &text, Bound::AtLeast(0.9), &recovered);
    Ok(())
}

/// What was offered, and what came of it.
struct Flood<'a> {
    name: &'a str,
    offered: f64,
    tally: &'a Tally,
    capacity: f64,
    /// The 99th percentile of the second half in that of the first.
    growth: f64,
    p99_at_ease: f64,
}

fn judge(stage: &mut Stage<'_>, flood: &Flood<'_>) {
    let Flood { name, offered, tally, capacity, growth, p99_at_ease } = *flood;
    let text = |what: &str| format!("{name}: {what}");
    let (goodput, p99) = ([tally.per_second() / capacity], [tally.millis(99.0)]);
    let report = &mut *stage.report;
    if offered < 3.0 {
        report.judge("G13", &text("done a second, share of capacity"), Bound::AtLeast(0.85), &goodput);
        report.judge("G13", &text("p99 of what is done, ms"), Bound::AtMost(250.0), &p99);
        report.judge("G13", &text("p99 of the second half × the first's"), Bound::AtMost(1.5), &[growth]);
        return;
    }
    report.judge("C1", &text("done a second, share of capacity"), Bound::AtLeast(0.8), &goodput);
    report.judge("C1", &text("p99 of what is done, ms"), Bound::AtMost(500.0), &p99);
    report.judge("C1", &text("p99 × that at 0.7"), Bound::AtMost(3.0), &[p99[0] / p99_at_ease]);
    let refused = tally.refused.value_at_percentile(99.0) as f64 / 1e3;
    report.judge("C1", &text("p99 of refusals, ms"), Bound::AtMost(50.0), &[refused]);
}
