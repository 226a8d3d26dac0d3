//! The 720 rung: any accepted file as H.264 and stereo AAC that every browser plays, upright, never enlarged.

use std::path::Path;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::output::{CLEAN, Output, failure};
use crate::{Error, HighDynamicRange, Media, Probe};

/// The short edge becomes 720 at most, both even, pixels square. ffmpeg has turned the picture upright before.
/// Spelled out, because scale's own -2 knows nothing of pixels that are not square.
const FIT: &str = "scale=w='2*trunc((iw*sar*min(1,720/min(iw*sar,ih))+0.5)/2)'\
    :h='2*trunc((ih*min(1,720/min(iw*sar,ih))+0.5)/2)':flags=lanczos,setsar=1";
const VIDEO: &str = "-c:v libx264 -crf 23 -maxrate 2200k -bufsize 4400k -profile:v high -pix_fmt yuv420p \
    -force_key_frames expr:gte(t,n_forced*2) -threads 2 -max_muxing_queue_size 1024";
const AUDIO: &str = "-c:a aac -b:a 128k -ac 2 -ar 48000";
const BT709: &str = "-color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv";

/// Frame rates a rendition may have; others go to the last.
const RATES: [(f64, &str); 5] =
    [(23.976, "24000/1001"), (24.0, "24"), (25.0, "25"), (29.97, "30000/1001"), (30.0, "30")];
const RATE_SLACK: f64 = 0.5;
/// Below this a clip keeps its own rate: doubling frames would only cost bytes.
const SLOWEST_RATE: f64 = 23.0;

impl Media {
    /// Encodes `input`, described by `probe`, as the 720 rung at `output`. Waits for its turn among the encodes.
    ///
    /// # Errors
    /// `Refused` when the file turns out damaged; else the tool's or the system's failure. No output is left.
    pub async fn transcode(&self, input: &Path, probe: &Probe, output: &Path) -> Result<(), Error> {
        let _permit = self.tools.heavy.acquire().await.ok();
        let arguments = probe
            .map_tracks(Arguments::ffmpeg().hostile_input(input))
            .value("-vf", filters(probe))
            .value("-preset", &self.tools.preset)
            .words("-fps_mode cfr")
            .value("-r", rate(probe.frames_per_second))
            .words(VIDEO)
            .words(AUDIO)
            .words(if probe.high_dynamic_range.is_some() { BT709 } else { "" })
            // Stamps far beyond the stated end would otherwise be filled with copies of one frame.
            .value("-t", (probe.duration + Duration::from_secs(1)).as_secs_f64().to_string())
            .words(CLEAN);
        let made = Output::new(output);
        let finished = self.ffmpeg(arguments.output(output), self.heavy_limits(probe.duration)).await?;
        if !finished.success() {
            return Err(failure(&finished));
        }
        self.verify(output, probe.duration).await?;
        made.keep();
        Ok(())
    }
}

fn filters(probe: &Probe) -> String {
    let deinterlace = if probe.interlaced { "yadif," } else { "" };
    let tone = tone_map(probe).map_or_else(String::new, |map| format!(",{map}"));
    format!("{deinterlace}{FIT}{tone}")
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
    use super::rate;

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
