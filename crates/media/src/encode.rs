//! Renditions: any accepted file as H.264 and stereo AAC that every browser plays, upright, never enlarged. One
//! decode feeds all rungs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::arguments::Arguments;
use crate::ladder::Rung;
use crate::output::{CLEAN, Output, failure};
use crate::{Error, Gain, HighDynamicRange, Media, Probe, fast_start};

const VIDEO: &str = "-c:v libx264 -pix_fmt yuv420p -force_key_frames expr:gte(t,n_forced*2) -threads 2 \
    -max_muxing_queue_size 1024";
/// A preset and what it is better with: more B-frames in a row, a longer look ahead and a second frame to predict
/// from are up to a quarter fewer bytes at the same likeness, for 7 % more time. Slower presets have them.
const TUNED: (&str, &str) = ("veryfast", "-bf 5 -rc-lookahead 20 -refs 2");
/// The encoder else writes its version into the first frame: who attacks us need not know it.
const AUDIO: &str = "-c:a aac -ac 2 -ar 48000 -flags:a +bitexact";
const BT709: &str = "-color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv";

/// Frame rates a rendition may have; others go to the last.
const RATES: [(f64, &str); 5] =
    [(23.976, "24000/1001"), (24.0, "24"), (25.0, "25"), (29.97, "30000/1001"), (30.0, "30")];
const RATE_SLACK: f64 = 0.5;
const FASTEST_RATE: f64 = 30.0;
/// Below this a clip keeps its own rate: doubling frames would only cost bytes.
const SLOWEST_RATE: f64 = 23.0;

/// A clip in one size, as a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendition {
    /// Which size.
    pub rung: Rung,
    /// Where the file is.
    pub path: PathBuf,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Length of the file.
    pub bytes: u64,
    /// On average.
    pub bits_per_second: u64,
    /// As RFC 6381 names them, such as `avc1.64001f,mp4a.40.2`.
    pub codecs: String,
}

impl Media {
    /// Encodes `input`, described by `probe`, for each of `rungs` in one run, into files in `folder` that are named
    /// after them. Tells from 0 to 1 how much is done. Waits for its turn among the encodes.
    ///
    /// # Errors
    /// `Refused` when the file turns out damaged; else the tool's or the system's failure. No output is left.
    pub async fn encode(
        &self,
        input: &Path,
        probe: &Probe,
        rungs: &[Rung],
        gain: Gain,
        folder: &Path,
        progress: impl Fn(f64) + Send + Sync,
    ) -> Result<Vec<Rendition>, Error> {
        let _permit = self.tools.heavy.acquire().await.ok();
        let paths: Vec<PathBuf> =
            rungs.iter().map(|rung| folder.join(format!("{}.mp4", rung.name()))).collect();
        let made: Vec<Output> = paths.iter().map(|path| Output::new(path)).collect();
        let mut arguments = Arguments::ffmpeg()
            .words("-progress pipe:1 -stats_period 1")
            .hostile_input(input)
            .value("-filter_complex", filters(probe, rungs));
        for (rung, path) in rungs.iter().zip(&paths) {
            arguments = self.output(arguments, probe, *rung, gain).output(path);
        }
        let told = |chunk: &[u8]| {
            if let Some(done) = done(chunk) {
                progress((done.as_secs_f64() / probe.duration.as_secs_f64()).min(1.0));
            }
        };
        let finished = self.ffmpeg_telling(arguments, self.heavy_limits(probe.duration), &told).await?;
        if !finished.success() {
            return Err(failure(&finished));
        }
        let mut renditions = Vec::new();
        for (rung, path) in rungs.iter().zip(&paths) {
            renditions.push(self.rendition(*rung, path, probe.duration).await?);
        }
        progress(1.0);
        made.into_iter().for_each(Output::keep);
        Ok(renditions)
    }

    /// What goes before the name of a rung's file.
    fn output(&self, arguments: Arguments, probe: &Probe, rung: Rung, gain: Gain) -> Arguments {
        let preset = self.tools.preset.as_str();
        let mut arguments = arguments.value("-map", format!("[{}]", rung.name()));
        if let Some(audio) = &probe.audio {
            arguments = arguments.value("-map", format!("0:{}", audio.index));
            if let Some(filter) = gain.filter() {
                arguments = arguments.value("-af", filter);
            }
        }
        arguments
            .value("-preset", preset)
            .words(if preset == TUNED.0 { TUNED.1 } else { "" })
            .words("-fps_mode cfr")
            .value("-r", rate(probe.frames_per_second))
            .words(VIDEO)
            .words(rung.settings())
            .words(AUDIO)
            .words(if probe.high_dynamic_range.is_some() { BT709 } else { "" })
            // Stamps far beyond the stated end would otherwise be filled with copies of one frame.
            .value("-t", (probe.duration + Duration::from_secs(1)).as_secs_f64().to_string())
            .words(CLEAN)
    }

    async fn rendition(&self, rung: Rung, path: &Path, source: Duration) -> Result<Rendition, Error> {
        let made = self.verify(path, source).await?;
        let failed = "read the media file written";
        let bytes = tokio::fs::metadata(path).await.map_err(Error::io(failed))?.len();
        let video = fast_start::codec_of(path).await.map_err(Error::io(failed))?;
        let audio = if made.audio.is_some() { ",mp4a.40.2" } else { "" };
        Ok(Rendition {
            rung,
            path: path.to_owned(),
            width: made.width,
            height: made.height,
            bytes,
            bits_per_second: (bytes as f64 * 8.0 / made.duration.as_secs_f64()) as u64,
            codecs: format!("{video}{audio}"),
        })
    }
}

/// From one decode to each rung: the largest is scaled from the source and tone-mapped, the others from it.
fn filters(probe: &Probe, rungs: &[Rung]) -> String {
    let mut largest_first = rungs.to_vec();
    largest_first.sort_by_key(|rung| std::cmp::Reverse(rung.short_edge()));
    let mut graph = format!("[0:{}]", probe.video_index);
    if probe.interlaced {
        graph.push_str("yadif,");
    }
    if probe.frames_per_second.is_some_and(|rate| rate > FASTEST_RATE + RATE_SLACK) {
        // What is not shown need not be scaled.
        graph.push_str(&format!("fps={FASTEST_RATE},"));
    }
    // A high dynamic range is brought to the narrow one by its own filters.
    let is_wide = probe.full_range && probe.high_dynamic_range.is_none();
    let range = if is_wide { ":out_range=tv" } else { "" };
    for (place, rung) in largest_first.iter().enumerate() {
        let (name, edge) = (rung.name(), rung.short_edge());
        graph.push_str(&fit(edge, range));
        if place == 0 {
            // Once for all rungs: each encoder would else bring the same picture to its own format.
            graph.push(',');
            graph.push_str(&tone_map(probe).unwrap_or_else(|| "format=yuv420p".to_owned()));
        }
        if place + 1 < largest_first.len() {
            graph.push_str(&format!(",split[{name}][below{name}];[below{name}]"));
        } else {
            graph.push_str(&format!("[{name}]"));
        }
    }
    graph
}

/// The short edge becomes this at most, both even, pixels square. ffmpeg has turned the picture upright before.
/// Spelled out, because scale's own -2 knows nothing of pixels that are not square.
fn fit(edge: u32, range: &str) -> String {
    format!(
        "scale=w='2*trunc((iw*sar*min(1,{edge}/min(iw*sar,ih))+0.5)/2)'\
        :h='2*trunc((ih*min(1,{edge}/min(iw*sar,ih))+0.5)/2)':flags=lanczos{range},setsar=1"
    )
}

/// How far a run is, by the last whole line of what it printed: the rest of a line may come later.
fn done(chunk: &[u8]) -> Option<Duration> {
    let text = String::from_utf8_lossy(chunk);
    let last = text
        .rsplit_once('\n')?
        .0
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("out_time_us=")?.parse().ok());
    last.map(Duration::from_micros)
}

/// The filters that bring a high dynamic range down to an ordinary screen's. What the file leaves unsaid is
/// taken as BT.2020, which both curves come with.
pub(crate) fn tone_map(probe: &Probe) -> Option<String> {
    let curve = match probe.high_dynamic_range? {
        HighDynamicRange::Pq => "smpte2084",
        HighDynamicRange::Hlg => "arib-std-b67",
    };
    let range = if probe.full_range { "full" } else { "limited" };
    Some(format!(
        "zscale=tin={curve}:pin=bt2020:min=bt2020nc:rin={range}:t=linear:npl=100,format=gbrpf32le,\
        zscale=p=bt709,tonemap=tonemap=mobius:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
    ))
}

/// The constant rate of a rendition, as ffmpeg writes it.
fn rate(frames_per_second: Option<f64>) -> String {
    let Some(rate) = frames_per_second else {
        return "30".to_owned();
    };
    if (1.0..SLOWEST_RATE).contains(&rate) {
        return format!("{rate:.3}");
    }
    let distance = |known: &(f64, &str)| (known.0 - rate).abs();
    let nearest = RATES.iter().min_by(|one, other| distance(one).total_cmp(&distance(other)));
    nearest.filter(|known| distance(known) <= RATE_SLACK).map_or("30", |known| known.1).to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{done, rate};

    #[test]
    fn what_is_done_is_told_by_whole_lines_alone() {
        let cases = [
            ("out_time_us=1500000\nprogress=continue\n", Some(1500)),
            ("out_time_us=1000000\nout_time_us=2000000\n", Some(2000)),
            ("out_time_us=1000000\nout_time_us=20", Some(1000)),
            ("00000\nprogress=continue\n", None),
            ("out_time_us=N/A\n", None),
            ("out_time_us=12", None),
        ];
        for (printed, expected) in cases {
            assert_eq!(done(printed.as_bytes()), expected.map(Duration::from_millis), "{printed:?}");
        }
    }

    #[test]
    fn rates_snap_to_the_usual_ones_and_stop_at_30() {
        let cases = [
            (Some(29.97), "30000/1001"),
            (Some(30.1), "30"),
            (Some(24.9), "25"),
            (Some(23.98), "24000/1001"),
            (Some(60.0), "30"),
            (Some(27.3), "30"),
            (Some(12.5), "12.500"),
            (None, "30"),
        ];
        for (source, expected) in cases {
            assert_eq!(rate(source), expected, "{source:?}");
        }
    }
}
