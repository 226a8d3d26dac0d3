//! More requests than can be done, on a schedule that does not wait: what is done all the same, how fast, and how
//! the rest is refused.

use std::time::Duration;

use anyhow::Result;

use super::feed::feed;
use super::{CLIENTS, PLATFORM, Stage, watched};
use crate::load::{self, Tally};
use crate::report::{Bound, Figures};

/// Connections of the schedule: more than wait for an answer at once, or the schedule would wait for them.
const CONNECTIONS: usize = 4_096;
/// What is offered, in capacities.
const OFFERED: [f64; 4] = [0.7, 1.5, 2.5, 3.0];
/// Long enough to see a queue grow.
const TIMES_THE_TIME: u32 = 5;

pub async fn overload(stage: &mut Stage<'_>) -> Result<()> {
    let site = stage.site;
    let (target, mut rng) = (&site.platform.target, site.dataset.rng(1));
    let mut next = || feed(site.anyone(&mut rng));
    let time = stage.time * TIMES_THE_TIME;
    load::closed(&target.addresses, CLIENTS, stage.time, &mut next).await;
    let closed = async { Ok(load::closed(&target.addresses, CLIENTS, stage.time * 2, &mut next).await) };
    let (tally, spent, peak) = watched(target, closed).await?;
    let capacity = tally.per_second();
    stage.add(Figures::of(&stage.scenario, "platform, capacity", 0, &tally, &spent, peak));
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
        let name = format!("{PLATFORM}, {offered} ×");
        stage.blame(&name, &tally);
        stage.add(Figures::of(&stage.scenario, &name, 0, &tally, &spent, peak));
        if offered < 1.0 {
            p99_at_ease = tally.millis(99.0);
        } else {
            judge(stage, offered, &tally, capacity, growth, p99_at_ease);
        }
    }
    // Whether it has recovered: as much as before, a moment later.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let closed = async { Ok(load::closed(&target.addresses, CLIENTS, stage.time, &mut next).await) };
    let (tally, spent, peak) = watched(target, closed).await?;
    stage.add(Figures::of(&stage.scenario, "platform, afterwards", 0, &tally, &spent, peak));
    let recovered = [tally.per_second() / capacity];
    stage.report.judge("C1", "done a second afterwards, share of before", Bound::AtLeast(0.9), &recovered);
    Ok(())
}

fn judge(stage: &mut Stage<'_>, offered: f64, tally: &Tally, capacity: f64, growth: f64, p99_at_ease: f64) {
    let text = |what: &str| format!("{offered} × capacity: {what}");
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
