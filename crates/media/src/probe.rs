//! What a file is: asked of ffprobe, believed only as far as its JSON says so. The exit status is no validation,
//! a file with a garbage `moov` ends with 0.

mod report;

use std::path::Path;
use std::time::Duration;

use tokio::io::AsyncReadExt;

use crate::arguments::{Arguments, is_video_complaint};
use crate::child::Finished;
use crate::{
    Error, MAX_AREA_PIXELS, MAX_DURATION, MAX_FRAMES_PER_SECOND, MAX_SIDE_PIXELS, MIN_DURATION,
    MIN_SIDE_PIXELS, Media, Refusal,
};
use report::Report;

const ENTRIES: &str = "format=format_name,duration:stream=index,codec_type,codec_name,level,width,height,\
    sample_aspect_ratio,pix_fmt,field_order,color_range,color_transfer,avg_frame_rate,r_frame_rate,duration,channels:\
    stream_disposition=attached_pic:stream_side_data=side_data_type,rotation";

/// The highest H.264 level (times ten) that is passed on as it is.
const REMUX_MAX_LEVEL: i32 = 42;
const REMUX_MAX_CHANNELS: u32 = 2;

/// What a file holds: one video, at most one audio track that we use, within the limits of this crate.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Length of the longer of the video and the audio track.
    pub duration: Duration,
    /// Width in pixels as it should be shown: upright and with square pixels.
    pub width: u32,
    /// Height in pixels as it should be shown: upright and with square pixels.
    pub height: u32,
    /// Degrees clockwise by which a player turns the coded picture: 0, 90, 180 or 270.
    pub rotation: u32,
    /// The kind of file.
    pub container: Container,
    /// ffmpeg's name of the video codec, one of the accepted ones.
    pub video_codec: &'static str,
    /// ffmpeg's name of the pixel format, `unknown` where it has none.
    pub pix_fmt: String,
    /// The codec's level; for H.264 ten times the level's usual name.
    pub level: Option<i32>,
    /// Average frames a second; none where the file does not tell.
    pub frames_per_second: Option<f64>,
    /// The brightness curve, when the picture has a high dynamic range.
    pub high_dynamic_range: Option<HighDynamicRange>,
    /// The audio track we use, the first of an accepted codec.
    pub audio: Option<Audio>,
    pub(crate) interlaced: bool,
    pub(crate) full_range: bool,
    pub(crate) coded: (u32, u32),
    pub(crate) video_index: u32,
}

/// An audio track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audio {
    /// ffmpeg's name of the codec, one of the accepted ones.
    pub codec: &'static str,
    /// How many channels.
    pub channels: u32,
    pub(crate) index: u32,
}

/// The two families of files accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// MP4, MOV, M4V, 3GP.
    Mov,
    /// MKV and WebM.
    Matroska,
}

/// Brightness curves a plain screen cannot show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HighDynamicRange {
    /// SMPTE ST 2084, the curve of HDR10.
    Pq,
    /// ARIB STD-B67, hybrid log-gamma.
    Hlg,
}

impl Probe {
    /// Whether the video and audio can be passed on as they are: 8-bit progressive H.264 up to level 4.2 with
    /// stereo AAC at most, in MP4 or MOV. Any rotation is.
    #[must_use]
    pub fn remuxable(&self) -> bool {
        let audio_fits = self
            .audio
            .as_ref()
            .is_none_or(|audio| audio.codec == "aac" && audio.channels <= REMUX_MAX_CHANNELS);
        self.container == Container::Mov
            && self.video_codec == "h264"
            && self.pix_fmt == "yuv420p"
            && self.level.is_some_and(|level| (1..=REMUX_MAX_LEVEL).contains(&level))
            && !self.interlaced
            && self.high_dynamic_range.is_none()
            && audio_fits
    }

    fn within_limits(&self) -> Result<(), Refusal> {
        // As coded and as shown: a file may claim pixels a hundred times as wide as high.
        for (width, height) in [self.coded, (self.width, self.height)] {
            if width.min(height) < MIN_SIDE_PIXELS {
                return Err(Refusal::PictureTooSmall);
            }
            if width.max(height) > MAX_SIDE_PIXELS || u64::from(width) * u64::from(height) > MAX_AREA_PIXELS {
                return Err(Refusal::PictureTooLarge);
            }
        }
        if self.duration < MIN_DURATION {
            return Err(Refusal::TooShort);
        }
        if self.duration > MAX_DURATION {
            return Err(Refusal::TooLong);
        }
        if self.frames_per_second.is_some_and(|rate| rate > MAX_FRAMES_PER_SECOND) {
            return Err(Refusal::FrameRate);
        }
        Ok(())
    }
}

impl Media {
    /// What `input` holds, without decoding more than a few frames. A file without a stated length, as browsers
    /// record them, is read through to find it.
    ///
    /// # Errors
    /// `Refused` when the file is not one we accept; else the tool's or the system's failure.
    pub async fn probe(&self, input: &Path) -> Result<Probe, Error> {
        // The semaphore is never closed, so there always is a permit.
        let _permit = self.tools.light.acquire().await.ok();
        let probe = self.describe(input).await?;
        probe.within_limits()?;
        Ok(probe)
    }

    /// What `input` holds, whatever its length and size.
    pub(crate) async fn describe(&self, input: &Path) -> Result<Probe, Error> {
        let head = head_of(input).await.map_err(Error::io("read the upload"))?;
        let arguments = Arguments::ffprobe().value("-show_entries", ENTRIES).hostile_probe(input);
        let finished = self.ffprobe(arguments, self.light_limits()).await?;
        let report = serde_json::from_slice::<Report>(&finished.stdout).unwrap_or_default();
        let Some(container) = report.container() else {
            return Err(unreadable(&finished, &head).into());
        };
        let video = report.video()?;
        let audio = report.audio()?;
        let duration = match report.duration(&video, audio.as_ref()) {
            Some(duration) => duration,
            None => self.read_through(input, video.index()).await?,
        };
        Ok(video.describe(container, duration, audio))
    }

    /// The time of the last packet of a track.
    async fn read_through(&self, input: &Path, track: u32) -> Result<Duration, Error> {
        let arguments = Arguments::ffmpeg()
            .hostile_input(input)
            .value("-map", format!("0:{track}"))
            .words("-c copy -f null -progress pipe:1 -");
        let finished = self.ffmpeg(arguments, self.light_limits()).await?;
        let progress = String::from_utf8_lossy(&finished.stdout);
        let last = progress.lines().rev().find_map(|line| line.strip_prefix("out_time_us=")?.parse().ok());
        last.map(Duration::from_micros).ok_or_else(|| Refusal::Damaged.into())
    }
}

/// Why ffprobe could not make sense of a file. Its messages only choose among our own texts, except for a codec's
/// name, which is cut to a plain word.
fn unreadable(finished: &Finished, head: &[u8]) -> Refusal {
    let mut lines = finished.stderr.lines().rev();
    let complaint = lines.find_map(|line| {
        if line.contains("Format not on whitelist") {
            return Some(Refusal::Container);
        }
        if line.contains("exceeds specified max pixel count") {
            return Some(Refusal::PictureTooLarge);
        }
        if line.contains("exceeds max_streams") {
            return Some(Refusal::ManyTracks);
        }
        let (_, rest) = line.split_once("Codec (")?;
        let (name, _) = rest.split_once(") not on whitelist")?;
        let name = plain_name(name);
        Some(if is_video_complaint(line) {
            Refusal::VideoCodec { name }
        } else {
            Refusal::AudioCodec { name }
        })
    });
    complaint.unwrap_or(if is_media(head) { Refusal::Damaged } else { Refusal::NotVideo })
}

/// The first bytes of a file, fewer when it is shorter.
async fn head_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    tokio::fs::File::open(path).await?.take(12).read_to_end(&mut head).await?;
    Ok(head)
}

/// Whether a file begins like one of the accepted containers.
fn is_media(head: &[u8]) -> bool {
    const EBML: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];
    let name = head.get(4..8).unwrap_or_default();
    head.starts_with(&EBML)
        || [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"].iter().any(|known| name == *known)
}

/// A codec's name as it may be shown: lower-case letters, digits, `_` and `-`, 24 at most.
fn plain_name(name: &str) -> String {
    let plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '_' | '-');
    if name.is_empty() || name.len() > 24 || !name.chars().all(plain) {
        "unknown".to_owned()
    } else {
        name.to_owned()
    }
}
