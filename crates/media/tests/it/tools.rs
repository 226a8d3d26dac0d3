//! Whether the tools themselves are there and fit.

use media::{Config, Error, Media};

use crate::clips::{Room, config};

#[tokio::test]
async fn the_installed_ffmpeg_passes_the_check() {
    let version = Room::new().media.check().await.expect("a fit ffmpeg");
    assert!(version.number.is_none_or(|number| number >= (5, 1, 0)), "{version}");
}

#[tokio::test]
async fn a_missing_ffmpeg_is_said_with_what_to_install() {
    for (ffmpeg, ffprobe) in [("no-such-ffmpeg", "ffprobe"), ("ffmpeg", "no-such-ffprobe")] {
        let config = Config { ffmpeg: ffmpeg.to_owned(), ffprobe: ffprobe.to_owned(), ..config() };
        let error = Media::new(&config).check().await.expect_err("no ffmpeg");
        assert!(matches!(error, Error::ToolMissing { .. }));
        assert!(error.to_string().contains("apt-get install ffmpeg"), "{error}");
    }
}

#[tokio::test]
async fn an_ffmpeg_without_our_encoders_is_unfit() {
    // It prints its arguments: a version nobody can read and an encoder list that lacks everything.
    let error =
        Media::new(&Config { ffmpeg: "echo".to_owned(), ..config() }).check().await.expect_err("unfit");
    assert!(matches!(error, Error::ToolUnfit { .. }));
    assert!(error.to_string().contains("has no encoder libx264"), "{error}");
}
