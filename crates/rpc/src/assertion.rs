//! Who is logged in, vouched for by the gateway for one service and one minute: an HS256 JWT (RFC 7519)
//! under a key that only the gateway and that service know. A stolen one is of no use elsewhere or later.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::UserId;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

const ISSUER: &str = "gateway";
const LIFETIME_SECONDS: u64 = 60;
/// Clocks of two machines may differ by this much.
const LEEWAY_SECONDS: u64 = 30;
/// One of ours is below 300 bytes.
const MAX_BYTES: usize = 512;

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: u64,
    exp: u64,
}

/// Vouches for a viewer towards one service.
pub(crate) fn mint(key: &[u8; 32], service: &str, viewer: UserId) -> Option<String> {
    mint_at(key, service, viewer, SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs())
}

fn mint_at(key: &[u8; 32], service: &str, viewer: UserId, now: u64) -> Option<String> {
    let claims = Claims {
        iss: ISSUER.into(),
        aud: service.into(),
        sub: viewer.to_string(),
        iat: now,
        exp: now + LIFETIME_SECONDS,
    };
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(key)).ok()
}

/// The viewer an assertion vouches for towards this service; nobody when it does not hold.
pub(crate) fn check(key: &[u8; 32], service: &str, token: &str) -> Option<UserId> {
    if token.len() > MAX_BYTES {
        return None;
    }
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = LEEWAY_SECONDS;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[service]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let decoded = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(key), &validation).ok()?;
    UserId::parse(decoded.claims.sub.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn a_viewer_is_believed_by_the_service_it_was_vouched_to_alone() {
        let ann = UserId::parse(41).expect("an id");
        let token = mint(&KEY, "like", ann).expect("mints");
        assert_eq!(check(&KEY, "like", &token), Some(ann));
        assert_eq!(check(&KEY, "comment", &token), None, "another audience");
        assert_eq!(check(&[8; 32], "like", &token), None, "another key");
        let mut forged = token;
        forged.replace_range(..36, "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.");
        assert_eq!(check(&KEY, "like", &forged), None, "no algorithm");
        assert_eq!(check(&KEY, "like", &"x".repeat(600)), None);
    }

    #[test]
    fn an_old_assertion_is_nobodys() {
        let ann = UserId::parse(41).expect("an id");
        assert_eq!(check(&KEY, "like", &mint_at(&KEY, "like", ann, 1_700_000_000).expect("mints")), None);
    }
}
