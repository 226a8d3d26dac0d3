//! Files in, files out: probe, cover, remux and re-encode, with ffmpeg as a hostile child. Where files come
//! from, who may see them and when to try again belong to the caller.

mod arguments;
mod check;
mod child;
mod cover;
mod demo;
mod encode;
mod error;
mod fast_start;
mod ladder;
mod loudness;
mod moving;
mod output;
mod pictures;
mod portrait;
mod probe;
mod remux;
mod sandbox;
mod segment;
mod transcribe;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

pub use check::Version;
pub use demo::Clip;
pub use encode::Rendition;
pub use error::{Error, Refusal};
pub use ladder::Rung;
pub use loudness::Gain;
pub use moving::Storyboard;
pub use pictures::Pictures;
pub use probe::{Audio, Container, HighDynamicRange, Probe};
pub use sandbox::{Cell, SandboxError, become_confined};
pub use segment::{SEGMENTS_ADDRESS, Segments};

use arguments::Arguments;
use child::{Finished, Job, Limits, Told};

/// The shortest clip accepted.
pub const MIN_DURATION: Duration = Duration::from_millis(500);
/// The longest clip accepted.
pub const MAX_DURATION: Duration = Duration::from_secs(600);
/// Clips longer than this are also offered in segments.
pub const HLS_FROM: Duration = Duration::from_secs(60);
/// The smallest side of a picture, in pixels, as coded and as shown.
pub const MIN_SIDE_PIXELS: u32 = 16;
/// The largest side of a picture, in pixels, as coded and as shown.
pub const MAX_SIDE_PIXELS: u32 = 4096;
/// The largest picture, in pixels, as coded and as shown.
pub const MAX_AREA_PIXELS: u64 = 3840 * 2160;
/// The most frames a second accepted, on average.
pub const MAX_FRAMES_PER_SECOND: f64 = 120.0;
/// The most tracks of any kind in one file.
pub const MAX_TRACKS: usize = 8;

const GIB: u64 = 1 << 30;
/// Requests go before encodes, which have a dozen threads: at 10 these took a quarter of a busy core from viewers and
/// made the p99 of their feed 2.7 times as long, at 19 a twentieth and 1.3 times.
const NICENESS: u8 = 19;

/// How this crate is set up.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The largest upload, in bytes. A file written here may be twice as large.
    pub max_bytes: u64,
    /// Whether what reads strangers' files is confined.
    pub sandbox: Sandbox,
    /// Whether the caller keeps an upload after its renditions are ready. Nothing here deletes one.
    pub keep_originals: bool,
    /// The ffmpeg program: a name looked up in the usual folders, or a path.
    pub ffmpeg: String,
    /// The ffprobe program: a name looked up in the usual folders, or a path.
    pub ffprobe: String,
    /// The x264 preset of renditions, such as `veryfast`.
    pub preset: String,
    /// A program that prints captions of the clip it is given the path of, as WebVTT; none when empty.
    pub transcriber: String,
}

/// Whether what reads strangers' files is confined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sandbox {
    /// It is, or nothing is published.
    Required,
    /// It runs with all rights of this account.
    Off,
}

/// The media tools, shared: a clone counts against the same limits.
#[derive(Clone, Debug)]
pub struct Media {
    tools: Arc<Tools>,
}

#[derive(Debug)]
struct Tools {
    ffmpeg: String,
    ffprobe: String,
    preset: String,
    transcriber: String,
    /// The program whose `sandbox` command confines what it is told to run; none where nothing is confined.
    launcher: Option<PathBuf>,
    max_file_bytes: u64,
    /// Runs of probe, remux, cover and demo at once.
    light: Semaphore,
    /// Encodes at once.
    heavy: Semaphore,
    warned: AtomicBool,
}

impl Media {
    /// Media tools for `config`. Nothing is started; `check` tells whether the tools are there.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let tools = Tools {
            ffmpeg: config.ffmpeg.clone(),
            ffprobe: config.ffprobe.clone(),
            preset: config.preset.clone(),
            transcriber: config.transcriber.clone(),
            launcher: (config.sandbox == Sandbox::Required).then(own_program),
            max_file_bytes: config.max_bytes.saturating_mul(2),
            light: Semaphore::new(cores),
            heavy: Semaphore::new((cores / 2).max(1)),
            warned: AtomicBool::new(false),
        };
        Self { tools: Arc::new(tools) }
    }

    async fn ffmpeg(&self, arguments: Arguments, limits: Limits) -> Result<Finished, Error> {
        self.run(&self.tools.ffmpeg, arguments, limits, None).await
    }

    /// As `ffmpeg`, telling what it prints as it comes.
    async fn ffmpeg_telling(
        &self,
        arguments: Arguments,
        limits: Limits,
        told: Told<'_>,
    ) -> Result<Finished, Error> {
        self.run(&self.tools.ffmpeg, arguments, limits, Some(told)).await
    }

    async fn ffprobe(&self, arguments: Arguments, limits: Limits) -> Result<Finished, Error> {
        self.run(&self.tools.ffprobe, arguments, limits, None).await
    }

    async fn run(
        &self,
        program: &str,
        arguments: Arguments,
        limits: Limits,
        told: Option<Told<'_>>,
    ) -> Result<Finished, Error> {
        let (arguments, folder, cell) = arguments.finish();
        let cell = self.tools.launcher.as_deref().zip(cell);
        child::run(Job { program, arguments, folder, cell, limits, told }).await
    }

    /// What a run that only reads or copies may use.
    fn light_limits(&self) -> Limits {
        Limits {
            memory_bytes: GIB,
            cpu: Duration::from_secs(20),
            wall: Duration::from_secs(60),
            file_bytes: self.tools.max_file_bytes,
            // Somebody waits for it.
            niceness: 0,
        }
    }

    /// What an encode of `duration` may use.
    fn heavy_limits(&self, duration: Duration) -> Limits {
        Limits {
            memory_bytes: 2 * GIB,
            cpu: Duration::from_secs(60) + duration * 8,
            wall: Duration::from_secs(60) + duration * 20,
            file_bytes: self.tools.max_file_bytes,
            niceness: NICENESS,
        }
    }
}

/// This program, even when another version has taken its place on the disk meanwhile.
fn own_program() -> PathBuf {
    format!("/proc/{}/exe", std::process::id()).into()
}
