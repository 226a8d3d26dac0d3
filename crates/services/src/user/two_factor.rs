//! A second factor at login: codes of six digits that a device makes out of the time and a shared secret (RFC 6238), and
//! recovery codes for who has lost the device.

use data_encoding::BASE32_NOPAD;
use domain::{Call, Error, Result, Timestamp, UserId};
use hmac::{Hmac, KeyInit, Mac};
use proto::{
    ConfirmTwoFactorRequest, Done, EndTwoFactorRequest, RecoveryCodes, TwoFactor, TwoFactorRequest,
    TwoFactorSecret,
};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::Users;
use crate::{random_bits, random_bytes};

/// Seconds of one code.
const STEP: i64 = 30;
/// Clocks of devices are a little early or late.
const STEPS_AROUND: i64 = 1;
/// Recovery codes given at once.
const CODES: usize = 10;
/// The length of a secret, in bytes, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;

impl Users {
    pub(super) async fn shown_two_factor(&self, call: &Call) -> Result<TwoFactor> {
        let found = self.store.two_factor(call.viewer()?).await?;
        Ok(TwoFactor { is_on: found.is_on, recovery_codes_left: found.codes_left })
    }

    pub(super) async fn new_two_factor(
        &self,
        call: &Call,
        request: TwoFactorRequest,
    ) -> Result<TwoFactorSecret> {
        let user = call.viewer()?;
        self.prove(user, &request.password, request.session_id).await?;
        let secret = random_bytes::<SECRET_BYTES>()?;
        self.store.begin_two_factor(user, secret.to_vec()).await?;
        let name = self.store.user_card(user, None).await?.name;
        Ok(TwoFactorSecret { secret: BASE32_NOPAD.encode(&secret), name })
    }

    pub(super) async fn turn_on(
        &self,
        call: &Call,
        request: ConfirmTwoFactorRequest,
    ) -> Result<RecoveryCodes> {
        let user = call.viewer()?;
        let secret = self.store.two_factor(user).await?.secret.ok_or(Error::CodeWrong)?;
        let step = step_of(&secret, &request.code, Timestamp::now()).ok_or(Error::CodeWrong)?;
        let codes = (0..CODES).map(|_| random_bits().map(recovery_code)).collect::<Result<Vec<_>>>()?;
        let hashes = codes.iter().map(|code| hash(code)).collect();
        self.store.confirm_two_factor(user, step, hashes).await?;
        Ok(RecoveryCodes { codes })
    }

    pub(super) async fn turn_off(&self, call: &Call, request: EndTwoFactorRequest) -> Result<Done> {
        let user = call.viewer()?;
        self.prove(user, &request.password, request.session_id).await?;
        self.second_factor(user, &request.code).await?;
        self.store.end_two_factor(user).await?;
        Ok(Done {})
    }

    /// Whether a code is one of somebody's, where one is asked for. Each is good once.
    pub(super) async fn second_factor(&self, user: UserId, code: &str) -> Result<()> {
        let found = self.store.two_factor(user).await?;
        let Some(secret) = found.secret.filter(|_| found.is_on) else { return Ok(()) };
        if code.is_empty() {
            return Err(Error::CodeNeeded);
        }
        let is_good = match step_of(&secret, code, Timestamp::now()) {
            Some(step) => self.store.use_step(user, step).await?,
            None => self.store.use_recovery_code(user, hash(code)).await?,
        };
        if is_good { Ok(()) } else { Err(Error::CodeWrong) }
    }
}

/// The step a code is of, if it is one of now.
fn step_of(secret: &[u8], code: &str, now: Timestamp) -> Option<i64> {
    let code: String = code.split_whitespace().collect();
    let step = now.millis() / 1000 / STEP;
    // No secret time is spent on the comparison: a code is good for a minute, and guesses are counted.
    (step - STEPS_AROUND..=step + STEPS_AROUND).find(|step| totp(secret, *step) == code)
}

/// Six digits (RFC 4226, 5.3).
fn totp(secret: &[u8], step: i64) -> String {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret) else { return String::new() };
    mac.update(&step.to_be_bytes());
    let mac = mac.finalize().into_bytes();
    let offset = usize::from(mac[19] & 15);
    let number = mac[offset..offset + 4].iter().fold(0, |number: u32, byte| number << 8 | u32::from(*byte));
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// 50 bits, which nobody guesses, in a form that is written down.
fn recovery_code(bits: u128) -> String {
    let text = BASE32_NOPAD.encode(&bits.to_be_bytes()).to_lowercase();
    format!("{}-{}", &text[..5], &text[5..10])
}

/// However it was typed.
fn hash(code: &str) -> [u8; 32] {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    Sha256::digest(plain.to_ascii_lowercase()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, of which six digits are shown here.
        let secret = b"12345678901234567890";
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
            assert_eq!(totp(secret, seconds / STEP), code);
            let now = Timestamp::from_millis(seconds * 1000);
            assert_eq!(step_of(secret, code, now), Some(seconds / STEP));
            let later = Timestamp::from_millis((seconds + 2 * STEP) * 1000);
            assert_eq!(step_of(secret, code, later), None, "a minute later it is none");
        }
        let now = Timestamp::from_millis(59_000);
        assert_eq!(step_of(secret, "287 082", now), Some(1));
        for wrong in ["", "28708", "2870822", "287083", "aaaaaa"] {
            assert_eq!(step_of(secret, wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed() {
        let code = recovery_code(u128::MAX / 3);
        assert_eq!(code.len(), 11);
        assert_eq!(hash(&code), hash(&code.to_uppercase().replace('-', " ")));
        assert_ne!(hash(&code), hash(&recovery_code(5)));
    }
}
