//! Logins made with the platform's own key: a password's hash is slow, and thousands of people watch at once.

use std::path::Path;

use anyhow::{Context, Result};
use jsonwebtoken::{Algorithm, EncodingKey, Header, crypto, encode};
use serde_json::json;

/// Signs for anybody.
pub struct Signer {
    key: EncodingKey,
    header: Header,
    now: u64,
}

impl Signer {
    /// With the key in the file the platform made.
    pub fn open(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let digits = text.trim().as_bytes().chunks(2);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let key: Vec<u8> = digits.map(byte).collect::<Option<_>>().context("read the key's digits")?;
        let key = EncodingKey::from_secret(&key);
        // The platform knows its key by the start of a text signed with it.
        let name = crypto::sign(b"kid", &key, Algorithm::HS256).context("name the key")?;
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(name.chars().take(12).collect());
        let now = std::time::UNIX_EPOCH.elapsed().context("read the clock")?.as_secs();
        Ok(Self { key, header, now })
    }

    /// A login of this user for some hours.
    pub fn token(&self, user: u64) -> Result<String> {
        let now = self.now;
        let claims = json!({
            "iss": "dytt", "aud": "dytt-douyin", "sub": user.to_string(), "jti": format!("{user:032x}"),
            "iat": now, "nbf": now, "exp": now + 24 * 3600, "epoch": 0,
        });
        encode(&self.header, &claims, &self.key).context("sign a login")
    }
}
