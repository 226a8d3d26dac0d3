//! A phone's clip until all its renditions are made, beside one ffmpeg written by hand for the same; and what
//! viewers notice of it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::time::sleep;

use super::media::film;
use super::{Stage, Variant, watched};
use crate::load::{self, Request};
use crate::report::{Basis, Bound, Figures};

/// A closed loop of one client that ends after its first answer.
pub const ONCE: Duration = Duration::from_millis(1);
/// How long a ladder may take.
const PATIENCE: Duration = Duration::from_secs(300);
const SIZES: usize = 3;

const LADDER: &str = "platform, every rendition";
const BY_HAND: &str = "ffmpeg by hand";
const QUIET: &str = "platform, feed";
const BUSY: &str = "platform, feed while two are encoded";

pub async fn ladder(stage: &mut Stage<'_>) -> Result<()> {
    let scratch = stage.scratch()?;
    let path = scratch.path().join("phone.mp4");
    film("1920x1080", 15, &path).await?;
    let fields = [("token", stage.site.token(1)), ("title", "a clip")];
    let publish = Request::upload("/douyin/publish/action/", &fields, &std::fs::read(&path)?.into());
    for round in 0..stage.rounds {
        whole(stage, &publish, round).await?;
        by_hand(stage, &path, scratch.path(), round).await?;
    }
    let waited = stage.report.values(LADDER, |figures| figures.p50_ms);
    let other = stage.report.values(BY_HAND, |figures| figures.p50_ms);
    let ratios: Vec<f64> = waited.iter().zip(other).map(|(own, other)| own / other).collect();
    stage.report.judge("media", "every rendition, time × ffmpeg's by hand", Bound::AtMost(1.15), &ratios);
    viewers(stage, &publish).await?;
    stage.check()
}

/// From the answer to a publication to the last rendition.
async fn whole(stage: &mut Stage<'_>, publish: &Request, round: usize) -> Result<()> {
    let target = &stage.site.platform.target;
    let mut waited = Duration::ZERO;
    let work = async {
        let tally = load::closed(&target.addresses, 1, ONCE, &mut || publish.clone()).await;
        let began = Instant::now();
        made(stage, newest(stage).await?, SIZES).await?;
        waited = began.elapsed();
        Ok(tally)
    };
    let (tally, spent, peak) = watched(target, work).await?;
    stage.blame(LADDER, &tally);
    let mut figures = Figures::of(&stage.scenario, LADDER, round, &tally, &spent, peak);
    // What was answered at once, and what then took its time.
    (figures.p99_ms, figures.p50_ms) = (figures.p50_ms, waited.as_secs_f64() * 1e3);
    stage.add(figures);
    Ok(())
}

/// The same sizes and pictures by one command, on the same core; its sound stays as loud as it was.
async fn by_hand(stage: &mut Stage<'_>, clip: &Path, folder: &Path, round: usize) -> Result<()> {
    const SPLIT: &str = "[0:v]split=6[a][b][c][d][e][f];[a]scale=-2:480[v480];[b]scale=-2:720[v720];\
        [c]scale=-2:1080[v1080];[d]trim=1:4,setpts=PTS-STARTPTS,fps=8,scale=240:-2[moving];\
        [e]fps=1/2,scale=160:90,tile=8x1[board];[f]select=eq(n\\,30),split=4[j][w][x][y];[j]null[jpg];\
        [w]null[webp];[x]scale=480:-2[smalljpg];[y]scale=480:-2[smallwebp]";
    let mut command = stage.plan.cores.command("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y", "-i"]).arg(clip).args(["-filter_complex", SPLIT]);
    for (size, crf, rate, buffer) in
        [("480", "24", "1000k", "2000k"), ("720", "23", "2200k", "4400k"), ("1080", "23", "4500k", "9000k")]
    {
        let picture = format!("[v{size}]");
        command
            .args(["-map", &picture, "-map", "0:a", "-c:v", "libx264", "-preset", "veryfast", "-crf", crf]);
        command.args(["-maxrate", rate, "-bufsize", buffer, "-pix_fmt", "yuv420p", "-r", "30"]);
        command.args(["-force_key_frames", "expr:gte(t,n_forced*2)", "-threads", "2"]);
        command.args(["-bf", "5", "-rc-lookahead", "20", "-refs", "2"]);
        command.args(["-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart"]);
        command.arg(folder.join(format!("{size}.mp4")));
    }
    for picture in ["moving.webp", "board.jpg", "jpg.jpg", "webp.webp", "smalljpg.jpg", "smallwebp.webp"] {
        let (name, kind) = picture.split_once('.').context("a file's name")?;
        command.args(["-map", &format!("[{name}]")]);
        match kind {
            "jpg" => command.args(["-frames:v", "1", "-q:v", "5", "-update", "1"]),
            _ => command.args(["-c:v", "libwebp", "-quality", "75", "-loop", "0"]),
        };
        command.arg(folder.join(picture));
    }
    let began = Instant::now();
    let status = tokio::process::Command::from(command).status().await.context("start ffmpeg")?;
    ensure!(status.success(), "ffmpeg encodes no clip");
    let p50_ms = began.elapsed().as_secs_f64() * 1e3;
    let scenario = stage.scenario.clone();
    stage.add(Figures { scenario, variant: BY_HAND.into(), round, p50_ms, ..Figures::default() });
    Ok(())
}

/// What people who look at the feed notice of encodes beside it.
async fn viewers(stage: &mut Stage<'_>, publish: &Request) -> Result<()> {
    let site = stage.site;
    let mut rng = site.dataset.rng(9);
    let mut feed = || Request::get(format_args!("/douyin/feed/?token={}", site.anyone(&mut rng)));
    stage.interleave(vec![Variant::asked(QUIET, &site.platform.target, &mut feed)]).await?;
    let target = &site.platform.target;
    let mut last = 0;
    for _ in 0..2 * stage.rounds.max(1) {
        load::closed(&target.addresses, 1, ONCE, &mut || publish.clone()).await;
        last = newest(stage).await?;
    }
    stage.interleave(vec![Variant::asked(BUSY, target, &mut feed)]).await?;
    let slower = stage.report.ratios(BUSY, QUIET, Basis::P99);
    stage.report.judge(
        "media",
        "p99 of the viewer's feed while encoding × without",
        Bound::AtMost(2.0),
        &slower,
    );
    made(stage, last, SIZES).await?;
    Ok(())
}

/// The newest video's number.
pub async fn newest(stage: &Stage<'_>) -> Result<i64> {
    let feed: Value = serde_json::from_slice(&stage.site.platform.fetch("/douyin/feed/").await?)?;
    feed["video_list"][0]["id"].as_i64().context("find the video in the feed")
}

/// Waits until what was published last has a rendition: it is the last in the queue, and what is measured next is
/// measured alone.
pub async fn quiet(stage: &Stage<'_>) -> Result<()> {
    made(stage, newest(stage).await?, 1).await?;
    Ok(())
}

/// Waits until a video has so many sizes, and says what there is to know about it.
pub async fn made(stage: &Stage<'_>, video: i64, sizes: usize) -> Result<Value> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let path = format!("/api/v1/videos/{video}");
        let detail: Value = serde_json::from_slice(&stage.site.platform.fetch(&path).await?)?;
        if detail["renditions"].as_array().is_some_and(|made| made.len() >= sizes) {
            return Ok(detail);
        }
        sleep(Duration::from_millis(50)).await;
    }
    bail!("video {video} has not all renditions after {PATIENCE:?}")
}
