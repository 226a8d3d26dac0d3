//! The objects of the videos: a few files, shared by all of them, so that a million videos need no million
//! files and every address still leads to bytes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Dataset, Rng};

/// The video that plays the file for range reads.
const RANGE_VIDEO: u64 = 1;
/// Files that all other videos play.
const CLIPS: u64 = 16;
const CLIP_BYTES: usize = 256 * 1024;
/// Covers that all videos show.
const COVERS: u64 = 16;
const COVER_BYTES: usize = 8 * 1024;

/// An object of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key; its address is `/media/` and this.
    pub key: String,
    /// Its length.
    pub bytes: usize,
    /// The video it belongs to; others only name it.
    pub video: u64,
    seed: u64,
}

impl Object {
    /// What is in it: noise, which nothing on the way can compress.
    pub fn content(&self) -> Vec<u8> {
        let mut content = vec![0; self.bytes];
        Rng::with_seed(self.seed).fill(&mut content);
        content
    }
}

impl Dataset {
    /// All objects that a platform with this dataset has.
    pub fn objects(&self) -> Vec<Object> {
        let clips = (RANGE_VIDEO..=RANGE_VIDEO + CLIPS).map(|video| self.play_object(video));
        clips.chain((1..=COVERS).map(|video| self.cover_object(video))).collect()
    }

    /// The file for range reads.
    pub fn range_file(&self) -> Object {
        self.play_object(RANGE_VIDEO)
    }

    /// Writes all objects into a folder of objects, as the platform would.
    pub fn write_objects(&self, folder: &Path) -> Result<()> {
        for object in self.objects() {
            let path = folder.join(&object.key);
            fs::create_dir_all(path.parent().unwrap_or(folder)).context("create the folder of objects")?;
            fs::write(&path, object.content()).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(())
    }

    /// What a video plays.
    pub(super) fn play_object(&self, video: u64) -> Object {
        match video.checked_sub(RANGE_VIDEO + 1) {
            None => self.object(video, 0, "mp4", self.range_file_bytes),
            Some(after) => self.object(RANGE_VIDEO + 1 + after % CLIPS, 0, "mp4", CLIP_BYTES),
        }
    }

    /// What a video shows.
    pub(super) fn cover_object(&self, video: u64) -> Object {
        self.object(1 + (video - 1) % COVERS, 1, "jpg", COVER_BYTES)
    }

    fn object(&self, video: u64, kind: u64, extension: &str, bytes: usize) -> Object {
        let seed = self.seed ^ (((video << 1) | kind) << 32);
        let key = format!("p/{:032x}.{extension}", Rng::with_seed(seed).u128(..));
        Object { key, bytes, video, seed }
    }
}
