//! A flood of logins: what the feed suffers from it, and what it costs in memory.

use anyhow::Result;

use super::feed::feed;
use super::{CLIENTS, Site, Stage, watched};
use crate::baseline;
use crate::data::{Dataset, PASSWORD};
use crate::load::{self, Request};
use crate::report::{Basis, Bound, Figures};

/// Connections that ask for the feed on a schedule.
const CONNECTIONS: usize = 256;
/// The feed's share of what the platform can do.
const SHARE: f64 = 0.2;
/// What the hashes done at once may take: one for each two cores, and some room.
const HASH_MIB: f64 = 19.0;
const ROOM_MIB: f64 = 32.0;

const LOGINS: &str = "platform, logins";
const CALM: &str = "platform, feed alone";
const FLOOD: &str = "platform, feed in the flood";

pub async fn flood(stage: &mut Stage<'_>) -> Result<()> {
    println!("one password's hash: {:.1?}", baseline::one_hash()?);
    let site = stage.site;
    let Site { platform, dataset, .. } = site;
    let (target, time) = (&platform.target, stage.time * 2);
    let (mut rng, mut who) = (dataset.rng(1), dataset.rng(2));
    let mut next = || feed(site.anyone(&mut rng));
    let mut login = || {
        let name = Dataset::user_name(dataset.user(&mut who));
        Request::post(format_args!("/douyin/user/login/?username={name}&password={PASSWORD}"))
    };
    let rate = load::closed(&target.addresses, CLIENTS, stage.time, &mut next).await.per_second() * SHARE;
    let mut growth = Vec::new();
    for round in 0..stage.rounds {
        let calm = async {
            let [first, second] = load::open(&target.addresses, CONNECTIONS, rate, time, &mut next).await?;
            Ok(first.then(second))
        };
        let (tally, spent, peak) = watched(target, calm).await?;
        stage.blame(CALM, &tally);
        stage.add(Figures::of(&stage.scenario, CALM, round, &tally, &spent, peak));
        let mut logins = None;
        let before = target.memory_mib();
        let flood = async {
            let open = load::open(&target.addresses, CONNECTIONS, rate, time, &mut next);
            let closed = load::closed(&target.addresses, CLIENTS, time, &mut login);
            let (halves, closed) = tokio::join!(open, closed);
            logins = Some(closed);
            let [first, second] = halves?;
            Ok(first.then(second))
        };
        let (tally, spent, peak) = watched(target, flood).await?;
        growth.push(peak - before);
        stage.blame(FLOOD, &tally);
        stage.add(Figures::of(&stage.scenario, FLOOD, round, &tally, &spent, peak));
        if let Some(tally) = logins {
            stage.blame(LOGINS, &tally);
            // Their CPU cannot be told from the feed's.
            stage.add(Figures::of(&stage.scenario, LOGINS, round, &tally, &Default::default(), peak));
        }
    }
    let hashes = if stage.plan.cores.are_apart() { 1 } else { (stage.plan.cores.count() / 2).max(1) };
    let report = &mut *stage.report;
    let slower = report.ratios(FLOOD, CALM, Basis::P99);
    let mut refusals = report.values(LOGINS, |figures| figures.refused_p99_ms);
    // Where nobody was refused there is nothing to judge.
    refusals.retain(|millis| *millis > 0.0);
    report.judge("G14", "feed in a flood of logins, p99 × without it", Bound::AtMost(2.0), &slower);
    let bound = HASH_MIB * hashes as f64 + ROOM_MIB;
    report.judge("G14", "memory a flood of logins takes, MiB", Bound::AtMost(bound), &growth);
    report.judge("C2", "refused logins, p99 in ms", Bound::AtMost(50.0), &refusals);
    Ok(())
}
