//! A room to test in: a folder that goes away, the media tools, and trusted ffmpeg runs that make and inspect
//! clips.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use media::{Config, Gain, Media, Probe, Refusal, Rung};
use tempfile::TempDir;

pub struct Room {
    folder: TempDir,
    pub media: Media,
}

pub fn config() -> Config {
    Config {
        max_bytes: 200 << 20,
        keep_originals: false,
        sandbox: media::Sandbox::Off,
        ffmpeg: "ffmpeg".to_owned(),
        ffprobe: "ffprobe".to_owned(),
        preset: "ultrafast".to_owned(),
        transcriber: String::new(),
    }
}

impl Room {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), media: Media::new(&config()) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes `name` by ffmpeg with `arguments`, split at blanks; other files of the room go by their names.
    pub fn make(&self, name: &str, arguments: &str) -> PathBuf {
        self.ffmpeg(&format!("{arguments} {name}"));
        self.path(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), content).expect("write a file");
        self.path(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("read a file")
    }

    /// Why `input` is refused.
    pub async fn refusal(&self, input: &Path) -> Refusal {
        let error = self.media.probe(input).await.expect_err("a refusal");
        error.refusal().unwrap_or_else(|| panic!("refused, not {error:?}")).clone()
    }

    pub async fn probe(&self, input: &Path) -> Probe {
        self.media.probe(input).await.expect("a probe")
    }

    /// The mean colour of each cell when the frame at `second` is cut in `columns` x `rows`.
    pub fn colours(&self, input: &Path, second: f64, columns: u32, rows: u32) -> Vec<[u8; 3]> {
        let file = input.to_str().expect("a plain path");
        let filter = format!("scale={columns}:{rows}:flags=area,format=rgb24");
        let bytes = self.ffmpeg(&format!("-ss {second} -i {file} -frames:v 1 -vf {filter} -f rawvideo -"));
        bytes.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()
    }

    /// How light the first picture is on the whole, of 255.
    pub fn mean_luma(&self, input: &Path) -> u8 {
        let file = input.to_str().expect("a plain path");
        self.ffmpeg(&format!("-i {file} -frames:v 1 -vf format=gray,scale=1:1:flags=area -f rawvideo -"))[0]
    }

    /// What ffprobe tells of `input` when it is asked by `arguments`: values with commas between.
    pub fn told(&self, input: &Path, arguments: &str) -> String {
        let output = Command::new("ffprobe")
            .args(["-v", "error", "-of", "csv=p=0"])
            .args(arguments.split_ascii_whitespace())
            .arg(input)
            .stdin(Stdio::null())
            .output()
            .expect("run ffprobe");
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    /// Makes the first rung of `input` at `output`.
    pub async fn transcode(&self, input: &Path, probe: &Probe, output: &Path) -> Result<(), media::Error> {
        let folder = self.folder.path();
        let rungs = [Rung::P720];
        let made = self.media.encode(input, probe, &rungs, Gain::default(), folder, |_done| {}).await?;
        std::fs::rename(&made[0].path, output).expect("rename");
        Ok(())
    }

    pub fn is_empty_but_for(&self, names: &[&str]) -> bool {
        let entries = std::fs::read_dir(self.folder.path()).expect("list the folder");
        entries.flatten().all(|entry| names.iter().any(|name| entry.file_name() == *name))
    }

    fn ffmpeg(&self, arguments: &str) -> Vec<u8> {
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-y"])
            .args(arguments.split_ascii_whitespace())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .expect("run ffmpeg");
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

pub fn near(one: Duration, other: Duration) -> bool {
    one.abs_diff(other) <= Duration::from_millis(200)
}
