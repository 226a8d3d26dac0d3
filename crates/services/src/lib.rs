//! The rules: one service a noun, each method a check of its request and, mostly, one call of the store. How a
//! request arrives and how an answer is shown is the gateway's; SQL is the store's.

mod card;
mod comment;
mod deletion;
mod feed;
mod follow;
mod forget;
mod fsck;
mod like;
mod media;
mod message;
mod password;
mod ranking;
mod settle;
mod sweep;
mod transcode;
mod user;
mod video;
mod webhook;
mod words;

pub use comment::Comments;
pub use feed::Feed;
pub use follow::Follows;
pub use fsck::{Fault, Fsck};
pub use like::Likes;
pub use media::MediaFiles;
pub use message::Messages;
pub use ranking::Weights;
pub use settle::Settler;
pub use sweep::Sweep;
pub use transcode::Transcoder;
pub use user::{Newcomers, Provider, ProviderConfig, Users};
pub use video::{UploadLimits, Videos};
pub use webhook::{Caller, WebhookConfig};
pub use words::Words;

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Everybody.
    Open,
    /// Who was invited.
    Invite,
    /// Everybody, to be let in by an administrator; who was invited is.
    Approval,
    /// Nobody.
    Closed,
}

/// What an operator may decide about accounts.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct UserConfig {
    /// Who may register.
    pub registration: Registration,
    /// Whether administrators have to have a second factor at login.
    pub admin_two_factor: bool,
    /// Longest user name, in characters, at most 64.
    pub name_max_chars: usize,
    /// Memory of one argon2id hash, in KiB.
    pub password_memory_kib: u32,
    /// Passes of one argon2id hash.
    pub password_passes: u32,
    /// Lanes of one argon2id hash.
    pub password_lanes: u32,
}

/// Who administrates.
#[derive(Clone)]
pub struct Admins {
    /// Where it is known.
    pub store: store::Store,
    /// Whether they have to have a second factor.
    pub two_factor: bool,
}

impl Admins {
    /// Who asks, if that is an administrator.
    async fn the(&self, call: &domain::Call) -> domain::Result<domain::UserId> {
        let viewer = call.viewer()?;
        match self.store.is_admin(viewer).await? {
            Some(has_two_factor) if has_two_factor || !self.two_factor => Ok(viewer),
            Some(_without) => Err(domain::Error::TwoFactorNeeded),
            None => Err(domain::Error::PermissionDenied),
        }
    }
}

/// Why an administrator does something, for the audit log.
fn justified(reason: &str) -> domain::Result<String> {
    let reason = domain::Content::parse(reason).map_err(|_wrong| domain::Error::Invalid {
        name: "reason".into(),
        problem: "must have 1 to 255 characters".into(),
    })?;
    Ok(reason.as_str().to_owned())
}

/// When an invitation or a link ends, which somebody chose.
fn within_a_year(expires_at: i64, now: domain::Timestamp) -> domain::Result<domain::Timestamp> {
    const YEAR: std::time::Duration = std::time::Duration::from_secs(365 * 24 * 3600);
    if expires_at <= now.millis() || expires_at > now.after(YEAR).millis() {
        let problem = "must be a moment within a year from now".to_owned();
        return Err(domain::Error::Invalid { name: "expires_at".into(), problem });
    }
    Ok(domain::Timestamp::from_millis(expires_at))
}

/// 128 bits for what nobody may guess.
fn random_bits() -> domain::Result<u128> {
    random_bytes().map(u128::from_ne_bytes)
}

/// Bytes from the operating system, for what nobody may guess.
fn random_bytes<const LENGTH: usize>() -> domain::Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| domain::Error::internal(error.to_string()))?;
    Ok(bytes)
}

/// An object store's failure as the platform's.
fn blob_failed(error: blobs::Error) -> domain::Error {
    domain::Error::unavailable(error)
}

/// Deletes an object nobody needs; what cannot be deleted now is swept later.
pub async fn discard(blobs: &blobs::Blobs, key: &str) {
    let Some(key) = blobs::Key::parse(key) else { return };
    if let Err(error) = blobs.delete(&key).await {
        tracing::warn!(%error, "an unneeded object stays until the sweep");
    }
}

/// Deletes those of these objects that no video and no upload has a row for; what cannot be deleted now is swept
/// later.
async fn discard_unneeded(store: &store::Store, blobs: &blobs::Blobs, keys: &[String]) {
    match store.known_objects(keys).await {
        Ok(known) => {
            for key in keys.iter().filter(|key| !known.contains(*key)) {
                discard(blobs, key).await;
            }
        }
        Err(error) => tracing::warn!(error = %error.chain(), "unneeded objects stay until the sweep"),
    }
}
