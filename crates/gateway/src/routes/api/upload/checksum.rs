//! What tells whether bytes arrived as they were sent (tus 1.0, "Checksum").

use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Result;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::params::bad;

/// The names of the algorithms; the protocol demands the first, which is no proof against forgery.
pub(super) const ALGORITHMS: &str = "sha1,sha256";

const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");

/// A checksum and the bytes it is of, so far.
pub(super) struct Checksum {
    so_far: SoFar,
    told: Vec<u8>,
}

enum SoFar {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Checksum {
    /// The one that a request announces, if it does.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>> {
        const NAME: &str = "Upload-Checksum";
        let Some(value) = headers.get(UPLOAD_CHECKSUM) else { return Ok(None) };
        let text = value.to_str().ok().and_then(|text| text.split_once(' '));
        let (algorithm, told) = text.ok_or_else(|| bad(NAME, "must be an algorithm, a blank and Base64"))?;
        let so_far = match algorithm {
            "sha1" => SoFar::Sha1(Sha1::new()),
            "sha256" => SoFar::Sha256(Sha256::new()),
            _ => return Err(bad(NAME, "must be of sha1 or sha256")),
        };
        let told = STANDARD.decode(told.trim()).map_err(|_wrong| bad(NAME, "must be in Base64"))?;
        Ok(Some(Self { so_far, told }))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.so_far {
            SoFar::Sha1(hash) => hash.update(bytes),
            SoFar::Sha256(hash) => hash.update(bytes),
        }
    }

    /// Whether what came is what was announced.
    pub(super) fn fits(self) -> bool {
        match self.so_far {
            SoFar::Sha1(hash) => hash.finalize()[..] == self.told,
            SoFar::Sha256(hash) => hash.finalize()[..] == self.told,
        }
    }
}
