//! Clips made by ffmpeg when a test first asks, once a process, and kept in memory: nothing is left behind.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

const PICTURE: &str = "-f lavfi -i testsrc2=size=320x568:rate=25:duration=1";
const TONE: &str = "-f lavfi -i sine=frequency=440:duration=1";
const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";

macro_rules! clips {
    ($($(#[$doc:meta])* $name:ident, $file:literal: $($words:expr),+;)+) => {$(
        $(#[$doc])*
        pub fn $name() -> &'static [u8] {
            static MADE: OnceLock<Vec<u8>> = OnceLock::new();
            MADE.get_or_init(|| make($file, &[$($words),+].join(" ")))
        }
    )+};
}

clips! {
    /// Plays at once: H.264 and AAC in MP4.
    plain, "plain.mp4": PICTURE, TONE, H264, "-c:a aac -movflags +faststart";
    /// The same with its index at the end, in MOV, a title, a comment and a place.
    tagged, "tagged.mov": PICTURE, TONE, H264, "-c:a aac -metadata title=CANARY-TITLE -metadata comment=CANARY-COMMENT \
        -metadata location=+12.3456+098.7654/ -metadata:s:v handler_name=CANARY-HANDLER";
    /// Without sound.
    silent, "silent.mp4": PICTURE, H264, "-an";
    /// Plays at once, in the largest size that is offered.
    tall, "tall.mp4": "-f lavfi -i testsrc2=size=1080x1920:rate=25:duration=2", TONE, H264, "-c:a aac";
    /// Plays at once, and is long enough for segments.
    minute, "minute.mp4": "-f lavfi -i testsrc2=size=128x96:rate=10:duration=65 -f lavfi -i sine=duration=65", H264,
        "-c:a aac";
    /// Has to be re-encoded: VP9 and Opus in WebM.
    webm, "clip.webm": PICTURE, TONE, "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus";
    /// Has to be re-encoded, for long enough to be interrupted.
    long_webm, "long.webm": "-f lavfi -i testsrc2=size=960x540:rate=30:duration=10",
        "-c:v libvpx -deadline realtime -cpu-used 16 -b:v 4M";
    /// Has to be re-encoded: HEVC in MP4.
    hevc, "hevc.mp4": PICTURE, "-c:v libx265 -preset ultrafast -x265-params log-level=error -tag:v hvc1";
    /// A picture too large to look at.
    huge, "huge.mov": "-f lavfi -i color=c=gray:size=16000x16000:rate=1:duration=1 -c:v mjpeg -q:v 31";
    /// Sound alone.
    sound, "sound.mp4": TONE, "-c:a aac";
    /// A still picture.
    picture, "still.png": "-f lavfi -i testsrc2=size=320x240 -frames:v 1";
}

/// A phone's: coded across, upright by a rotation of 90 degrees, in MOV.
pub fn turned() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let across = ["-f lavfi -i testsrc2=size=568x320:rate=25:duration=1", H264].join(" ");
        ffmpeg(folder.path(), "across.mp4", &across);
        // Only a copy keeps what it is told of a rotation.
        ffmpeg(folder.path(), "turned.mov", "-i across.mp4 -c copy -metadata:s:v:0 rotate=90");
        std::fs::read(folder.path().join("turned.mov")).expect("the clip is there")
    })
}

/// Plays at once, and is more than an object store is sent at a time: 12 MiB, most of them padding.
pub fn heavy() -> &'static [u8] {
    const PADDING: u32 = 12 * 1024 * 1024;
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| {
        let mut clip = [plain(), &PADDING.to_be_bytes(), b"free"].concat();
        clip.resize(plain().len() + PADDING as usize, 0);
        clip
    })
}

/// What ffprobe says about bytes: `streams` and `format`.
///
/// # Panics
/// When ffprobe does not take them.
pub fn probe(bytes: &[u8]) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("probed");
    std::fs::write(&file, bytes).expect("the file is written");
    let output = Command::new("ffprobe")
        .args("-v error -of json -show_format -show_streams".split(' '))
        .arg(&file)
        .output()
        .expect("ffprobe starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("ffprobe prints JSON")
}

/// The names of an MP4's outermost boxes, in order.
///
/// # Panics
/// When the lengths do not add up.
pub fn boxes(bytes: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let number = |range: std::ops::Range<usize>| {
            rest[range].iter().fold(0_usize, |number, byte| number * 256 + usize::from(*byte))
        };
        names.push(String::from_utf8_lossy(&rest[4..8]).into_owned());
        let length = match number(0..4) {
            0 => rest.len(),
            1 => number(8..16),
            length => length,
        };
        rest = &rest[length..];
    }
    names
}

/// A clip by this name, made by ffmpeg with these words.
///
/// # Panics
/// When ffmpeg does not make it.
#[must_use]
pub fn make(name: &str, words: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    ffmpeg(folder.path(), name, words);
    std::fs::read(folder.path().join(name)).expect("the clip is there")
}

fn ffmpeg(folder: &Path, name: &str, words: &str) {
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y"])
        .args(words.split_ascii_whitespace())
        .args(["-threads", "2", name])
        .current_dir(folder)
        .output()
        .expect("ffmpeg starts");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}
