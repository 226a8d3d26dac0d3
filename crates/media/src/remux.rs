//! The same video and audio in a clean file: fast-start MP4, nothing in it but one video and at most one audio.

use std::path::Path;

use crate::arguments::Arguments;
use crate::output::{CLEAN, Output, failure};
use crate::{Error, Media, Probe};

impl Media {
    /// Copies the video and audio that `probe` found in `input` into a new MP4 at `output`. For what
    /// `Probe::remuxable` accepts.
    ///
    /// # Errors
    /// `Refused` when the file turns out damaged; else the tool's or the system's failure. No output is left.
    pub async fn remux(&self, input: &Path, probe: &Probe, output: &Path) -> Result<(), Error> {
        let _permit = self.tools.light.acquire().await.ok();
        let arguments =
            probe.map_tracks(Arguments::ffmpeg().hostile_input(input)).words("-c copy").words(CLEAN);
        let made = Output::new(output);
        let finished = self.ffmpeg(arguments.output(output), self.light_limits()).await?;
        if !finished.success() {
            return Err(failure(&finished));
        }
        self.verify(output, probe.duration).await?;
        made.keep();
        Ok(())
    }
}

impl Probe {
    /// Picks the video and audio by their place in the file, so that no rule of ffmpeg's chooses another.
    pub(crate) fn map_tracks(&self, arguments: Arguments) -> Arguments {
        let arguments = arguments.value("-map", format!("0:{}", self.video_index));
        match &self.audio {
            Some(audio) => arguments.value("-map", format!("0:{}", audio.index)),
            None => arguments,
        }
    }
}
