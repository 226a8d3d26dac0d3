//! Links by which a video is seen for a while, whoever may see it otherwise.

use domain::{Call, Result, Timestamp, VideoId};
use proto::{Share, ShareVideoRequest};
use sha2::{Digest, Sha256};
use store::ShareRow;

use super::Videos;
use crate::{random_bits, within_a_year};

impl Videos {
    pub(super) async fn make_link(&self, call: &Call, request: ShareVideoRequest) -> Result<Share> {
        let (author, video, now) = (call.viewer()?, VideoId::parse(request.video_id)?, Timestamp::now());
        let until = within_a_year(request.expires_at, now)?;
        let word = format!("{:032x}", random_bits()?);
        let id = self.store.share_video(author, video, hash(&word), (now, until)).await?;
        Ok(Share { id, word, created_at: now.millis(), expires_at: until.millis() })
    }
}

/// What is kept of a link's word: a copy of the database opens no video.
pub(super) fn hash(word: &str) -> [u8; 32] {
    Sha256::digest(word).into()
}

pub(super) fn link(row: ShareRow) -> Share {
    let ShareRow { id, created_at, expires_at } = row;
    Share { id, word: String::new(), created_at, expires_at }
}
