//! Pictures of a whole clip: a short moving one, and one of many small ones for a scrub bar.

use std::path::Path;
use std::time::Duration;

use crate::arguments::Arguments;
use crate::child::Finished;
use crate::output::{Output, failure};
use crate::{Error, Media};

/// The length of the moving picture, in seconds; it begins a second into the clip when that is long enough.
const PREVIEW_SECONDS: f64 = 3.0;
const PREVIEW: &str = "-an -vf fps=8,scale=240:-2:flags=lanczos -threads 1 -c:v libwebp_anim -quality 55 -compression_level 4 \
    -loop 0 -f webp";
/// Key frames are two seconds apart, and only they are looked at.
const TILE_SECONDS: f64 = 2.0;
const MOST_TILES: u32 = 100;
const MOST_COLUMNS: u32 = 10;
/// The short edge of a tile, in pixels.
const TILE_EDGE: u32 = 90;

/// A picture of many small ones, in rows from the left: the first is the clip's beginning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Storyboard {
    /// In a row.
    pub columns: u32,
    /// How many rows; the last may not be full.
    pub rows: u32,
    /// In pixels.
    pub tile_width: u32,
    /// In pixels.
    pub tile_height: u32,
    /// From one to the next.
    pub seconds_per_tile: f64,
}

impl Media {
    /// Writes the moving picture of a rendition made here.
    ///
    /// # Errors
    /// The tool's or the system's failure. No output is left.
    pub async fn preview(&self, rendition: &Path, duration: Duration, output: &Path) -> Result<(), Error> {
        let _permit = self.tools.light.acquire().await.ok();
        let made = Output::new(output);
        let mut finished = None;
        if duration.as_secs_f64() >= PREVIEW_SECONDS + 1.0 {
            finished = Some(self.preview_from(1, rendition, output).await?);
        }
        // Nothing is found there when it is the sound that lasts so long.
        let finished = match finished.filter(Finished::success) {
            Some(finished) => finished,
            None => self.preview_from(0, rendition, output).await?,
        };
        if !finished.success() {
            return Err(failure(&finished));
        }
        made.keep();
        Ok(())
    }

    async fn preview_from(&self, second: u8, rendition: &Path, output: &Path) -> Result<Finished, Error> {
        let arguments = Arguments::ffmpeg()
            .words(&format!("-ss {second} -t {PREVIEW_SECONDS}"))
            .hostile_input(rendition)
            .words(PREVIEW)
            .output(output);
        self.ffmpeg(arguments, self.light_limits()).await
    }

    /// Writes the picture of many of a rendition made here, which has this size.
    ///
    /// # Errors
    /// The tool's or the system's failure. No output is left.
    pub async fn storyboard(
        &self,
        rendition: &Path,
        (width, height): (u32, u32),
        duration: Duration,
        output: &Path,
    ) -> Result<Storyboard, Error> {
        let _permit = self.tools.light.acquire().await.ok();
        let made = Output::new(output);
        let board = Storyboard::of(width, height, duration);
        let Storyboard { columns, rows, tile_width, tile_height, seconds_per_tile } = board;
        // A hair earlier than the tile's moment, which is a key frame's own. Where the sound goes on without a
        // picture the last one stays.
        let filter = format!(
            "select='isnan(prev_selected_t)+gte(t-prev_selected_t,{:.3})',scale={tile_width}:{tile_height},\
            tpad=stop=-1:stop_mode=clone,tile={columns}x{rows}",
            seconds_per_tile - 0.1
        );
        let arguments = Arguments::ffmpeg()
            .words("-skip_frame nokey")
            .hostile_input(rendition)
            .value("-vf", filter)
            .words("-an -fps_mode vfr -frames:v 1 -threads 1 -c:v mjpeg -q:v 5 -pix_fmt yuvj420p -flags:v +bitexact -f mjpeg")
            .output(output);
        let finished = self.ffmpeg(arguments, self.light_limits()).await?;
        if !finished.success() {
            return Err(failure(&finished));
        }
        made.keep();
        Ok(board)
    }
}

impl Storyboard {
    fn of(width: u32, height: u32, duration: Duration) -> Self {
        let seconds = duration.as_secs_f64();
        // Whole steps from key frame to key frame.
        let steps = (seconds / TILE_SECONDS / f64::from(MOST_TILES)).ceil().max(1.0);
        let seconds_per_tile = steps * TILE_SECONDS;
        let tiles = ((seconds / seconds_per_tile).ceil() as u32).clamp(1, MOST_TILES);
        let columns = tiles.min(MOST_COLUMNS);
        let scale = f64::from(TILE_EDGE) / f64::from(width.min(height).max(1));
        let even =
            |side: u32| (((f64::from(side) * scale / 2.0).round() * 2.0) as u32).clamp(2, 4 * TILE_EDGE);
        Self {
            columns,
            rows: tiles.div_ceil(columns),
            tile_width: even(width),
            tile_height: even(height),
            seconds_per_tile,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_has_no_empty_row_and_at_most_a_hundred_tiles() {
        for (seconds, columns, rows, each) in [
            (0.5, 1, 1, 2.0),
            (15.0, 8, 1, 2.0),
            (41.0, 10, 3, 2.0),
            (200.0, 10, 10, 2.0),
            (600.0, 10, 10, 6.0),
        ] {
            let board = Storyboard::of(720, 1280, Duration::from_secs_f64(seconds));
            assert_eq!(
                (board.columns, board.rows, board.seconds_per_tile),
                (columns, rows, each),
                "{seconds}"
            );
            assert_eq!((board.tile_width, board.tile_height), (90, 160));
        }
    }
}
