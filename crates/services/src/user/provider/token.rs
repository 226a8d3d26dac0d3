//! Whether a provider's token says who somebody is (OpenID Connect Core 1.0, 3.1.3.7).

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use super::Claims;

/// Those by which whoever checks a signature cannot make one.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// How far a provider's clock may be from ours, in seconds.
const CLOCKS: u64 = 60;
/// Most bytes of a person's word.
const SUBJECT_BYTES: usize = 255;

/// What a token has to say.
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client_id: &'e str,
    pub(super) nonce: &'e str,
}

/// Why a token does not hold.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum Wrong {
    #[error("it is signed by an unknown key")]
    Key,
    #[error("it is signed in a way that is not taken here")]
    Algorithm,
    #[error("its signature, its time, or whom it is from or for is wrong")]
    Token,
    #[error("it was made for another login")]
    Nonce,
    #[error("it was given to another site")]
    Party,
    #[error("it has no usable word for the person")]
    Subject,
}

#[derive(Deserialize)]
struct Token {
    nonce: Option<String>,
    azp: Option<String>,
    aud: Audience,
    #[serde(flatten)]
    claims: Claims,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(#[expect(dead_code, reason = "the library has checked it")] String),
    Many(Vec<String>),
}

/// Who a token is about, if it is the provider's, for this site and this login, and of now.
pub(super) fn verify(token: &str, keys: &[Jwk], expected: &Expected<'_>) -> Result<Claims, Wrong> {
    let header = decode_header(token).map_err(|_none| Wrong::Token)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Wrong::Algorithm);
    }
    let signs =
        |key: &&Jwk| key.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
    let mut signing = keys.iter().filter(signs);
    let key = match header.kid.as_deref() {
        Some(id) => signing.find(|key| key.common.key_id.as_deref() == Some(id)),
        // Without a name it must be the only one.
        None => signing.next().filter(|_| signing.next().is_none()),
    };
    let key = DecodingKey::from_jwk(key.ok_or(Wrong::Key)?).map_err(|_unusable| Wrong::Key)?;
    let mut rules = Validation::new(header.alg);
    rules.leeway = CLOCKS;
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules.set_issuer(&[expected.issuer]);
    rules.set_audience(&[expected.client_id]);
    let Token { nonce, azp, aud, claims } =
        decode::<Token>(token, &key, &rules).map_err(|_wrong| Wrong::Token)?.claims;
    if nonce.as_deref() != Some(expected.nonce) {
        return Err(Wrong::Nonce);
    }
    let has_others = matches!(&aud, Audience::Many(all) if all.len() > 1);
    match azp {
        Some(party) if party != expected.client_id => return Err(Wrong::Party),
        None if has_others => return Err(Wrong::Party),
        Some(_) | None => {}
    }
    let word = &claims.sub;
    if word.is_empty() || word.len() > SUBJECT_BYTES || word.chars().any(char::is_control) {
        return Err(Wrong::Subject);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests;
