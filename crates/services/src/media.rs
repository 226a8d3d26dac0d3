//! The media service: what ffmpeg has to say about an uploaded object. Encoding is the job loop's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use blobs::{Blobs, Key, Stored};
use domain::{Call, Error, Result};
use media::Media;
use proto::{MediaService, PreparePictureRequest, PrepareRequest, PrepareResponse, StoredObject};

use crate::{blob_failed, random_bits};

/// How the system ends a process over its limit of time or of file size; other signals are not the file's.
const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;

/// Objects in, objects out.
#[derive(Clone)]
pub struct MediaFiles {
    /// Where the objects are.
    pub blobs: Blobs,
    /// What looks into them.
    pub media: Media,
    /// A folder for files that live as long as one request.
    pub folder: PathBuf,
}

#[async_trait::async_trait]
impl MediaService for MediaFiles {
    async fn prepare(&self, _call: &Call, request: PrepareRequest) -> Result<PrepareResponse> {
        let folder = self.work_folder()?;
        let source = self.source(&request.source_key, folder.path()).await?;
        let probe = self.media.probe(&source).await.map_err(media_failed)?;
        let mut shown = source.clone();
        let mut play = None;
        if probe.remuxable() {
            shown = folder.path().join("play.mp4");
            self.media.remux(&source, &probe, &shown).await.map_err(media_failed)?;
        }
        let cover = folder.path().join("cover.jpg");
        // What lies outside of the clip chooses nothing.
        let chosen = request.cover_ms.and_then(|at| u64::try_from(at).ok()).map(Duration::from_millis);
        let chosen = chosen.filter(|at| *at <= probe.duration);
        let has_cover = self.media.cover(&shown, &probe, chosen, &cover).await.map_err(media_failed)?;
        // Nothing is stored before all of it is made: a refusal has nothing to take back.
        if probe.remuxable() {
            play = Some(self.keep(&shown, &request.prefix, "mp4").await?);
        }
        let cover = if has_cover { Some(self.keep(&cover, &request.prefix, "jpg").await?) } else { None };
        let duration_ms = i64::try_from(probe.duration.as_millis()).unwrap_or(i64::MAX);
        Ok(PrepareResponse { play, cover, duration_ms })
    }

    async fn prepare_picture(&self, _call: &Call, request: PreparePictureRequest) -> Result<StoredObject> {
        let PreparePictureRequest { source_key, width, height } = request;
        let folder = self.work_folder()?;
        let source = self.source(&source_key, folder.path()).await?;
        let picture = folder.path().join("picture.jpg");
        if !self.media.portrait(&source, (width, height), &picture).await.map_err(media_failed)? {
            let problem =
                "it is no picture that can be read: JPEG, PNG and WebP of up to 25 million pixels are";
            return Err(Error::UnsupportedMedia { problem: problem.into() });
        }
        self.keep(&picture, "p", "jpg").await
    }
}

impl MediaFiles {
    /// An object as a file of the folder.
    async fn source(&self, key: &str, folder: &Path) -> Result<PathBuf> {
        let key = Key::parse(key).ok_or_else(|| Error::internal("the source key is not one of ours"))?;
        let source = folder.join("source");
        self.blobs.fetch(&key, &source).await.map_err(blob_failed)?;
        Ok(source)
    }

    /// A folder that is gone when its handle is.
    pub(crate) fn work_folder(&self) -> Result<tempfile::TempDir> {
        tempfile::Builder::new().prefix("media-").tempdir_in(&self.folder).map_err(Error::unavailable)
    }

    /// Stores a file that was made, under a new key.
    async fn keep(&self, file: &Path, prefix: &str, extension: &str) -> Result<StoredObject> {
        let key = Key::random(prefix, random_bits()?, extension);
        self.blobs.store_file(file, &key).await.map(stored_object).map_err(blob_failed)
    }
}

pub(crate) fn stored_object(stored: Stored) -> StoredObject {
    StoredObject {
        key: stored.key.to_string(),
        bytes: i64::try_from(stored.bytes).unwrap_or(i64::MAX),
        sha256: stored.sha256,
    }
}

/// The media crate's failure as the platform's: what is wrong with the file is the user's to know.
pub(crate) fn media_failed(error: media::Error) -> Error {
    if let media::Error::Failed { code, log } = &error {
        tracing::warn!(code, log, "a media tool failed");
    }
    match error {
        media::Error::Refused { reason } => Error::UnsupportedMedia { problem: reason.to_string() },
        media::Error::TimedOut { .. } | media::Error::Killed { signal: SIGXCPU | SIGXFSZ } => {
            Error::UnsupportedMedia { problem: "it takes too much work to read".into() }
        }
        media::Error::ToolMissing { .. }
        | media::Error::ToolUnfit { .. }
        | media::Error::Unconfined { .. }
        | media::Error::Killed { .. }
        | media::Error::Failed { .. }
        | media::Error::Io { .. } => Error::unavailable(error),
    }
}
