//! The clip a run publishes: a second of moving colours in the format every server takes, H.264 and AAC in MP4.

use fastrand::Rng;
use media::{Clip, Media};

/// Draws it; else what is missing here.
pub(super) async fn draw(media: &Media) -> Result<Vec<u8>, String> {
    media.check().await.map_err(|error| error.to_string())?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("clip.mp4");
    let clip = Clip {
        seed: Rng::new().u64(..),
        width: 128,
        height: 128,
        seconds: 1,
        caption: String::new(),
        silent: false,
    };
    media.draw(&clip, &file).await.map_err(|error| error.to_string())?;
    tokio::fs::read(&file).await.map_err(|error| error.to_string())
}
