//! A rendition in segments (RFC 8216, fragmented MP4): the same encode in one file, and the list of its ranges.

use std::path::{Path, PathBuf};

use crate::arguments::Arguments;
use crate::output::{Output, failure};
use crate::{Error, Media};

/// What the list has in place of the file's address.
pub const SEGMENTS_ADDRESS: &str = "{media}";

/// Key frames are two seconds apart. Both files are written under their own names, as `vod` and no `temp_file` have
/// it: the cell knows no others.
const COPY: &str = "-c copy -map_metadata -1 -fflags +bitexact -f hls -hls_time 4 -hls_playlist_type vod \
    -hls_segment_type fmp4 -hls_flags single_file+independent_segments";

/// A clip in segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    /// The file they are ranges of.
    pub path: PathBuf,
    /// The list of them, with [`SEGMENTS_ADDRESS`] where the file's address belongs.
    pub playlist: String,
    /// What the most expensive of them needs.
    pub peak_bits_per_second: u64,
}

impl Media {
    /// Copies a rendition made here into segments, in `folder` as `NAME.segments.mp4`.
    ///
    /// # Errors
    /// The tool's or the system's failure. No output is left.
    pub async fn segment(&self, rendition: &Path, folder: &Path, name: &str) -> Result<Segments, Error> {
        let _permit = self.tools.light.acquire().await.ok();
        let (path, list) = (folder.join(format!("{name}.segments.mp4")), folder.join(format!("{name}.m3u8")));
        let (made, _list) = (Output::new(&path), Output::new(&list));
        let arguments = Arguments::ffmpeg()
            .hostile_input(rendition)
            .words(COPY)
            .also_output("-hls_segment_filename", &path);
        let finished = self.ffmpeg(arguments.output(&list), self.light_limits()).await?;
        if !finished.success() {
            return Err(failure(&finished));
        }
        let text = tokio::fs::read_to_string(&list).await.map_err(Error::io("read the list of segments"))?;
        let playlist = addressed(&text);
        let peak_bits_per_second = peak(&playlist);
        made.keep();
        Ok(Segments { path, playlist, peak_bits_per_second })
    }
}

/// The list with the file's address left open, however ffmpeg has written it.
fn addressed(list: &str) -> String {
    let line = |line: &str| match line.split_once("URI=\"") {
        Some((before, rest)) => {
            let after = rest.split_once('"').map_or("", |(_, after)| after);
            format!("{before}URI=\"{SEGMENTS_ADDRESS}\"{after}\n")
        }
        None if line.is_empty() || line.starts_with('#') => format!("{line}\n"),
        None => format!("{SEGMENTS_ADDRESS}\n"),
    };
    list.lines().map(line).collect()
}

/// The highest rate of a segment: its bytes by its seconds, which stand in the line before.
fn peak(playlist: &str) -> u64 {
    let mut seconds = 1.0;
    let mut most = 0.0_f64;
    for line in playlist.lines() {
        if let Some(text) = line.strip_prefix("#EXTINF:") {
            seconds = text.trim_end_matches(',').parse().unwrap_or(1.0);
        } else if let Some(range) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            let bytes: f64 = range.split('@').next().and_then(|bytes| bytes.parse().ok()).unwrap_or(0.0);
            most = most.max(bytes * 8.0 / seconds);
        }
    }
    most as u64
}
