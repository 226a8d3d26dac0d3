//! Uploads in parts, which may take hours and any number of connections: a cut-off one goes on where it was.

use std::time::Duration;

use blobs::Key;
use domain::{Call, Error, Result, Timestamp};
use proto::{AppendUploadRequest, CreateUploadRequest, PublishRequest, StoredObject, Upload};
use store::{UploadPart, UploadRow};

use super::Videos;
use crate::media::stored_object;
use crate::{blob_failed, discard_unneeded, random_bits};

/// An upload that receives nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);
/// Uploads of one account at once.
const MOST_OPEN: i64 = 20;

/// What is to be published.
pub(super) struct Arrived {
    pub(super) source: StoredObject,
    /// The upload in parts that it came in.
    pub(super) upload: Option<String>,
    /// The objects of that.
    pub(super) parts: Vec<String>,
}

impl Videos {
    /// The one object to be published: as it was sent, or an upload's parts as one.
    pub(super) async fn arrived(&self, call: &Call, request: &PublishRequest) -> Result<Arrived> {
        if let Some(source) = request.source.clone() {
            return Ok(Arrived { source, upload: None, parts: Vec::new() });
        }
        let name = request.upload.clone();
        let UploadRow { bytes, received, parts, .. } =
            self.store.upload(call.viewer()?, name.clone(), Timestamp::now()).await?;
        if received < bytes {
            return Err(Error::Invalid {
                name: "upload".into(),
                problem: format!("has received {received} of its {bytes} bytes"),
            });
        }
        let source = match parts.as_slice() {
            [only] => StoredObject { key: only.key.clone(), bytes: only.bytes, sha256: only.sha256.clone() },
            parts => self.join(parts).await?,
        };
        let parts = parts.into_iter().map(|part| part.key).collect();
        Ok(Arrived { source, upload: Some(name), parts })
    }

    async fn join(&self, parts: &[UploadPart]) -> Result<StoredObject> {
        let key = |part: &UploadPart| {
            Key::parse(&part.key).ok_or_else(|| Error::internal("a part's key is not ours"))
        };
        let parts = parts.iter().map(key).collect::<Result<Vec<_>>>()?;
        let joined = Key::random("o", random_bits()?, "bin");
        self.blobs.join(&parts, &joined).await.map(stored_object).map_err(blob_failed)
    }

    pub(super) async fn begin_upload(&self, call: &Call, request: CreateUploadRequest) -> Result<Upload> {
        let limit_bytes = self.uploads.max_bytes;
        if u64::try_from(request.bytes).is_ok_and(|bytes| bytes > limit_bytes) {
            return Err(Error::TooLarge { limit_bytes });
        }
        if request.bytes <= 0 {
            return Err(Error::Invalid {
                name: "Upload-Length".into(),
                problem: "must be more than 0 bytes".into(),
            });
        }
        let now = Timestamp::now();
        let upload = UploadRow {
            name: format!("{:032x}", random_bits()?),
            bytes: request.bytes,
            received: 0,
            expires_at: now.after(PATIENCE),
            parts: Vec::new(),
        };
        let most = (MOST_OPEN, i64::try_from(self.uploads.user_bytes).unwrap_or(i64::MAX));
        self.store.create_upload(call.viewer()?, upload.clone(), most, now).await?;
        Ok(shown(upload))
    }

    /// A part that cannot be added is of no use.
    pub(super) async fn add_part(&self, call: &Call, request: AppendUploadRequest) -> Result<Upload> {
        let part = request.part.ok_or_else(|| Error::internal("no part"))?;
        let (key, now) = (part.key.clone(), Timestamp::now());
        let part = UploadPart { start: request.start, key: part.key, bytes: part.bytes, sha256: part.sha256 };
        let (viewer, name) = (call.viewer()?, request.name);
        let until = now.after(PATIENCE);
        let added = self.store.append_upload(viewer, name.clone(), part, (now, until)).await;
        match added {
            Ok(received) => Ok(Upload { name, bytes: 0, received, expires_at: until.millis() }),
            Err(error) => {
                if !matches!(error, Error::Unavailable(_)) {
                    discard_unneeded(&self.store, &self.blobs, &[key]).await;
                }
                Err(error)
            }
        }
    }
}

pub(super) fn shown(upload: UploadRow) -> Upload {
    let UploadRow { name, bytes, received, expires_at, parts: _ } = upload;
    Upload { name, bytes, received, expires_at: expires_at.millis() }
}
