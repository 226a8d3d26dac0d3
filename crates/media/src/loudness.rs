//! How loud a clip is, and by how much it is made louder or quieter (EBU R 128, ITU-R BS.1770).

use std::path::Path;

use crate::arguments::Arguments;
use crate::{Error, Media, Probe};

/// What clips are brought to, in LUFS.
const TARGET: f64 = -16.0;
/// The highest true peak afterwards, in dBTP.
const PEAK: f64 = -1.5;
/// What nobody hears, and the measure does not count, in LUFS.
const SILENCE: f64 = -70.0;
/// More than this would lift noise, in dB.
const MOST: f64 = 12.0;
/// Less than this nobody hears, in dB.
const LEAST: f64 = 1.0;

/// By how much a clip's sound is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gain(Option<f64>);

impl Gain {
    /// In dB; nothing when the sound stays as it is.
    #[must_use]
    pub const fn decibels(self) -> Option<f64> {
        self.0
    }

    /// A plain gain, and a limiter for what it lifts too high: loudness alone is no reason to change dynamics.
    pub(crate) fn filter(self) -> Option<String> {
        self.0.map(|gain| format!("volume={gain:.2}dB,alimiter=limit=0.84:level=disabled"))
    }

    fn of(loudness: f64, peak: f64) -> Self {
        let gain = (TARGET - loudness).min(PEAK - peak).min(MOST);
        Self((loudness > SILENCE && gain.is_finite() && gain.abs() >= LEAST).then_some(gain))
    }
}

impl Media {
    /// Listens through the sound of `input` that `probe` found. Waits for its turn among the encodes.
    ///
    /// # Errors
    /// The tool's or the system's failure. Sound that cannot be measured stays as it is.
    pub async fn loudness(&self, input: &Path, probe: &Probe) -> Result<Gain, Error> {
        let Some(audio) = &probe.audio else { return Ok(Gain::default()) };
        let _permit = self.tools.heavy.acquire().await.ok();
        let arguments = Arguments::ffmpeg()
            .hostile_input(input)
            .value("-map", format!("0:{}", audio.index))
            // Its summary is told as information; what it tells of each frame is not.
            .words("-af ebur128=peak=true:framelog=verbose -v info -nostats -f null -");
        let finished = self.ffmpeg(arguments, self.heavy_limits(probe.duration)).await?;
        let number = |name: &str| {
            let line = finished.stderr.lines().rev().find_map(|line| line.trim().strip_prefix(name))?;
            line.split_ascii_whitespace().next()?.parse::<f64>().ok()
        };
        let (Some(loudness), Some(peak)) = (number("I:"), number("Peak:")) else {
            return Ok(Gain::default());
        };
        Ok(Gain::of(loudness, peak))
    }
}

#[cfg(test)]
mod tests {
    use super::Gain;

    #[test]
    fn a_gain_is_bounded_by_the_peak_and_by_what_noise_bears() {
        for (loudness, peak, gain) in [
            (-20.0, -10.0, Some(4.0)),
            (-20.0, -3.0, Some(1.5)),
            (-42.0, -30.0, Some(12.0)),
            (-10.0, -0.5, Some(-6.0)),
            (-16.4, -9.0, None),
            (-69.0, -60.0, Some(12.0)),
            (-70.0, f64::NEG_INFINITY, None),
            (f64::NEG_INFINITY, f64::NEG_INFINITY, None),
        ] {
            assert_eq!(Gain::of(loudness, peak).decibels(), gain, "{loudness} {peak}");
        }
    }
}
