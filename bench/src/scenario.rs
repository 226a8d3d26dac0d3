//! The scenarios: what is asked of the platform, what is measured beside it, and which goals that judges.

mod feed;
mod for_you;
mod idle;
mod ladder;
mod like;
mod lists;
mod login;
mod media;
mod mixed;
mod modern;
mod overload;
mod quality;
mod start;
mod tracing;
mod write;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;
use futures_util::future::LocalBoxFuture;

use crate::baseline::Outcome;
use crate::beside::Beside;
use crate::data::{Dataset, Rng};
use crate::load::{self, Request, Tally};
use crate::measure::{Spent, Target, noise};
use crate::platform::{Plan, Platform};
use crate::report::{Figures, Report};

/// The clients of a closed loop, where nothing else is said.
const CLIENTS: usize = 64;
/// The part of a round's time before it is measured.
const WARM_UP: f64 = 0.15;
/// The name of the platform among the variants.
const PLATFORM: &str = "platform";

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// The newest page without a login, beside the limits of such an answer (G1)
    FeedAnonymous,
    /// The newest page for somebody, beside the limit and the feed of 121 statements (G2, G3, G4, G6)
    FeedViewer,
    /// Later pages up to the thousandth, without gaps or repeats (G5)
    FeedPaging,
    /// Profiles and the lists on them
    Profile,
    /// 10,000 clients who do nothing and 64 who upload slowly: memory, before others have used it
    Idle,
    /// Each read of `/api/v1` by two clients
    Modern,
    /// Videos chosen for people with planted tastes, beside the newest and the most liked
    ForYou,
    /// Likes of many videos, beside a transaction for each (G8)
    LikeSpread,
    /// Likes of one video, beside a transaction for each and the natural order (G7, G9)
    LikeHot,
    /// Comments, written and listed
    Comment,
    /// Follows and their ends
    Follow,
    /// Messages, written and polled for
    Chat,
    /// A flood of logins, and what the feed suffers from it (G14)
    Login,
    /// Uploads at once, beside the upload that is held in memory (G10, G11)
    Upload,
    /// A clip until all its renditions are made, beside one ffmpeg, and what viewers notice of it
    Ladder,
    /// Bytes of renditions, beside PeerTube's default settings at the same likeness to the clip
    Quality,
    /// Ranges of 1 MiB, beside nginx (G12)
    RangeRead,
    /// Four reads to a write
    Mixed,
    /// From the command to the first answer on an empty folder, and the memory then
    Start,
    /// One request in a hundred traced, with and without a collector (G16)
    Tracing,
    /// More than can be done, on a schedule (G13)
    Overload,
}

impl Scenario {
    /// Those of a run that names none: some minutes that show a change for the worse.
    pub const SMOKE: [Self; 6] =
        [Self::FeedAnonymous, Self::FeedViewer, Self::LikeSpread, Self::LikeHot, Self::Mixed, Self::Start];

    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Measures it.
    pub async fn run(self, stage: &mut Stage<'_>) -> Result<()> {
        match self {
            Self::FeedAnonymous => feed::anonymous(stage).await,
            Self::FeedViewer => feed::viewer(stage).await,
            Self::FeedPaging => feed::paging(stage).await,
            Self::Profile => lists::profile(stage).await,
            Self::ForYou => for_you::for_you(stage).await,
            Self::Modern => modern::modern(stage).await,
            Self::LikeSpread => like::spread(stage).await,
            Self::LikeHot => like::hot(stage).await,
            Self::Comment => write::comment(stage).await,
            Self::Follow => write::follow(stage).await,
            Self::Chat => write::chat(stage).await,
            Self::Login => login::flood(stage).await,
            Self::Upload => media::upload(stage).await,
            Self::Ladder => ladder::ladder(stage).await,
            Self::Quality => quality::quality(stage).await,
            Self::RangeRead => media::range_read(stage).await,
            Self::Mixed => mixed::mixed(stage).await,
            Self::Start => start::start(stage).await,
            Self::Tracing => tracing::tracing(stage).await,
            Self::Overload => overload::overload(stage).await,
            Self::Idle => idle::idle(stage).await,
        }
    }
}

/// What a scenario works with.
pub struct Stage<'a> {
    /// What platforms are made of.
    pub plan: &'a Plan,
    /// What is measured.
    pub site: &'a Site,
    /// The same with 1,000 videos, to see what more of them cost; none when that is all there is.
    pub small: Option<&'a Site>,
    /// The time of a variant in a round.
    pub time: Duration,
    /// How often each variant is measured.
    pub rounds: usize,
    /// How many programs wanted a core before this run.
    pub load_before: f64,
    /// Where what is found goes.
    pub report: &'a mut Report,
    /// The scenario's name.
    pub scenario: String,
}

/// A platform that runs, and who is on it.
pub struct Site {
    /// How many videos there are: `1k`, `100k` or `1m`.
    pub scale: String,
    /// Who exists, and what.
    pub dataset: Dataset,
    /// The platform.
    pub platform: Platform,
    /// The login of each user, in order.
    logins: Vec<String>,
}

impl Site {
    /// Starts it.
    pub async fn start(plan: &Plan, scale: &str) -> Result<Self> {
        let dataset = Dataset::scale(scale).context("find the dataset")?;
        let platform = plan.start(&dataset, scale).await?;
        let logins = (1..=dataset.users).map(|user| platform.signer.token(user)).collect::<Result<_>>()?;
        Ok(Self { scale: scale.to_owned(), dataset, platform, logins })
    }

    /// The login of a user.
    pub fn token(&self, user: u64) -> &str {
        &self.logins[user as usize - 1]
    }

    /// The login of anybody.
    pub fn anyone(&self, rng: &mut Rng) -> &str {
        self.token(self.dataset.user(rng))
    }
}

/// One of those measured in turn.
pub struct Variant<'a> {
    name: &'a str,
    work: Work<'a>,
}

enum Work<'a> {
    /// A server asked in a closed loop.
    Asked { target: &'a Target, clients: usize, next: Box<dyn FnMut() -> Request + 'a> },
    /// A baseline that measures itself.
    Own(Box<dyn FnMut(f64) -> LocalBoxFuture<'a, Result<Outcome>> + 'a>),
}

impl<'a> Variant<'a> {
    /// A server asked by [`CLIENTS`].
    pub fn asked(name: &'a str, target: &'a Target, next: impl FnMut() -> Request + 'a) -> Self {
        Self::asked_by(CLIENTS, name, target, next)
    }

    /// A server asked by so many clients.
    pub fn asked_by(
        clients: usize,
        name: &'a str,
        target: &'a Target,
        next: impl FnMut() -> Request + 'a,
    ) -> Self {
        Self { name, work: Work::Asked { target, clients, next: Box::new(next) } }
    }

    /// A baseline that measures itself, for so many seconds.
    pub fn own(name: &'a str, work: impl FnMut(f64) -> LocalBoxFuture<'a, Result<Outcome>> + 'a) -> Self {
        Self { name, work: Work::Own(Box::new(work)) }
    }
}

impl Stage<'_> {
    /// Measures variants in turn, A B B A: what drifts during the run is the same for all.
    pub async fn interleave(&mut self, mut variants: Vec<Variant<'_>>) -> Result<()> {
        for round in 0..self.rounds {
            let mut order: Vec<&mut Variant<'_>> = variants.iter_mut().collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for variant in order {
                let figures = self.measure(variant, round).await;
                let figures = figures.with_context(|| format!("{}: {}", self.scenario, variant.name))?;
                self.add(figures);
            }
        }
        Ok(())
    }

    async fn measure(&mut self, variant: &mut Variant<'_>, round: usize) -> Result<Figures> {
        let (name, time) = (variant.name, self.time);
        let (target, clients, next) = match &mut variant.work {
            Work::Own(work) => {
                let outcome = work(time.as_secs_f64()).await?;
                return Ok(Figures::own(&self.scenario, name, round, &outcome));
            }
            Work::Asked { target, clients, next } => (*target, *clients, next),
        };
        load::closed(&target.addresses, clients, time.mul_f64(WARM_UP), next).await;
        let (tally, spent, peak_mib) =
            watched(target, async { Ok(load::closed(&target.addresses, clients, time, next).await) }).await?;
        self.blame(name, &tally);
        Ok(Figures::of(&self.scenario, name, round, &tally, &spent, peak_mib))
    }

    /// Adds figures, marked when the machine was noisy.
    pub fn add(&mut self, mut figures: Figures) {
        figures.noise = noise(self.load_before, self.plan.cores.count(), figures.stolen_percent);
        self.report.add(figures);
    }

    /// Reports requests of the platform that were neither done nor refused.
    pub fn blame(&mut self, variant: &str, tally: &Tally) {
        let wrong = tally.failed + tally.timed_out;
        if wrong > 0 && variant.starts_with(PLATFORM) {
            let Tally { failed, timed_out, faults, .. } = tally;
            self.report.fault(format!(
                "{}, {variant}: {failed} requests failed ({}), {timed_out} had no answer in time",
                self.scenario,
                faults.join("; ")
            ));
        }
    }

    /// Compares every counter with its rows after writes.
    pub fn check(&mut self) -> Result<()> {
        let faults = self.site.platform.faults()?;
        if let Some(first) = faults.first() {
            self.report.fault(format!(
                "{}: fsck finds {} faults, the first {first}",
                self.scenario,
                faults.len()
            ));
        }
        Ok(())
    }

    /// A limit or a baseline of this program.
    pub fn beside(&self, words: &[&str]) -> Result<Beside> {
        Beside::limit(self.plan.cores, words)
    }

    /// A folder for this scenario's files, empty.
    pub fn scratch(&self) -> Result<tempfile::TempDir> {
        tempfile::tempdir_in(&self.plan.work).context("make a folder")
    }

    /// An answer of the feed in a file, for the limits.
    pub async fn page(&self, folder: &Path) -> Result<PathBuf> {
        let file = folder.join("page.json");
        std::fs::write(&file, self.site.platform.fetch("/douyin/feed/").await?)?;
        Ok(file)
    }
}

/// Reads what a target has used before and after some load, and its highest memory in between.
pub async fn watched(
    target: &Target,
    load: impl Future<Output = Result<Tally>>,
) -> Result<(Tally, Spent, f64)> {
    target.forget_peak();
    let before = target.read().await?;
    let tally = load.await?;
    let spent = target.read().await?.since(&before);
    Ok((tally, spent, target.peak_mib()))
}
