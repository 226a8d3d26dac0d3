//! User tokens: HS256 JWTs (RFC 7519) signed with a random key of this platform and checked only here.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use domain::limits::SESSION_TIME;
use domain::{Error, Result, Timestamp, UserId};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

/// How long a login of the Douyin API lasts; its clients cannot renew one.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long one of the modern API lasts, which can be renewed.
pub(crate) const ACCESS: Duration = Duration::from_secs(15 * 60);
const ISSUER: &str = "dytt";
/// Whom a token is for: the two APIs, and the one route that renews.
const DOUYIN: &str = "dytt-douyin";
const MODERN: &str = "dytt-api";
const RENEWING: &str = "dytt-renewal";
/// A token of ours is below 400 bytes; nothing longer is worth decoding.
const MAX_TOKEN_BYTES: usize = 1024;
const KEY_BYTES: usize = 32;

/// Why the signing key cannot be used; the text names the file and the fix.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("auth.jwt_key_file {path} cannot be read or made")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Others may read the file.
    #[error("auth.jwt_key_file {path} must be readable by its owner alone: chmod 600 {path}")]
    Open {
        /// The file.
        path: String,
    },
    /// The file does not hold a key.
    #[error("auth.jwt_key_file {path} must hold 64 hexadecimal digits, a 256-bit key")]
    Content {
        /// The file.
        path: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
    epoch: i64,
    /// The session and how often it was renewed; 0 in the Douyin API.
    #[serde(default)]
    sid: i64,
    #[serde(default)]
    generation: i64,
}

/// What a valid token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    pub user: UserId,
    pub epoch: i64,
    /// 0 for none.
    pub session: i64,
    pub generation: i64,
}

/// Makes and checks tokens.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    renewing: Validation,
    kid: String,
}

impl Tokens {
    /// Tokens signed with the key in `path`; a first start makes one, readable by its owner alone.
    ///
    /// # Errors
    /// [`KeyError`] when the file cannot be trusted or read.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let name = path.display().to_string();
        let failed = |source| KeyError::File { path: name.clone(), source };
        if !path.exists() {
            create_key(path).map_err(failed)?;
        }
        let mode = path.metadata().map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeyError::Open { path: name });
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let key = unhex(text.trim()).filter(|key| key.len() == KEY_BYTES);
        Ok(Self::with_key(&key.ok_or(KeyError::Content { path: name })?))
    }

    fn with_key(key: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 30;
        validation.validate_nbf = true;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[DOUYIN, MODERN]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        let mut renewing = validation.clone();
        renewing.set_audience(&[RENEWING]);
        // Names the key without telling it: the start of a text signed with it.
        let signed = jsonwebtoken::crypto::sign(b"kid", &EncodingKey::from_secret(key), Algorithm::HS256);
        let kid = signed.unwrap_or_default().chars().take(12).collect();
        Self {
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
            validation,
            renewing,
            kid,
        }
    }

    /// A token of the Douyin API for a user who has just proved who they are.
    pub(crate) fn issue(&self, user: UserId, epoch: i64, now: Timestamp) -> Result<String> {
        self.sign(Proof { user, epoch, session: 0, generation: 0 }, DOUYIN, LIFETIME, now)
    }

    /// The two tokens of a session that has just been opened or renewed: one to be sent with requests, one that
    /// renews it.
    pub(crate) fn issue_pair(&self, proof: Proof, now: Timestamp) -> Result<(String, String)> {
        Ok((self.sign(proof, MODERN, ACCESS, now)?, self.sign(proof, RENEWING, SESSION_TIME, now)?))
    }

    fn sign(&self, proof: Proof, audience: &str, lasts: Duration, now: Timestamp) -> Result<String> {
        let seconds = now.millis() / 1000;
        let claims = Claims {
            iss: ISSUER.into(),
            aud: audience.into(),
            sub: proof.user.to_string(),
            iat: seconds,
            nbf: seconds,
            exp: now.after(lasts).millis() / 1000,
            jti: format!("{:032x}", crate::random_bits()?),
            epoch: proof.epoch,
            sid: proof.session,
            generation: proof.generation,
        };
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(Error::internal)
    }

    /// What proves that somebody may read an object until a moment, in seconds since 1970. A token is never the
    /// signature of such a text: it has no line breaks.
    pub(crate) fn sign_object(&self, key: &str, until: i64) -> String {
        let signed =
            jsonwebtoken::crypto::sign(text_of(key, until).as_bytes(), &self.encoding, Algorithm::HS256);
        signed.unwrap_or_default()
    }

    /// Whether this proves that.
    pub(crate) fn is_signed(&self, key: &str, until: i64, signature: &str) -> bool {
        let text = text_of(key, until);
        let verified =
            jsonwebtoken::crypto::verify(signature, text.as_bytes(), &self.decoding, Algorithm::HS256);
        verified.unwrap_or(false)
    }

    /// A place in a list as its clients are given it.
    pub(crate) fn sealed(&self, list: &str, place: i64) -> String {
        format!("{place:x}.{}", self.mark(list, place))
    }

    /// The place that was given as this of that list.
    pub(crate) fn opened(&self, list: &str, sealed: &str) -> Option<i64> {
        let (place, mark) = sealed.split_once('.')?;
        let place = i64::from_str_radix(place, 16).ok()?;
        (mark == self.mark(list, place)).then_some(place)
    }

    /// 96 bits that only we can make. As with objects, a token is never the signature of such a text.
    fn mark(&self, list: &str, place: i64) -> String {
        let text = format!("cursor\n{list}\n{place}");
        let signed = jsonwebtoken::crypto::sign(text.as_bytes(), &self.encoding, Algorithm::HS256);
        signed.unwrap_or_default().chars().take(16).collect()
    }

    /// What a token proves. Whether it was revoked is asked elsewhere.
    pub(crate) fn check(&self, token: &str) -> Result<Proof> {
        self.verified(token, &self.validation)
    }

    /// What a token proves that renews a session.
    pub(crate) fn check_renewal(&self, token: &str) -> Result<Proof> {
        self.verified(token, &self.renewing)
    }

    fn verified(&self, token: &str, validation: &Validation) -> Result<Proof> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Error::TokenInvalid);
        }
        let decoded = jsonwebtoken::decode::<Claims>(token, &self.decoding, validation);
        let decoded = decoded.map_err(|error| {
            let expired = matches!(error.kind(), ErrorKind::ExpiredSignature);
            if expired { Error::TokenExpired } else { Error::TokenInvalid }
        })?;
        let ours = decoded.header.kid.as_deref() == Some(self.kid.as_str())
            && decoded.header.typ.as_deref() == Some("JWT");
        let user = decoded.claims.sub.parse().ok().and_then(|id| UserId::parse(id).ok());
        match user {
            Some(user) if ours => {
                let Claims { epoch, sid: session, generation, .. } = decoded.claims;
                Ok(Proof { user, epoch, session, generation })
            }
            _ => Err(Error::TokenInvalid),
        }
    }
}

fn text_of(key: &str, until: i64) -> String {
    format!("object\n{key}\n{until}")
}

fn create_key(path: &Path) -> std::io::Result<()> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| std::io::Error::other(error.to_string()))?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Named when whole: a crash leaves no half a key behind.
    let half =
        path.with_extension(format!("new-{:032x}", crate::random_bits().map_err(std::io::Error::other)?));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
    writeln!(file, "{}", domain::hex(&key))?;
    file.sync_all()?;
    // Not renamed: of gateways that start at once the first one's key is everybody's.
    let named = std::fs::hard_link(&half, path);
    std::fs::remove_file(half)?;
    match named {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let byte = |pair: &[u32]| u8::try_from(pair.first()? * 16 + pair.get(1)?).ok();
    digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests;
