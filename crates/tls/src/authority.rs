//! The certificate authority: a root with its key in a folder, and what is made with it.

mod convert;
mod csr;
mod issue;
mod profile;
mod revoke;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData, SanType, SerialNumber, SubjectPublicKeyInfo,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

use crate::folder::ROOTS;
use crate::{Error, file, keys, name, verify};

pub use csr::{KeyKind, Request};
pub use issue::Renewed;
pub use profile::Profile;

/// A service's certificate lives this long at most.
pub const MAX_LEAF: Duration = Duration::from_secs(30 * 86_400);
/// One with less than this left is renewed.
pub const RENEW_LEFT: Duration = Duration::from_secs(10 * 86_400);
/// A root lives this long at most: 3,653 days are ten years with their leap days.
const MAX_ROOT: Duration = Duration::from_secs(3_653 * 86_400);
/// Clocks differ: what is made now is valid since a little before.
const CLOCK_SLACK: Duration = Duration::from_secs(300);
/// How long a root waits for another `dytt cert` to be done with it, and how often it looks.
const TURN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The domain of trust unless another is named.
pub const DEFAULT_DOMAIN: &str = "dytt";

/// A root certificate with its key. While one is open nobody else changes the folder.
pub struct Authority {
    dir: PathBuf,
    domain: String,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    subject: DistinguishedName,
    /// Nothing it signs outlives it.
    expires: OffsetDateTime,
    _alone: File,
}

impl Authority {
    /// Makes a root for a domain of trust: ten years, P-256 unless the request says otherwise. Warnings are
    /// added to `warnings`.
    ///
    /// # Errors
    /// [`Error::File`] when the folder holds a root already; [`Error::Refused`].
    pub fn create(
        dir: &Path,
        domain: &str,
        request: Option<&Request>,
        now: SystemTime,
        warnings: &mut Vec<String>,
    ) -> Result<Self, Error> {
        name::check_domain(domain)?;
        file::make_folder(dir)?;
        let [certificate_path, key_path] = [dir.join(ROOTS), dir.join("ca.key")];
        for path in [&certificate_path, &key_path] {
            if path.exists() {
                return Err(Error::file(path, "is there already; a root is never overwritten"));
            }
        }
        let key = request.map_or(Ok(KeyKind::P256), Request::key_kind)?.generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = match request {
            Some(request) => request.subject()?,
            // Its own name each time: revocation lists find their root by it.
            None => common_name(&format!("{domain} root {}", keys::hex(&serial()?[..4]))),
        };
        // The SPIFFE way to say what domain a root is of.
        params.subject_alt_names = vec![SanType::URI(name::root_uri(domain).try_into()?)];
        params.is_ca = IsCa::Ca(request.map_or(BasicConstraints::Unconstrained, Request::path_length));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let wanted = request.map_or(Ok(None), Request::lifetime)?.unwrap_or(MAX_ROOT);
        let lifetime = cut(wanted, MAX_ROOT, "a root", warnings);
        params.not_before = (now - CLOCK_SLACK).into();
        params.not_after = (now + lifetime).into();
        params.serial_number = Some(SerialNumber::from_slice(&serial()?));
        let made = params.self_signed(&key)?;
        file::write_new(&key_path, key.serialize_pem().as_bytes(), true)?;
        file::write_new(&certificate_path, made.pem().as_bytes(), false)?;
        Self::open(dir, None)
    }

    /// Opens the folder of a root: `ca.pem` and `ca.key` (or `ca-key.pem`, as CFSSL names it). A root that
    /// does not say what domain it is of is of `domain`, or of [`DEFAULT_DOMAIN`].
    ///
    /// # Errors
    /// [`Error::File`] for what is missing or wrong; [`Error::Refused`] when the root is of another domain.
    pub fn open(dir: &Path, domain: Option<&str>) -> Result<Self, Error> {
        let certificate_path = dir.join(ROOTS);
        let key_path =
            ["ca.key", "ca-key.pem"].map(|name| dir.join(name)).into_iter().find(|path| path.exists());
        let key_path = key_path.unwrap_or_else(|| dir.join("ca.key"));
        let make = "make a root with `dytt cert init`";
        let roots = file::certificates(&certificate_path, &file::read(&certificate_path, make)?)?;
        let pem = file::read_secret(&key_path, make)?;
        let alone = lock(&key_path)?;
        let key = read_key(&key_path, &pem)?;
        // A bundle of an overlap holds other roots too.
        let own = key.subject_public_key_info();
        let is_own =
            |root: &&CertificateDer<'_>| verify::parse(root).is_ok_and(|root| root.public_key().raw == own);
        let certificate = roots.iter().find(is_own).cloned().ok_or_else(|| {
            Error::file(
                &key_path,
                format!("is not the key of a root in {ROOTS}; both must be of one `dytt cert init`"),
            )
        })?;
        let parsed = verify::parse(&certificate).map_err(|wrong| Error::file(&certificate_path, wrong))?;
        if !parsed.is_ca() {
            return Err(Error::file(
                &certificate_path,
                "is no authority's certificate (CA:TRUE); a root must be there",
            ));
        }
        let domain = match (name::domain_of_root(&parsed), domain) {
            (Some(own), Some(domain)) if own != domain => {
                return Err(Error::Refused(format!("the root is of the domain `{own}`, not of `{domain}`")));
            }
            (Some(own), _) => own,
            (None, domain) => domain.unwrap_or(DEFAULT_DOMAIN).to_owned(),
        };
        name::check_domain(&domain)?;
        Ok(Self {
            dir: dir.to_owned(),
            domain,
            subject: convert::name(parsed.subject())
                .map_err(|wrong| Error::file(&certificate_path, wrong))?,
            expires: parsed.validity().not_after.to_datetime(),
            issuer: Issuer::from_ca_cert_der(&certificate, key)?,
            certificate,
            _alone: alone,
        })
    }

    /// The domain of trust its services are of.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Where it lies.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Certifies another root's key with this root, so that what the other signs is believed by those who
    /// know only this one. PEM.
    ///
    /// # Errors
    /// [`Error::Refused`] when the two cannot be told apart by name.
    pub fn cross_sign(&self, other: &Self, now: SystemTime) -> Result<String, Error> {
        if self.subject == other.subject {
            return Err(Error::Refused(
                "the two roots have the same name; the new one needs one of its own".to_owned(),
            ));
        }
        if self.domain != other.domain {
            let text =
                format!("the roots are of different domains, `{}` and `{}`", self.domain, other.domain);
            return Err(Error::Refused(text));
        }
        let parsed = verify::parse(&other.certificate).map_err(Error::Refused)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = other.subject.clone();
        params.subject_alt_names = vec![SanType::URI(name::root_uri(&other.domain).try_into()?)];
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        // The leaves name their issuer's key by what its own certificate calls it.
        if let Some(id) = convert::key_id(&parsed) {
            params.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(id);
        }
        params.not_after = other.expires;
        let key = SubjectPublicKeyInfo::from_der(parsed.public_key().raw)?;
        Ok(self.certify(params, &key, now)?.pem())
    }

    /// Signs, with a number of its own and within this root's life.
    fn certify(
        &self,
        mut params: CertificateParams,
        key: &impl PublicKeyData,
        now: SystemTime,
    ) -> Result<rcgen::Certificate, Error> {
        params.serial_number = Some(SerialNumber::from_slice(&serial()?));
        params.use_authority_key_identifier_extension = true;
        params.not_before = (now - CLOCK_SLACK).into();
        params.not_after = params.not_after.min(self.expires);
        if params.not_after <= OffsetDateTime::from(now) {
            return Err(Error::file(self.dir.join(ROOTS), "has expired; make a new root in another folder"));
        }
        let made = params.signed_by(key, &self.issuer)?;
        // What cannot be written as it was (names of an unusual form) would be found out by the callers only.
        let same = verify::parse(made.der()).is_ok_and(|made| {
            verify::parse(&self.certificate).is_ok_and(|own| own.subject().as_raw() == made.issuer().as_raw())
        });
        if same {
            Ok(made)
        } else {
            Err(Error::file(self.dir.join(ROOTS), "has a name of a form that is not supported"))
        }
    }
}

/// Waits its turn, but not for ever.
fn lock(path: &Path) -> Result<File, Error> {
    let fault = |error: std::io::Error| Error::file(path, format!("cannot be locked: {error}"));
    let file = File::open(path).map_err(fault)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if began.elapsed() < TURN => std::thread::sleep(LOOK_EVERY),
            Err(TryLockError::WouldBlock) => {
                return Err(Error::file(path, "is in use by another `dytt cert`"));
            }
            Err(TryLockError::Error(error)) => return Err(fault(error)),
        }
    }
}

/// Shortens a life that is too long, with a warning.
fn cut(wanted: Duration, most: Duration, what: &str, warnings: &mut Vec<String>) -> Duration {
    if wanted > most {
        let (wanted, most) = (wanted.as_secs() / 3_600, most.as_secs() / 3_600);
        warnings.push(format!("{wanted}h is too long for {what} and was cut to {most}h"));
    }
    wanted.min(most)
}

fn read_key(path: &Path, pem: &[u8]) -> Result<KeyPair, Error> {
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;
    let key = PrivateKeyDer::from_pem_slice(pem).ok().and_then(|key| KeyPair::try_from(&key).ok());
    key.ok_or_else(|| {
        Error::file(path, "holds no private key (PEM: PKCS#8, SEC1 or PKCS#1; ECDSA, RSA or Ed25519)")
    })
}

/// 126 unguessable bits, positive and never zero, as RFC 5280 wants.
fn serial() -> Result<[u8; 16], Error> {
    let mut serial = [0; 16];
    verify::random(&mut serial)?;
    serial[0] = serial[0] & 0x3f | 0x40;
    Ok(serial)
}

fn common_name(text: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, text);
    subject
}

#[cfg(test)]
mod tests;
