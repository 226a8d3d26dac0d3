//! Builds argument lists for ffmpeg and ffprobe, and owns what an untrusted file may be opened as. Never a
//! shell string; a path is always one argument that begins with `file:`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::sandbox::Cell;

/// Demuxers. ffmpeg matches any one of a demuxer's names; playlists, manifests and lists of files have others.
pub(crate) const FORMATS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm";
/// Decoders, by ffmpeg's names for them.
const VIDEO_DECODERS: &str = "h264,hevc,vp8,vp9,libdav1d,mpeg4";
const AUDIO_DECODERS: &str =
    "aac,mp3float,opus,vorbis,ac3,eac3,flac,alac,amrnb,pcm_s16le,pcm_s16be,pcm_s24le";
/// What ffprobe may set up, but is never fed, so that a file with a cover picture or subtitles is not refused.
const IDLE_VIDEO_DECODERS: &str = "mjpeg,png";
const IDLE_TEXT_DECODERS: &str = "mov_text,subrip,srt,ass,ssa,webvtt";

/// The size at which a decoder gives up: 4096 x 2160, a little above the picture we accept.
const DECODER_MAX_PIXELS: &str = "8847360";
/// What cameras of telephones make, in their usual mode: 24 million.
const PICTURE_MAX_PIXELS: &str = "25000000";
const MAX_BLOCK_BYTES: &str = "268435456";
/// Else as many as there are cores for every filter, whose stacks alone are more than a run may use on a large
/// machine. The first does not count for graphs with several ends.
const FILTER_THREADS: &str = "-filter_threads 2 -filter_complex_threads 2";

/// The arguments of one run.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    list: Vec<OsString>,
    folder: Option<PathBuf>,
    cell: Option<Cell>,
}

impl Arguments {
    /// Without any file, confined as if there were a hostile one.
    pub(crate) fn confined() -> Self {
        Self { cell: Some(Cell::default()), ..Self::default() }
    }

    /// ffmpeg on our own material, or before its first input.
    pub(crate) fn ffmpeg() -> Self {
        Self::default()
            .words("-hide_banner -v error -nostdin -y")
            .words(FILTER_THREADS)
            .value("-max_alloc", MAX_BLOCK_BYTES)
    }

    /// ffprobe before its input, answering in JSON.
    pub(crate) fn ffprobe() -> Self {
        Self::default().words("-hide_banner -v error -of json").value("-max_alloc", MAX_BLOCK_BYTES)
    }

    /// Adds options written as one text, split at blanks.
    pub(crate) fn words(mut self, words: &str) -> Self {
        self.list.extend(words.split_ascii_whitespace().map(OsString::from));
        self
    }

    /// Adds an option and its value, which may contain anything.
    pub(crate) fn value(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.list.push(name.into());
        self.list.push(value.into());
        self
    }

    /// Adds a path as it is.
    pub(crate) fn path(mut self, path: &Path) -> Self {
        self.list.push(path.into());
        self
    }

    /// Adds a hostile file as ffmpeg's next input. Options for reading it go before this.
    pub(crate) fn hostile_input(self, path: &Path) -> Self {
        self.hostile(path).value("-i", file(path))
    }

    /// Adds a JPEG made here as the next input, as little trusted as what it was made of.
    pub(crate) fn picture_input(mut self, path: &Path) -> Self {
        self.cell.get_or_insert_default().read.push(path.to_owned());
        self.words(
            "-protocol_whitelist file -format_whitelist mjpeg,jpeg_pipe -codec_whitelist mjpeg -threads 1",
        )
        .words("-f jpeg_pipe")
        .value("-max_pixels", DECODER_MAX_PIXELS)
        .value("-i", file(path))
    }

    /// Adds a hostile picture as ffmpeg's next input: one frame of a kind that browsers make.
    pub(crate) fn hostile_picture(mut self, path: &Path) -> Self {
        self.cell.get_or_insert_default().read.push(path.to_owned());
        self.words("-protocol_whitelist file -format_whitelist jpeg_pipe,png_pipe,webp_pipe")
            .words("-codec_whitelist mjpeg,png,webp -threads 1")
            .value("-max_pixels", PICTURE_MAX_PIXELS)
            .value("-i", file(path))
    }

    /// Adds a hostile file as ffprobe's input.
    pub(crate) fn hostile_probe(self, path: &Path) -> Self {
        let mut this = self
            .hostile(path)
            .value("-codec_whitelist:v", format!("{VIDEO_DECODERS},{IDLE_VIDEO_DECODERS}"))
            .value("-codec_whitelist:a", AUDIO_DECODERS)
            .value("-codec_whitelist:s", IDLE_TEXT_DECODERS);
        this.list.push(file(path));
        this
    }

    /// Adds the file to be written.
    pub(crate) fn output(mut self, path: &Path) -> Self {
        if let Some(cell) = &mut self.cell {
            cell.write.push(path.to_owned());
        }
        self.list.push(file(path));
        self
    }

    /// Adds an option that names a second file to be written.
    pub(crate) fn also_output(mut self, name: &str, path: &Path) -> Self {
        if let Some(cell) = &mut self.cell {
            cell.write.push(path.to_owned());
        }
        self.value(name, file(path))
    }

    /// Runs in `folder`.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// The finished list, the folder to run in, and the cell when there is a hostile file.
    pub(crate) fn finish(self) -> (Vec<OsString>, Option<PathBuf>, Option<Cell>) {
        (self.list, self.folder, self.cell)
    }

    fn hostile(mut self, path: &Path) -> Self {
        self.cell.get_or_insert_default().read.push(path.to_owned());
        self.words("-protocol_whitelist file -max_streams 8 -probesize 5M -analyzeduration 5M -threads 2")
            .value("-format_whitelist", FORMATS)
            // This one also rules what the demuxer decodes while it looks for the streams' parameters.
            .value("-codec_whitelist", format!("{VIDEO_DECODERS},{AUDIO_DECODERS}"))
            .value("-max_pixels", DECODER_MAX_PIXELS)
    }
}

/// Whether ffprobe's complaint is about a video decoder: it quotes the list that was in force.
pub(crate) fn is_video_complaint(line: &str) -> bool {
    line.contains(&format!("'{VIDEO_DECODERS},{IDLE_VIDEO_DECODERS}'"))
}

fn file(path: &Path) -> OsString {
    let mut argument = OsString::from("file:");
    argument.push(path);
    argument
}
