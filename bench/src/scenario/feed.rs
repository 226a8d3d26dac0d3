//! The feed: the newest page for anybody and for somebody, and the pages after it.

use std::collections::HashSet;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{PLATFORM, Site, Stage, Variant};
use crate::load::Request;
use crate::platform::{Database, Platform, Topology};
use crate::report::{Basis, Bound};

/// A page that nobody reaches by hand.
const DEEP: u64 = 1_000;
/// Pages that are read one after the other.
const WALKED: usize = 40;

pub async fn anonymous(stage: &mut Stage<'_>) -> Result<()> {
    let scratch = stage.scratch()?;
    let page = stage.page(scratch.path()).await?.display().to_string();
    let serialise = stage.beside(&["serialise", "--page", &page])?;
    let bytes = stage.beside(&["bytes", "--page", &page])?;
    let ask = || Request::get("/douyin/feed/");
    let platform = &stage.site.platform;
    stage
        .interleave(vec![
            Variant::asked("serialise (L1)", &serialise.target, ask),
            Variant::asked("bytes", &bytes.target, ask),
            Variant::asked(PLATFORM, &platform.target, ask),
        ])
        .await?;
    let report = &mut *stage.report;
    let of_serialise = report.ratios(PLATFORM, "serialise (L1)", Basis::Cpu);
    let of_bytes = report.ratios(PLATFORM, "bytes", Basis::Cpu);
    if stage.plan.topology == Topology::One {
        report.judge("G1", "anonymous feed, share of L1 by CPU", Bound::AtLeast(0.6), &of_serialise);
        report.judge("G1", "anonymous feed from kept bytes, × L1 by CPU", Bound::AtLeast(1.5), &of_serialise);
        report.judge(
            "stretch",
            "anonymous feed, share of the bare bytes by CPU",
            Bound::AtLeast(0.8),
            &of_bytes,
        );
    }
    Ok(())
}

pub async fn viewer(stage: &mut Stage<'_>) -> Result<()> {
    let scratch = stage.scratch()?;
    let page = stage.page(scratch.path()).await?.display().to_string();
    let serialise = stage.beside(&["serialise", "--page", &page])?;
    let site = stage.site;
    let Site { platform, dataset, .. } = site;
    let password = platform.password_file.as_ref().map(|file| file.display().to_string());
    let mut words = vec!["n-plus-one", "--database", &platform.database];
    words.extend(password.iter().flat_map(|file| ["--password-file", file]));
    let n_plus_one = stage.beside(&words)?;
    // What it costs its database server is that server's.
    let mut n_plus_one_target = n_plus_one.target.clone();
    n_plus_one_target.database_pids.clone_from(&platform.target.database_pids);
    let (mut rng, mut other) = (dataset.rng(1), dataset.rng(1));
    stage
        .interleave(vec![
            Variant::asked("serialise (L1)", &serialise.target, || Request::get("/")),
            Variant::asked("121 statements", &n_plus_one_target, || {
                Request::get(format_args!("/?viewer={}", dataset.user(&mut other)))
            }),
            Variant::asked(PLATFORM, &platform.target, || feed(site.anyone(&mut rng))),
        ])
        .await?;
    let report = &mut *stage.report;
    let of_limit = report.ratios(PLATFORM, "serialise (L1)", Basis::Cpu);
    let of_n_plus_one = report.ratios(PLATFORM, "121 statements", Basis::Rate);
    let calls = report.values(PLATFORM, |figures| figures.calls);
    match (stage.plan.topology, stage.plan.database) {
        (Topology::One, Database::Sqlite) => {
            report.judge("G2", "viewer's feed, share of L1 by CPU", Bound::AtLeast(0.25), &of_limit);
            report.judge("stretch", "viewer's feed, share of L1 by CPU", Bound::AtLeast(0.5), &of_limit);
        }
        (Topology::One, Database::Mariadb) => {}
        (Topology::Cluster, _) => {
            report.judge("G3", "viewer's feed, share of L1 by CPU", Bound::AtLeast(0.12), &of_limit);
            report.judge("G3", "viewer's feed, calls", Bound::AtMost(1.0), &calls);
            report.judge("stretch", "viewer's feed, share of L1 by CPU", Bound::AtLeast(0.15), &of_limit);
        }
    }
    if stage.plan.database == Database::Mariadb {
        report.judge("G4", "viewer's feed, × 121 statements", Bound::AtLeast(10.0), &of_n_plus_one);
        // On SQLite the counter takes every look-up of one statement for itself.
        let statements = report.values(PLATFORM, |figures| figures.statements);
        report.judge("G6", "viewer's feed, statements", Bound::AtMost(3.0), &statements);
    }
    Ok(())
}

pub async fn paging(stage: &mut Stage<'_>) -> Result<()> {
    walk(&stage.site.platform).await?;
    let (site, small) = (stage.site, stage.small);
    let Site { platform, dataset, .. } = site;
    let page = |number: u64, of: u64| {
        let mut rng = dataset.rng(of);
        move || after(site.anyone(&mut rng), dataset.cursor(number))
    };
    let mut rng = dataset.rng(4);
    let any = || after(site.anyone(&mut rng), dataset.moment(&mut rng));
    let mut variants = vec![
        Variant::asked("platform, page 1", &platform.target, page(0, 1)),
        Variant::asked("platform, page 2", &platform.target, page(1, 2)),
        Variant::asked("platform, page 1000", &platform.target, page(DEEP - 1, 3)),
        Variant::asked("platform, any moment", &platform.target, any),
    ];
    if let Some(site) = small {
        let mut rng = site.dataset.rng(5);
        let any = move || after(site.anyone(&mut rng), site.dataset.moment(&mut rng));
        variants.push(Variant::asked("1k videos, any moment", &site.platform.target, any));
    }
    stage.interleave(variants).await?;
    let ratios = stage.report.ratios("platform, page 1000", "platform, page 1", Basis::P50);
    stage.report.judge("G5", "page 1000, median × that of page 1", Bound::AtMost(1.3), &ratios);
    // No page that begins at a moment of chance is kept, however few videos there are.
    stage.flat("platform, any moment", "1k videos, any moment");
    Ok(())
}

impl Stage<'_> {
    /// Judges what more videos cost: a variant here, and the same where there are 1,000.
    pub fn flat(&mut self, here: &str, small: &str) {
        let text = |what: &str| format!("{here}: {what} × that with 1k videos");
        let (p50, p99) =
            (self.report.ratios(here, small, Basis::P50), self.report.ratios(here, small, Basis::P99));
        self.report.judge("G5", &text("median"), Bound::AtMost(1.3), &p50);
        self.report.judge("flat", &text("p99"), Bound::AtMost(1.5), &p99);
    }
}

/// The newest page for somebody, as the Android app asks for it.
pub fn feed(token: &str) -> Request {
    Request::get(format_args!("/douyin/feed/?token={token}"))
}

fn after(token: &str, cursor: i64) -> Request {
    Request::get(format_args!("/douyin/feed/?token={token}&latest_time={cursor}"))
}

/// Reads pages one after the other: each video once, newest first.
async fn walk(platform: &Platform) -> Result<()> {
    let (mut seen, mut cursor, mut last) = (HashSet::new(), 0, i64::MAX);
    for page in 0..WALKED {
        let text = platform.fetch(&format!("/douyin/feed/?latest_time={cursor}")).await?;
        let json: Value = serde_json::from_slice(&text)?;
        let videos = json["video_list"].as_array().map_or(&[][..], Vec::as_slice);
        let ids: Vec<i64> = videos.iter().filter_map(|video| video["id"].as_i64()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let whole = ids.len() == videos.len() && ids.iter().all(|id| seen.insert(*id));
        ensure!(whole, "page {page} of the feed repeats a video");
        cursor = json["next_time"].as_i64().unwrap_or_default();
        ensure!(cursor < last, "page {page} of the feed does not lead on");
        last = cursor;
    }
    Ok(())
}
