//! How many bytes a rendition takes, beside PeerTube's default settings at the same likeness to the clip.

use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::media::ffmpeg;
use super::{Stage, ladder};
use crate::load::{self, Request};
use crate::report::Bound;

/// What is filmed, by ffmpeg's `lavfi`: fine and coarse movement, sharp and soft, clean and noisy.
const CLIPS: [(&str, &str); 6] = [
    ("a slow zoom", "mandelbrot=s=1280x720:r=30:end_pts=3000:end_scale=0.2,boxblur=2"),
    ("a fast zoom", "mandelbrot=s=1280x720:r=30:end_pts=400:end_scale=0.01,boxblur=1"),
    ("moving shapes", "testsrc2=s=1280x720:r=30"),
    ("soft shapes", "testsrc2=s=1280x720:r=30,boxblur=5"),
    // Of much grain, the smoother picture is the more like it, whatever its bytes.
    ("a little grain", "testsrc2=s=1280x720:r=30,boxblur=3,noise=alls=2:allf=t"),
    ("small cells", "life=s=320x180:r=10:ratio=0.05:mold=10:seed=4,scale=1280:720,framerate=30"),
];
const SECONDS: &str = "6";
/// What PeerTube gives 720p with 30 frames at most, in kbit/s: 0.11 bits a pixel, of which its buffer holds two
/// seconds. Its other defaults are x264's CRF 23 at `veryfast`, groups of two seconds and B-frames as below.
const CAP: f64 = 0.11 * 1280.0 * 720.0 * 30.0 / 1e3;
const CRF: i32 = 23;
/// Steps away from that CRF, and six of them halve the cap: its curve of likeness over bytes.
const STEPS: [i32; 6] = [9, 6, 3, 0, -3, -6];

pub async fn quality(stage: &mut Stage<'_>) -> Result<()> {
    let scratch = stage.scratch()?;
    for (name, source) in CLIPS {
        let clip = scratch.path().join("clip.mp4");
        shoot(source, &clip).await?;
        let own = scratch.path().join("own.mp4");
        std::fs::write(&own, published(stage, &clip).await?)?;
        let mut curve = Vec::new();
        for step in STEPS {
            let other = scratch.path().join("other.mp4");
            by_default(&clip, step, &other).await?;
            curve.push((likeness(&other, &clip).await?, bytes(&other)?));
        }
        let (likeness, bytes) = (likeness(&own, &clip).await?, bytes(&own)?);
        let others =
            at(&curve, likeness).with_context(|| format!("{name}: no setting is as like the clip"))?;
        println!("{name}: {bytes} bytes at SSIM {likeness}, PeerTube's settings {others:.0}");
        let text = format!("{name}, bytes × PeerTube's at the same SSIM");
        stage.report.judge("media", &text, Bound::AtMost(1.0), &[bytes / others]);
    }
    Ok(())
}

/// A clip without sound, better than any rendition of it.
async fn shoot(source: &str, path: &Path) -> Result<()> {
    let mut command = ffmpeg();
    command.args(["-f", "lavfi", "-i", source, "-t", SECONDS, "-pix_fmt", "yuv420p"]);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-crf", "8"]).arg(path);
    ensure!(command.status().await.context("start ffmpeg")?.success(), "ffmpeg makes no clip");
    Ok(())
}

/// The platform's rendition of 720p.
async fn published(stage: &Stage<'_>, clip: &Path) -> Result<Vec<u8>> {
    const SIZES: usize = 2;
    let platform = &stage.site.platform;
    let fields = [("token", stage.site.token(1)), ("title", "a clip")];
    let publish = Request::upload("/douyin/publish/action/", &fields, &std::fs::read(clip)?.into());
    load::closed(&platform.target.addresses, 1, ladder::ONCE, &mut || publish.clone()).await;
    let detail = ladder::made(stage, ladder::newest(stage).await?, SIZES).await?;
    let mut renditions = detail["renditions"].as_array().into_iter().flatten();
    let named = renditions.find(|rendition| rendition["name"] == "720p").context("find the rendition")?;
    let url = named["url"].as_str().context("find where the rendition is")?;
    let path = url.find("/media/").map_or(url, |start| &url[start..]);
    platform.fetch(path).await
}

/// PeerTube's settings, some steps away from its default.
async fn by_default(clip: &Path, step: i32, path: &Path) -> Result<()> {
    let cap = CAP * 2_f64.powf(-f64::from(step) / 6.0);
    let mut command = ffmpeg();
    command.arg("-i").arg(clip).args(["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]);
    command.args(["-crf", &(CRF + step).to_string(), "-maxrate", &format!("{cap:.0}k")]);
    command.args(["-bufsize", &format!("{:.0}k", 2.0 * cap), "-b_strategy", "1", "-bf", "16"]);
    command.args(["-r", "30", "-g", "60", "-map_metadata", "-1", "-movflags", "+faststart"]).arg(path);
    ensure!(command.status().await.context("start ffmpeg")?.success(), "ffmpeg encodes no clip");
    Ok(())
}

/// The structural similarity (SSIM) of two videos, 1 when they are the same.
async fn likeness(one: &Path, other: &Path) -> Result<f64> {
    let mut command = ffmpeg();
    command.arg("-i").arg(one).arg("-i").arg(other);
    command.args(["-lavfi", "[0:v][1:v]ssim=stats_file=-", "-f", "null", "-"]);
    let output = command.output().await.context("start ffmpeg")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let frames: Vec<f64> =
        text.lines().filter_map(|line| line.split("All:").nth(1)?.split(' ').next()?.parse().ok()).collect();
    ensure!(!frames.is_empty(), "ffmpeg compares no frames");
    Ok(frames.iter().sum::<f64>() / frames.len() as f64)
}

fn bytes(path: &Path) -> Result<f64> {
    Ok(std::fs::metadata(path).context("read a file's length")?.len() as f64)
}

/// The bytes at a likeness, on a curve from the least to the most like: straight lines over the logarithm of
/// the bytes, as Bjøntegaard's comparison of encoders has it (ITU-T VCEG-M33).
fn at(curve: &[(f64, f64)], likeness: f64) -> Option<f64> {
    curve.windows(2).find_map(|pair| {
        let [(low, less), (high, more)] = pair else { return None };
        let part = (likeness - low) / (high - low);
        (0.0..=1.0).contains(&part).then(|| (less.ln() + (more.ln() - less.ln()) * part).exp())
    })
}

#[cfg(test)]
mod tests {
    use super::at;

    #[test]
    fn bytes_between_two_settings_are_read_off_the_line() {
        let curve = [(0.90, 100.0), (0.92, 400.0), (0.94, 1600.0)];
        assert_eq!(at(&curve, 0.93).map(f64::round), Some(800.0));
        assert_eq!(at(&curve, 0.89), None);
    }
}
