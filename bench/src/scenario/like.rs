//! Likes: of many videos and of one, beside those with a transaction each. Callers are answered after the
//! commit is on the disk, here and there.

use anyhow::{Context, Result};
use futures_util::FutureExt;

use super::{CLIENTS, PLATFORM, Site, Stage, Variant};
use crate::baseline::{
    self, Durability, Order, Outcome, Spread, Writers, tx_per_like_mysql, tx_per_like_sqlite,
};
use crate::load::Request;
use crate::platform::Database;
use crate::report::{Basis, Bound};

const ONE_EACH: &str = "a transaction each";
const NATURAL: &str = "natural order, 16";
/// Connections on which the natural order is measured: with more it stands still.
const NATURAL_CONNECTIONS: usize = 16;
/// Likes that may be taken back or repeated.
const REMEMBERED: usize = 4_096;

pub async fn spread(stage: &mut Stage<'_>) -> Result<()> {
    let site = stage.site;
    let mut variants = baselines(stage, Spread::Zipf)?;
    variants.push(Variant::asked(PLATFORM, &site.platform.target, likes(site)));
    stage.interleave(variants).await?;
    let ratios = stage.report.ratios(PLATFORM, ONE_EACH, Basis::Rate);
    let bound = Bound::AtLeast(if stage.plan.database == Database::Sqlite { 10.0 } else { 1.5 });
    stage.report.judge("G8", "likes of many videos, × a transaction each", bound, &ratios);
    stage.check()
}

pub async fn hot(stage: &mut Stage<'_>) -> Result<()> {
    let site = stage.site;
    let Site { platform, dataset, .. } = site;
    let (video, mut number) = (dataset.hot_video(), 0);
    let mut variants = baselines(stage, Spread::Hot)?;
    // Everybody likes it, then everybody takes that back: nearly every request changes something.
    let next = || {
        let (user, turn) = (number % dataset.users + 1, number / dataset.users);
        number += 1;
        like(site.token(user), video, turn % 2 == 1)
    };
    variants.push(Variant::asked(PLATFORM, &platform.target, next));
    let sync = baseline::fdatasync(&platform.folder)?;
    println!("fdatasync of 4 KiB: p50 {:.2?}, p99 {:.2?}", sync.p50, sync.p99);
    stage.interleave(variants).await?;
    let report = &mut *stage.report;
    let of_each = report.ratios(PLATFORM, ONE_EACH, Basis::Rate);
    let of_natural = report.ratios(PLATFORM, NATURAL, Basis::Rate);
    let on_sqlite = stage.plan.database == Database::Sqlite;
    let bound = Bound::AtLeast(if on_sqlite { 40.0 } else { 3.0 });
    report.judge("G7", "likes of one video, × a transaction each", bound, &of_each);
    report.judge("G7", "likes of one video, × the natural order", Bound::AtLeast(100.0), &of_natural);
    if on_sqlite {
        let syncs = report.values(PLATFORM, |figures| figures.p99_ms / 1e3 / sync.p50.as_secs_f64());
        report.judge("G9", "likes of one video, p99 in syncs of the disk", Bound::AtMost(10.0), &syncs);
    }
    let retries = report.values(PLATFORM, |figures| figures.retries);
    report.judge("G9", "likes of one video, transactions tried again", Bound::AtMost(0.0), &retries);
    stage.check()
}

/// Likes by popularity: of a hundred 20 are taken back and 5 said again.
pub fn likes(site: &Site) -> impl FnMut() -> Request + '_ {
    let dataset = &site.dataset;
    let mut rng = dataset.rng(1);
    let mut given: Vec<(&str, u64)> = Vec::new();
    move || {
        let chance = rng.u8(..100);
        if chance < 25 && !given.is_empty() {
            let at = rng.usize(..given.len());
            let (token, video) = given[at];
            if chance < 20 {
                given.swap_remove(at);
            }
            return like(token, video, chance < 20);
        }
        let (token, video) = (site.anyone(&mut rng), dataset.video(&mut rng));
        if given.len() < REMEMBERED {
            given.push((token, video));
        }
        like(token, video, false)
    }
}

fn like(token: &str, video: u64, back: bool) -> Request {
    let action = if back { 2 } else { 1 };
    Request::post(format_args!(
        "/douyin/favorite/action/?token={token}&video_id={video}&action_type={action}"
    ))
}

/// The designs the platform's is measured beside, on scratch databases of their own.
fn baselines<'a>(stage: &Stage<'_>, spread: Spread) -> Result<Vec<Variant<'a>>> {
    if stage.plan.database == Database::Sqlite {
        let likes = |writers, durability, callers| {
            let folder = stage.plan.work.clone();
            move |seconds| {
                let done = tx_per_like_sqlite(&folder, writers, durability, spread, callers, seconds);
                async move { done }.boxed_local()
            }
        };
        return Ok(vec![
            Variant::own(ONE_EACH, likes(Writers::One, Durability::Full, CLIENTS)),
            Variant::own("each by its own, 16", likes(Writers::EachCaller, Durability::Full, 16)),
            Variant::own("each, not synced", likes(Writers::One, Durability::Normal, CLIENTS)),
        ]);
    }
    let password = stage.site.platform.password_file.as_ref().context("find the database's password")?;
    let password = std::fs::read_to_string(password)?.trim().to_owned();
    let address = stage.site.platform.database.clone();
    let likes = move |order, connections| {
        let (address, password) = (address.clone(), password.clone());
        move |seconds| {
            let (address, password) = (address.clone(), password.clone());
            let work = async move {
                tx_per_like_mysql(&address, &password, order, spread, connections, seconds).await
            };
            work.boxed_local() as futures_util::future::LocalBoxFuture<'a, Result<Outcome>>
        }
    };
    let mut variants = vec![Variant::own(ONE_EACH, likes(Order::CounterFirst, CLIENTS))];
    if spread == Spread::Hot {
        variants.push(Variant::own(NATURAL, likes(Order::LikeFirst, NATURAL_CONNECTIONS)));
    }
    Ok(variants)
}
