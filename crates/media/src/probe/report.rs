//! ffprobe's JSON, and what of it counts as video, audio and length. Limits are applied by the parent.

use std::time::Duration;

use serde::Deserialize;

use super::{Audio, Container, HighDynamicRange, Probe, plain_name};
use crate::{MAX_TRACKS, Refusal};

/// Codecs by ffmpeg's names, the counterparts of the decoders in `arguments`.
const VIDEO_CODECS: [&str; 6] = ["h264", "hevc", "vp8", "vp9", "av1", "mpeg4"];
const AUDIO_CODECS: [&str; 12] = [
    "aac",
    "mp3",
    "opus",
    "vorbis",
    "ac3",
    "eac3",
    "flac",
    "alac",
    "amr_nb",
    "pcm_s16le",
    "pcm_s16be",
    "pcm_s24le",
];

/// Everything we ask ffprobe for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Report {
    streams: Vec<Stream>,
    format: Format,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Format {
    format_name: String,
    duration: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stream {
    index: u32,
    codec_type: String,
    codec_name: String,
    level: Option<i32>,
    width: u32,
    height: u32,
    sample_aspect_ratio: Option<String>,
    pix_fmt: Option<String>,
    field_order: Option<String>,
    color_range: Option<String>,
    color_transfer: Option<String>,
    avg_frame_rate: String,
    r_frame_rate: String,
    duration: Option<String>,
    channels: u32,
    disposition: Disposition,
    side_data_list: Vec<SideData>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Disposition {
    attached_pic: u8,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SideData {
    rotation: Option<f64>,
}

/// The one real video stream of a report, of a codec we accept.
pub(super) struct Video<'a> {
    stream: &'a Stream,
    codec: &'static str,
}

impl Report {
    /// The kind of file; none when ffprobe recognised nothing.
    pub(super) fn container(&self) -> Option<Container> {
        match self.format.format_name.split(',').next() {
            Some("mov") => Some(Container::Mov),
            Some("matroska") => Some(Container::Matroska),
            _ => None,
        }
    }

    pub(super) fn video(&self) -> Result<Video<'_>, Refusal> {
        if self.streams.is_empty() {
            return Err(Refusal::Damaged);
        }
        if self.streams.len() > MAX_TRACKS {
            return Err(Refusal::ManyTracks);
        }
        let is_video =
            |stream: &&Stream| stream.codec_type == "video" && stream.disposition.attached_pic == 0;
        let mut videos = self.streams.iter().filter(is_video);
        let Some(stream) = videos.next() else {
            return Err(Refusal::NoVideoTrack);
        };
        if videos.next().is_some() {
            return Err(Refusal::ManyVideoTracks);
        }
        let Some(codec) = known(&VIDEO_CODECS, &stream.codec_name) else {
            return Err(Refusal::VideoCodec { name: plain_name(&stream.codec_name) });
        };
        // No size means that not even the first frame's header could be read.
        if stream.width == 0 || stream.height == 0 || stream.pix_fmt.is_none() {
            return Err(if is_oversized(stream) { Refusal::PictureTooLarge } else { Refusal::Damaged });
        }
        Ok(Video { stream, codec })
    }

    /// The first audio stream of an accepted codec. Phones add further ones that nobody else can decode.
    pub(super) fn audio(&self) -> Result<Option<Audio>, Refusal> {
        let mut unknown = None;
        for stream in self.streams.iter().filter(|stream| stream.codec_type == "audio") {
            if let Some(codec) = known(&AUDIO_CODECS, &stream.codec_name) {
                return Ok(Some(Audio { codec, channels: stream.channels, index: stream.index }));
            }
            unknown.get_or_insert_with(|| plain_name(&stream.codec_name));
        }
        unknown.map_or(Ok(None), |name| Err(Refusal::AudioCodec { name }))
    }

    /// The longer of the tracks used, else what the file states of itself. Other tracks go, and their length
    /// with them.
    pub(super) fn duration(&self, video: &Video<'_>, audio: Option<&Audio>) -> Option<Duration> {
        let is_used = |stream: &&Stream| {
            stream.index == video.index() || audio.is_some_and(|audio| audio.index == stream.index)
        };
        let used =
            self.streams.iter().filter(is_used).filter_map(|stream| seconds(stream.duration.as_deref()?));
        used.max().or_else(|| seconds(self.format.duration.as_deref()?))
    }
}

impl Video<'_> {
    pub(super) fn index(&self) -> u32 {
        self.stream.index
    }

    pub(super) fn describe(&self, container: Container, duration: Duration, audio: Option<Audio>) -> Probe {
        let stream = self.stream;
        let rotation = stream.rotation();
        let (width, height) = stream.displayed(rotation);
        let rate = ratio(&stream.avg_frame_rate, '/').or_else(|| ratio(&stream.r_frame_rate, '/'));
        Probe {
            duration,
            width,
            height,
            rotation,
            container,
            video_codec: self.codec,
            pix_fmt: stream.pix_fmt.as_deref().map_or_else(|| "unknown".to_owned(), plain_name),
            level: stream.level.filter(|level| *level >= 0),
            frames_per_second: rate,
            high_dynamic_range: match stream.color_transfer.as_deref() {
                Some("smpte2084") => Some(HighDynamicRange::Pq),
                Some("arib-std-b67") => Some(HighDynamicRange::Hlg),
                _ => None,
            },
            audio,
            interlaced: stream
                .field_order
                .as_deref()
                .is_some_and(|order| matches!(order, "tt" | "bb" | "tb" | "bt")),
            full_range: stream.color_range.as_deref() == Some("pc"),
            coded: (stream.width, stream.height),
            video_index: stream.index,
        }
    }
}

impl Stream {
    /// Degrees clockwise, from the matrix's degrees counter-clockwise; odd angles count as the nearest quarter.
    fn rotation(&self) -> u32 {
        let degrees = self.side_data_list.iter().find_map(|side| side.rotation).unwrap_or(0.0);
        match (-degrees).rem_euclid(360.0) {
            45.0..135.0 => 90,
            135.0..225.0 => 180,
            225.0..315.0 => 270,
            _ => 0,
        }
    }

    fn displayed(&self, rotation: u32) -> (u32, u32) {
        let aspect = self.sample_aspect_ratio.as_deref().and_then(|text| ratio(text, ':')).unwrap_or(1.0);
        let width = (f64::from(self.width) * aspect).round().max(1.0) as u32;
        if rotation % 180 == 90 { (self.height, width) } else { (width, self.height) }
    }
}

fn is_oversized(stream: &Stream) -> bool {
    u64::from(stream.width) * u64::from(stream.height) > crate::MAX_AREA_PIXELS
}

fn known<const COUNT: usize>(names: &[&'static str; COUNT], name: &str) -> Option<&'static str> {
    names.iter().find(|known| **known == name).copied()
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0)?;
    // What does not fit is longer than every limit.
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// `30000/1001`; none for `0/0` and other nonsense.
fn ratio(text: &str, separator: char) -> Option<f64> {
    let (over, under) = text.split_once(separator)?;
    let value = over.parse::<f64>().ok()? / under.parse::<f64>().ok()?;
    (value.is_finite() && value > 0.0).then_some(value)
}
