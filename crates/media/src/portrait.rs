//! Pictures of people, out of what they uploaded: of one size, upright, and without what a camera wrote into the file.

use std::path::Path;

use crate::arguments::Arguments;
use crate::output::Output;
use crate::{Error, Media};

/// One thread, as for the cover.
const JPEG: &str = "-an -frames:v 1 -threads 1 -c:v mjpeg -q:v 3 -pix_fmt yuvj420p -map_metadata -1 \
    -flags:v +bitexact -f mjpeg";

impl Media {
    /// Writes the middle of a picture, a hostile JPEG, PNG or WebP, as a JPEG of exactly this size to `output`; what is
    /// transparent becomes white. False, and no output, when it cannot be read.
    ///
    /// # Errors
    /// The tool's or the system's failure, never the file's.
    pub async fn portrait(
        &self,
        input: &Path,
        (width, height): (u32, u32),
        output: &Path,
    ) -> Result<bool, Error> {
        let _permit = self.tools.light.acquire().await.ok();
        let made = Output::new(output);
        let filters = format!(
            "[0:v]scale={width}:{height}:force_original_aspect_ratio=increase:flags=lanczos,crop={width}:{height},\
             setsar=1,format=rgba[picture];color=white:s={width}x{height}[paper];[paper][picture]overlay=shortest=1"
        );
        let arguments = Arguments::ffmpeg()
            .hostile_picture(input)
            .value("-filter_complex", filters)
            .words(JPEG)
            .output(output);
        match self.ffmpeg(arguments, self.light_limits()).await {
            Ok(_) | Err(Error::Killed { .. } | Error::TimedOut { .. }) => {}
            Err(error) => return Err(error),
        }
        // ffmpeg ends well and writes nothing when no picture can be decoded, so only the file counts.
        let is_whole = crate::cover::is_jpeg(output).await;
        if is_whole {
            made.keep();
        }
        Ok(is_whole)
    }
}
