//! A file being written, and the proof that it is what it should be: a bad or abandoned output leaves nothing.

use std::path::Path;
use std::time::Duration;

use crate::child::Finished;
use crate::fast_start::is_fast_start;
use crate::{Error, Media, Probe, Refusal};

/// Nothing of the source's tags, chapters, timecodes and other tracks; nor of ours. NAL type 6 is SEI, where
/// cameras and editors leave text.
pub(crate) const CLEAN: &str = "-map_metadata -1 -map_metadata:s -1 -map_chapters -1 -sn -dn -fflags +bitexact \
    -bsf:v filter_units=remove_types=6 -write_tmcd 0 -movflags +faststart -f mp4";

/// What ffmpeg says when a file, not we, is the trouble.
const FILE_FAULTS: [&str; 6] = [
    "Invalid data found",
    "Error while decoding",
    "moov atom not found",
    "Invalid NAL",
    "Output file is empty",
    "matches no streams",
];

/// How far an output's duration may be from its source's: half a second or a twentieth, whichever is more.
const DURATION_SLACK: Duration = Duration::from_millis(500);
const DURATION_SLACK_PART: u32 = 20;

/// Invariant: the file exists after this is dropped only if `keep` was called.
pub(crate) struct Output<'a> {
    path: &'a Path,
    kept: bool,
}

impl<'a> Output<'a> {
    /// Whatever was at `path` goes at once, so that it is never taken for what was to be made.
    pub(crate) fn new(path: &'a Path) -> Self {
        let _ = std::fs::remove_file(path);
        Self { path, kept: false }
    }

    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_file(self.path);
        }
    }
}

impl Media {
    /// Proves that `path` is a fast-start MP4 with one H.264 video as long as its source. A tool that could not
    /// read its input through often says nothing, so a difference is taken as the input's damage.
    pub(crate) async fn verify(&self, path: &Path, source: Duration) -> Result<Probe, Error> {
        let made = match self.describe(path).await {
            Err(Error::Refused { .. }) => return Err(Refusal::Damaged.into()),
            made => made?,
        };
        let slack = DURATION_SLACK.max(source / DURATION_SLACK_PART);
        let sound = made.video_codec == "h264"
            && made.duration.abs_diff(source) <= slack
            && is_fast_start(path).await.map_err(Error::io("read the media file written"))?;
        if sound { Ok(made) } else { Err(Refusal::Damaged.into()) }
    }
}

/// Whose fault a run was that ended by itself and badly.
pub(crate) fn failure(finished: &Finished) -> Error {
    if FILE_FAULTS.iter().any(|fault| finished.stderr.contains(fault)) {
        return Refusal::Damaged.into();
    }
    finished.failed()
}
