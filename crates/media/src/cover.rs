//! One picture that stands for a video: a JPEG of the frame its author chose, or of the most typical one that is not black.

use std::path::Path;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::encode::tone_map;
use crate::output::Output;
use crate::{Error, Media, Probe};

/// Square pixels, long edge 1280 at most. Before the choice, which keeps 40 frames in memory.
const FIT: &str = "scale=w='max(1,round(iw*sar*min(1,1280/max(iw*sar,ih))))'\
    :h='max(1,round(ih*min(1,1280/max(iw*sar,ih))))':flags=bicubic,setsar=1";
/// Drops frames that are black in more than 85 of 100 pixels, then takes the one nearest to the average.
const CHOOSE: &str = "blackframe=amount=0:threshold=32,\
    metadata=select:key=lavfi.blackframe.pblack:value=85:function=less,thumbnail=n=40";
/// One thread: the encoder else starts one a core, and their stacks are more than a run may use on a large machine.
const JPEG: &str =
    "-an -frames:v 1 -threads 1 -c:v mjpeg -q:v 4 -pix_fmt yuvj420p -flags:v +bitexact -f mjpeg";

/// Only the beginning is searched.
const SEARCH_SECONDS: f64 = 20.0;
/// About ten seconds of 720 at 30 a second. What costs more is searched by its key frames alone.
const SEARCH_MAX_PIXELS: f64 = 3e8;

impl Media {
    /// Writes a JPEG of `input`, upright and at most 1280 pixels long, to `output`: the frame at the chosen moment, else
    /// the most typical one that is not black, else the middle one, else the first. False, and no output, when no frame
    /// can be decoded.
    ///
    /// # Errors
    /// The tool's or the system's failure, never the file's.
    pub async fn cover(
        &self,
        input: &Path,
        probe: &Probe,
        chosen: Option<Duration>,
        output: &Path,
    ) -> Result<bool, Error> {
        let _permit = self.tools.light.acquire().await.ok();
        let made = Output::new(output);
        let middle = probe.duration / 2;
        let readings = [Some(representative(probe)), Some(at(middle)), Some(first())];
        for reading in std::iter::once(chosen.map(at)).chain(readings).flatten() {
            let arguments = reading.arguments(input, probe).output(output);
            match self.ffmpeg(arguments, self.light_limits()).await {
                // Out of memory or processor time: a single frame may still be within the limits.
                Ok(_) | Err(Error::Killed { .. }) => {}
                Err(error) => return Err(error),
            }
            // ffmpeg ends well and writes nothing when no frame passes, so only the file counts.
            if is_jpeg(output).await {
                made.keep();
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Which frames are looked at, and what is done to them.
struct Reading {
    before_input: String,
    filters: String,
}

impl Reading {
    fn arguments(&self, input: &Path, probe: &Probe) -> Arguments {
        let tone = tone_map(probe).map_or_else(String::new, |map| format!(",{map}"));
        Arguments::ffmpeg()
            .words(&self.before_input)
            .hostile_input(input)
            .value("-map", format!("0:{}", probe.video_index))
            .value("-vf", format!("{}{tone}", self.filters))
            .words(JPEG)
    }
}

fn representative(probe: &Probe) -> Reading {
    let seconds = probe.duration.as_secs_f64().min(SEARCH_SECONDS);
    let pixels = f64::from(probe.width) * f64::from(probe.height);
    let cost = pixels * seconds * probe.frames_per_second.unwrap_or(30.0);
    if cost > SEARCH_MAX_PIXELS {
        let before_input = format!("-skip_frame nokey -t {SEARCH_SECONDS}");
        return Reading { before_input, filters: format!("{FIT},{CHOOSE}") };
    }
    Reading { before_input: format!("-t {SEARCH_SECONDS}"), filters: format!("fps=4,{FIT},{CHOOSE}") }
}

fn at(moment: Duration) -> Reading {
    Reading { before_input: format!("-ss {:.3}", moment.as_secs_f64()), filters: FIT.to_owned() }
}

fn first() -> Reading {
    Reading { before_input: String::new(), filters: FIT.to_owned() }
}

/// Whether the file begins and ends as a JPEG does.
pub(crate) async fn is_jpeg(path: &Path) -> bool {
    const MARKER_BYTES: usize = 2;
    let Ok(bytes) = tokio::fs::read(path).await else {
        return false;
    };
    bytes.len() > 2 * MARKER_BYTES && bytes.starts_with(&[0xff, 0xd8]) && bytes.ends_with(&[0xff, 0xd9])
}
