//! CFSSL's JSON for certificate requests, read as it is: `CN`, `hosts`, `key`, `names`, `ca`.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, RsaKeySize, SanType,
};
use serde::Deserialize;

use super::profile::duration;
use crate::{Error, Identity, file};

/// A request as CFSSL writes it; what it does not say is CFSSL's default.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Request {
    #[serde(rename = "CN")]
    common_name: String,
    hosts: Vec<String>,
    key: Option<Key>,
    names: Vec<Names>,
    ca: Option<Ca>,
}

#[derive(Debug, Deserialize)]
struct Key {
    algo: String,
    #[serde(default)]
    size: u32,
}

/// The parts of a name; each is used once.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "UPPERCASE")]
struct Names {
    c: String,
    st: String,
    l: String,
    o: String,
    ou: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ca {
    expiry: String,
    pathlen: u8,
    pathlenzero: bool,
}

/// A kind of key that can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256, what is made unless something else is asked for.
    P256,
    /// ECDSA on P-384.
    P384,
    /// ECDSA on P-521.
    P521,
    /// Ed25519.
    Ed25519,
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
}

impl KeyKind {
    pub(super) fn generate(self) -> Result<KeyPair, Error> {
        let rsa = |size| KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size);
        Ok(match self {
            Self::P256 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256),
            Self::P384 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384),
            Self::P521 => KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512),
            Self::Ed25519 => KeyPair::generate_for(&rcgen::PKCS_ED25519),
            Self::Rsa2048 => rsa(RsaKeySize::_2048),
            Self::Rsa3072 => rsa(RsaKeySize::_3072),
            Self::Rsa4096 => rsa(RsaKeySize::_4096),
        }?)
    }
}

impl Request {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let bytes = file::read(path, "it must be a CSR JSON file as CFSSL has them")?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::file(path, format!("is no CSR JSON of CFSSL: {error}")))
    }

    /// Makes a key and the request that is signed with it; both PEM, the key first. With an identity the
    /// request names it as its URI.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn make(&self, identity: Option<&Identity>) -> Result<(String, String), Error> {
        let key = self.key_kind()?.generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = self.subject()?;
        params.subject_alt_names = hosts(&self.hosts)?;
        if let Some(identity) = identity {
            add(&mut params.subject_alt_names, SanType::DnsName(identity.host().try_into()?));
            add(&mut params.subject_alt_names, SanType::URI(identity.to_string().try_into()?));
        }
        Ok((key.serialize_pem(), params.serialize_request(&key)?.pem()?))
    }

    pub(super) fn key_kind(&self) -> Result<KeyKind, Error> {
        let Some(key) = &self.key else { return Ok(KeyKind::P256) };
        Ok(match (key.algo.as_str(), key.size) {
            ("ecdsa", 0 | 256) => KeyKind::P256,
            ("ecdsa", 384) => KeyKind::P384,
            ("ecdsa", 521) => KeyKind::P521,
            ("ed25519", _) => KeyKind::Ed25519,
            ("rsa", 0 | 2048) => KeyKind::Rsa2048,
            ("rsa", 3072) => KeyKind::Rsa3072,
            ("rsa", 4096) => KeyKind::Rsa4096,
            (algo, size) => {
                return Err(Error::Refused(format!(
                    "a key is ecdsa (256, 384, 521), rsa (2048, 3072, 4096) or ed25519, not {algo} {size}"
                )));
            }
        })
    }

    pub(super) fn subject(&self) -> Result<DistinguishedName, Error> {
        let mut subject = DistinguishedName::new();
        for names in &self.names {
            let Names { c, st, l, o, ou } = names;
            for (kind, letters, text) in [
                (DnType::CountryName, "C", c),
                (DnType::StateOrProvinceName, "ST", st),
                (DnType::LocalityName, "L", l),
                (DnType::OrganizationName, "O", o),
                (DnType::OrganizationalUnitName, "OU", ou),
            ] {
                if !text.is_empty() && subject.get(&kind).is_some() {
                    return Err(Error::Refused(format!(
                        "`names` holds {letters} more than once; once is supported"
                    )));
                }
                push(&mut subject, kind, text);
            }
        }
        push(&mut subject, DnType::CommonName, &self.common_name);
        if subject.iter().next().is_none() {
            return Err(Error::Refused("a request needs a CN or names".to_owned()));
        }
        Ok(subject)
    }

    pub(super) fn path_length(&self) -> BasicConstraints {
        match &self.ca {
            Some(ca) if ca.pathlen > 0 || ca.pathlenzero => BasicConstraints::Constrained(ca.pathlen),
            Some(_) | None => BasicConstraints::Unconstrained,
        }
    }

    pub(super) fn lifetime(&self) -> Result<Option<Duration>, Error> {
        let expiry = self.ca.as_ref().map(|ca| ca.expiry.as_str()).filter(|expiry| !expiry.is_empty());
        expiry.map(duration).transpose()
    }
}

/// Hosts as CFSSL tells them apart: addresses, URIs, e-mail addresses, and DNS names for the rest.
pub(super) fn hosts(hosts: &[String]) -> Result<Vec<SanType>, Error> {
    let mut names = Vec::new();
    for host in hosts {
        let name = if let Ok(address) = host.parse::<IpAddr>() {
            SanType::IpAddress(address)
        } else if host.contains("://") {
            SanType::URI(host.as_str().try_into()?)
        } else if host.contains('@') {
            SanType::Rfc822Name(host.as_str().try_into()?)
        } else if !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte))
        {
            SanType::DnsName(host.as_str().try_into()?)
        } else {
            return Err(Error::Refused(format!(
                "a host is a DNS name, an IP address or a URI, not `{host}`"
            )));
        };
        add(&mut names, name);
    }
    Ok(names)
}

/// Each name once.
pub(super) fn add(names: &mut Vec<SanType>, name: SanType) {
    if !names.contains(&name) {
        names.push(name);
    }
}

/// In the encoding every other tool takes for plain text, so that names compare byte by byte.
fn push(subject: &mut DistinguishedName, kind: DnType, text: &str) {
    if text.is_empty() {
        return;
    }
    let printable = text.try_into().map(DnValue::PrintableString);
    subject.push(kind, printable.unwrap_or_else(|_| DnValue::Utf8String(text.to_owned())));
}
