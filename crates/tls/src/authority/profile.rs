//! CFSSL's signing profiles, read as they are: `expiry`, `usages`, `ca_constraint`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};
use serde::Deserialize;

use crate::{Error, file};

/// The profile that is `signing.default` in the file.
const DEFAULT: &str = "default";

/// What a request is made into.
#[derive(Debug)]
pub struct Profile {
    pub(super) lifetime: Duration,
    pub(super) is_ca: IsCa,
    key_usages: Vec<KeyUsagePurpose>,
    extended: Vec<ExtendedKeyUsagePurpose>,
}

#[derive(Deserialize)]
struct Config {
    signing: Signing,
}

#[derive(Deserialize)]
struct Signing {
    #[serde(default)]
    default: Written,
    #[serde(default)]
    profiles: BTreeMap<String, Written>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Written {
    expiry: String,
    usages: Vec<String>,
    ca_constraint: Constraint,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Constraint {
    is_ca: bool,
    max_path_len: u8,
    max_path_len_zero: bool,
}

impl Profile {
    /// Reads a profile of a ca-config file; `default` is `signing.default`, whose expiry stands in where a
    /// profile has none.
    ///
    /// # Errors
    /// [`Error::File`] naming what is missing or not understood.
    pub fn open(path: &Path, name: &str) -> Result<Self, Error> {
        let bytes = file::read(path, "it must be a ca-config file as CFSSL has them")?;
        let config: Config = serde_json::from_slice(&bytes)
            .map_err(|error| Error::file(path, format!("is no ca-config of CFSSL: {error}")))?;
        config
            .signing
            .profile(name)
            .map_err(|wrong| Error::file(path, format!("the profile `{name}` {wrong}")))
    }

    /// Writes the purposes into a certificate.
    pub(super) fn apply(&self, params: &mut CertificateParams) {
        params.is_ca = self.is_ca;
        params.key_usages.clone_from(&self.key_usages);
        params.extended_key_usages.clone_from(&self.extended);
    }
}

impl Signing {
    fn profile(&self, name: &str) -> Result<Profile, String> {
        let own = if name == DEFAULT { Some(&self.default) } else { self.profiles.get(name) };
        let written = own.ok_or_else(|| {
            let known: Vec<&str> =
                [DEFAULT].into_iter().chain(self.profiles.keys().map(String::as_str)).collect();
            format!("is not there; there are {}", known.join(", "))
        })?;
        let expiry = [&written.expiry, &self.default.expiry].into_iter().find(|text| !text.is_empty());
        let lifetime = duration(expiry.ok_or("has no expiry")?)
            .map_err(|error| format!("has an expiry that is wrong: {error}"))?;
        let (mut key_usages, mut extended) = (Vec::new(), Vec::new());
        for usage in &written.usages {
            match (key_usage(usage), extended_usage(usage)) {
                (Some(usage), _) if !key_usages.contains(&usage) => key_usages.push(usage),
                (_, Some(usage)) => extended.push(usage),
                (Some(_), None) => {}
                (None, None) => return Err(format!("has the usage `{usage}`, which is not known")),
            }
        }
        let Constraint { is_ca, max_path_len, max_path_len_zero } = written.ca_constraint;
        if written.usages.is_empty() {
            return Err(
                "has no usages; a service needs `signing`, `server auth` and `client auth`".to_owned()
            );
        }
        let is_ca = match (is_ca, max_path_len > 0 || max_path_len_zero) {
            (true, true) => IsCa::Ca(BasicConstraints::Constrained(max_path_len)),
            (true, false) => IsCa::Ca(BasicConstraints::Unconstrained),
            (false, _) => IsCa::ExplicitNoCa,
        };
        Ok(Profile { lifetime, is_ca, key_usages, extended })
    }
}

/// A duration as Go writes them: `876000h`, `1h30m`.
///
/// # Errors
/// [`Error::Refused`].
pub(super) fn duration(text: &str) -> Result<Duration, Error> {
    let wrong = || Error::Refused(format!("a duration is written like `720h` or `1h30m`, not `{text}`"));
    let mut seconds = 0u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let letters =
            rest[digits..].find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len() - digits);
        let unit = match &rest[digits..digits + letters] {
            "h" => 3_600,
            "m" => 60,
            "s" => 1,
            _ => return Err(wrong()),
        };
        seconds = number.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(wrong)?;
        rest = &rest[digits + letters..];
    }
    if seconds == 0 { Err(wrong()) } else { Ok(Duration::from_secs(seconds)) }
}

fn key_usage(text: &str) -> Option<KeyUsagePurpose> {
    Some(match text {
        "signing" | "digital signature" => KeyUsagePurpose::DigitalSignature,
        "content commitment" => KeyUsagePurpose::ContentCommitment,
        "key encipherment" => KeyUsagePurpose::KeyEncipherment,
        "data encipherment" => KeyUsagePurpose::DataEncipherment,
        "key agreement" => KeyUsagePurpose::KeyAgreement,
        "cert sign" => KeyUsagePurpose::KeyCertSign,
        "crl sign" => KeyUsagePurpose::CrlSign,
        "encipher only" => KeyUsagePurpose::EncipherOnly,
        "decipher only" => KeyUsagePurpose::DecipherOnly,
        _ => return None,
    })
}

fn extended_usage(text: &str) -> Option<ExtendedKeyUsagePurpose> {
    Some(match text {
        "any" => ExtendedKeyUsagePurpose::Any,
        "server auth" => ExtendedKeyUsagePurpose::ServerAuth,
        "client auth" => ExtendedKeyUsagePurpose::ClientAuth,
        "code signing" => ExtendedKeyUsagePurpose::CodeSigning,
        "email protection" | "s/mime" => ExtendedKeyUsagePurpose::EmailProtection,
        "timestamping" => ExtendedKeyUsagePurpose::TimeStamping,
        "ocsp signing" => ExtendedKeyUsagePurpose::OcspSigning,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        for (text, seconds) in [("876000h", 876_000 * 3_600), ("1h30m", 5_400), ("90s", 90)] {
            assert_eq!(duration(text).expect(text), Duration::from_secs(seconds));
        }
        for text in ["", "h", "12", "1d", "-1h", "0h", "1h 2m", "99999999999999999999h", "9999999999999999h"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_profiles_of_a_config_are_read_and_what_is_wrong_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ca-config.json");
        let text = r#"{"signing":{"default":{"expiry":"876000h"},"profiles":{
            "peer":{"usages":["signing","key encipherment","server auth","client auth"],"expiry":"720h"},
            "lasting":{"usages":["signing","server auth"]},
            "middle":{"usages":["cert sign","crl sign"],
                "ca_constraint":{"is_ca":true,"max_path_len_zero":true}},
            "strange":{"usages":["world domination"]},
            "never":{"usages":["signing"],"expiry":"soon"}}}}"#;
        file::write(&path, text.as_bytes(), false).expect("written");
        let peer = Profile::open(&path, "peer").expect("read");
        assert_eq!((peer.lifetime, peer.is_ca), (Duration::from_secs(720 * 3_600), IsCa::ExplicitNoCa));
        assert_eq!(peer.extended, [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]);
        assert_eq!(peer.key_usages, [KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment]);
        assert_eq!(Profile::open(&path, "lasting").expect("read").lifetime.as_secs(), 876_000 * 3_600);
        let middle = Profile::open(&path, "middle").expect("read").is_ca;
        assert_eq!(middle, IsCa::Ca(BasicConstraints::Constrained(0)));
        for (name, wrong) in
            [("strange", "world domination"), ("never", "soon"), ("default", "no usages"), ("absent", "peer")]
        {
            let refused = Profile::open(&path, name).expect_err(name).to_string();
            assert!(refused.contains(wrong) && !refused.contains('\n'), "{refused}");
        }
    }
}
