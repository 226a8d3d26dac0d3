//! Bytes: uploads at once, beside the one that is held in memory, and ranges, beside nginx.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use tokio::process::Command;

use super::{PLATFORM, Site, Stage, Variant, ladder, watched};
use crate::beside::Beside;
use crate::load::{self, Request};
use crate::measure::Target;
use crate::platform::Topology;
use crate::report::{Basis, Bound, Figures};

/// A clip of some seconds, as phones make them, and one that makes memory show.
const CLIP_MIB: usize = 15;
const LARGE_MIB: usize = 50;
/// Uploads at once.
const MANY: usize = 16;
/// What one upload may take, in MiB.
const EACH_MIB: f64 = 16.0;
/// Clients that read ranges, and how much each asks for.
const READERS: usize = 16;
const RANGE_BYTES: u64 = 1024 * 1024;

/// A closed loop of one client that ends after its first answer.
const ONCE: Duration = Duration::from_millis(1);

const BUFFERED: &str = "held in memory, 16 × 50 MiB";
const PLATFORM_MANY: &str = "platform, 16 × 50 MiB";

pub async fn upload(stage: &mut Stage<'_>) -> Result<()> {
    let scratch = stage.scratch()?;
    let clip = clip(scratch.path()).await?;
    let folder = scratch.path().join("buffered").display().to_string();
    let buffered = stage.beside(&["buffered-upload", "--dir", &folder])?;
    let (platform, token) = (&stage.site.platform, stage.site.token(1));
    let publish = |mib| {
        let fields = [("token", token), ("title", "a clip")];
        let request = Request::upload("/douyin/publish/action/", &fields, &padded(&clip, mib));
        move || request.clone()
    };
    let before = platform.target.memory_mib();
    let buffered_before = buffered.target.memory_mib();
    // First, while its memory is still that of one that has had no uploads.
    let mut sizes = Vec::new();
    for mib in [5, 150] {
        let mut next = publish(mib);
        let one = async { Ok(load::closed(&platform.target.addresses, 1, stage.time, &mut next).await) };
        let (tally, spent, peak) = watched(&platform.target, one).await?;
        let name = format!("platform, 1 × {mib} MiB");
        stage.blame(&name, &tally);
        sizes.push(Figures::of(&stage.scenario, &name, 0, &tally, &spent, peak));
    }
    let growth = sizes[1].peak_mib / sizes[0].peak_mib;
    stage
        .interleave(vec![
            Variant::asked_by(MANY, BUFFERED, &buffered.target, publish(LARGE_MIB)),
            Variant::asked_by(MANY, PLATFORM_MANY, &platform.target, publish(LARGE_MIB)),
            Variant::asked_by(1, "platform, 1 × 15 MiB", &platform.target, publish(CLIP_MIB)),
        ])
        .await?;
    sizes.into_iter().for_each(|figures| stage.add(figures));
    let report = &mut *stage.report;
    let peak = |variant: &str| report.values(variant, |figures| figures.peak_mib);
    let taken: Vec<f64> = peak(PLATFORM_MANY).iter().map(|peak| peak - before).collect();
    let each: Vec<f64> = taken.iter().map(|taken| taken / MANY as f64).collect();
    let others = peak(BUFFERED).into_iter().map(|peak| peak - buffered_before);
    let memory: Vec<f64> = taken.iter().zip(others).map(|(own, other)| own / other).collect();
    let cpu = report.ratios(PLATFORM_MANY, BUFFERED, Basis::Cpu);
    report.judge("G10", "highest memory with 150 MiB × that with 5", Bound::AtMost(1.25), &[growth]);
    report.judge("G10", "memory for each of 16 uploads, MiB", Bound::AtMost(EACH_MIB), &each);
    report.judge("G11", "memory 16 uploads take × when held in memory", Bound::AtMost(0.1), &memory);
    // By CPU, ffmpeg's apart: the baseline looks at no clip, so its bytes a second compare with nothing.
    report.judge("G11", "uploads with the same CPU × when held in memory", Bound::AtLeast(2.0), &cpu);
    playable(stage, scratch.path()).await?;
    ladder::quiet(stage).await?;
    stage.check()
}

/// What makes a phone's clip playable, beside encoding it anew: one of 15 s, as it plays.
async fn playable(stage: &mut Stage<'_>, folder: &Path) -> Result<()> {
    const ENCODED: &str = "encoded anew";
    const PLAYABLE: &str = "platform, 15 s of 1080p30";
    let path = folder.join("phone.mp4");
    film("1920x1080", 15, &path).await?;
    let fields = [("token", stage.site.token(1)), ("title", "a clip")];
    let request = Request::upload("/douyin/publish/action/", &fields, &std::fs::read(&path)?.into());
    let platform = &stage.site.platform.target;
    let own = Target { pids: vec![std::process::id()], ..Target::default() };
    for round in 0..stage.rounds {
        let mut next = || request.clone();
        let publish = async { Ok(load::closed(&platform.addresses, 1, ONCE, &mut next).await) };
        let (tally, spent, peak) = watched(platform, publish).await?;
        stage.blame(PLAYABLE, &tally);
        stage.add(Figures::of(&stage.scenario, PLAYABLE, round, &tally, &spent, peak));
        let encode = async {
            encode(&path, &folder.join("anew.mp4")).await?;
            Ok(tally.clone())
        };
        let (tally, spent, peak) = watched(&own, encode).await?;
        stage.add(Figures::of(&stage.scenario, ENCODED, round, &tally, &spent, peak));
    }
    let report = &mut *stage.report;
    let cpu = |variant: &str| report.values(variant, |figures| figures.cpu_us + figures.children_cpu_us);
    let share: Vec<f64> = cpu(PLAYABLE).iter().zip(cpu(ENCODED)).map(|(own, other)| own / other).collect();
    report.judge(
        "G15",
        "a clip made playable, share of the CPU that encodes it",
        Bound::AtMost(0.05),
        &share,
    );
    Ok(())
}

pub async fn range_read(stage: &mut Stage<'_>) -> Result<()> {
    let Site { platform, dataset, .. } = stage.site;
    let (scratch, file) = (stage.scratch()?, dataset.range_file());
    let files = scratch.path().join("files");
    let path = files.join("media").join(&file.key);
    std::fs::create_dir_all(path.parent().unwrap_or(&files))?;
    std::fs::write(&path, file.content())?;
    let nginx = Beside::nginx(stage.plan.cores, scratch.path(), &files).await?;
    let hi = stage.beside(&["hi"])?;
    let ranges = |of: u64| {
        let (mut rng, key, length) = (dataset.rng(of), &file.key, file.bytes as u64);
        move || {
            let first = rng.u64(..length - RANGE_BYTES);
            Request::range(format_args!("/media/{key}"), first, first + RANGE_BYTES - 1)
        }
    };
    let mut variants = Vec::new();
    match &nginx {
        Some(nginx) => variants.push(Variant::asked_by(READERS, "nginx", &nginx.target, ranges(1))),
        None => println!("range-read: nginx is not installed, so nothing is measured beside it"),
    }
    variants.push(Variant::asked_by(READERS, PLATFORM, &platform.target, ranges(1)));
    variants.push(Variant::asked_by(READERS, "hi", &hi.target, || Request::get("/")));
    stage.interleave(variants).await?;
    let report = &mut *stage.report;
    let more: Vec<f64> =
        report.ratios(PLATFORM, "nginx", Basis::Cpu).iter().map(|ratio| 1.0 / ratio).collect();
    let rate = report.ratios(PLATFORM, "nginx", Basis::Rate);
    report.judge("G12", "ranges, CPU × nginx's", Bound::AtMost(6.0), &more);
    if stage.plan.topology == Topology::One {
        report.judge("stretch", "ranges, share of nginx's bytes a second", Bound::AtLeast(0.7), &rate);
    }
    Ok(())
}

/// A short clip that needs no encoding.
async fn clip(folder: &Path) -> Result<Vec<u8>> {
    let path = folder.join("clip.mp4");
    film("640x360", 2, &path).await?;
    std::fs::read(&path).context("read the clip")
}

/// Makes a clip of this size and so many seconds.
pub async fn film(size: &str, seconds: u32, path: &Path) -> Result<()> {
    let source = format!("testsrc2=size={size}:rate=30:duration={seconds}");
    let tone = format!("sine=duration={seconds}");
    let mut ffmpeg = ffmpeg();
    ffmpeg.args(["-f", "lavfi", "-i", &source, "-f", "lavfi", "-i", &tone, "-c:a", "aac"]);
    ffmpeg.args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]).arg(path);
    ensure!(ffmpeg.status().await.context("start ffmpeg")?.success(), "ffmpeg makes no clip");
    Ok(())
}

/// Encodes a clip as the platform encodes one that does not play as it is.
async fn encode(from: &Path, to: &Path) -> Result<()> {
    let mut ffmpeg = ffmpeg();
    ffmpeg.arg("-i").arg(from).args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-c:a", "aac"]);
    ffmpeg.args(["-movflags", "+faststart"]).arg(to);
    ensure!(ffmpeg.status().await.context("start ffmpeg")?.success(), "ffmpeg encodes no clip");
    Ok(())
}

pub fn ffmpeg() -> Command {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-y"]);
    ffmpeg
}

/// A clip made this large by a box that players skip: the bytes travel, and cost ffmpeg nothing.
fn padded(clip: &[u8], mib: usize) -> Bytes {
    let padding = (mib * 1024 * 1024).saturating_sub(clip.len()).max(8);
    let length = u32::try_from(padding).unwrap_or(u32::MAX);
    let mut file = [clip, &length.to_be_bytes(), b"free"].concat();
    file.resize(clip.len() + padding, 0);
    file.into()
}
