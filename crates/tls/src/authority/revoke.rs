//! The revocation list: what the root takes back, kept until what it takes back would have expired anyway.

use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber};
use rustls::pki_types::CertificateRevocationListDer;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::Authority;
use crate::folder::CRL;
use crate::{Error, file, verify};

/// A list is to be looked for again after this long.
const NEXT_UPDATE: Duration = Duration::from_secs(30 * 86_400);
/// RFC 5280 allows this many bytes.
const MAX_SERIAL: usize = 20;

/// The folder's list as it is.
#[derive(Default)]
struct Old {
    /// Lists of other roots, which stay as they are.
    foreign: Vec<CertificateRevocationListDer<'static>>,
    revoked: Vec<RevokedCertParams>,
    number: u64,
}

impl Authority {
    /// Takes back a certificate this root made; its number, in hexadecimal digits.
    ///
    /// # Errors
    /// [`Error::File`] when the certificate is not this root's.
    pub fn revoke_file(&self, path: &Path, out: &Path, now: SystemTime) -> Result<String, Error> {
        let pem = file::read(path, "it must be the certificate to take back")?;
        let certificate = &file::certificates(path, &pem)?[0];
        if !self.made(certificate) {
            return Err(Error::file(path, "is not signed by this root; only its own root can take it back"));
        }
        let parsed = verify::parse(certificate).map_err(|wrong| Error::file(path, wrong))?;
        self.revoke(&parsed.tbs_certificate.serial.to_bytes_be(), out, now)
    }

    /// Takes back the certificate with a number, written in hexadecimal digits, with `:` between or not.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is no such number.
    pub fn revoke_serial(&self, serial: &str, out: &Path, now: SystemTime) -> Result<String, Error> {
        let digits: String = serial.chars().filter(|letter| *letter != ':').collect();
        let even = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits };
        let pairs = even.as_bytes().chunks(2).map(|pair| {
            let text = std::str::from_utf8(pair)
                .ok()
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
            u8::from_str_radix(text, 16).ok()
        });
        let bytes =
            pairs.collect::<Option<Vec<u8>>>().filter(|bytes| (1..=MAX_SERIAL).contains(&bytes.len()));
        let bytes = bytes.ok_or_else(|| {
            Error::Refused(format!("a number is up to {} hexadecimal digits, not `{serial}`", 2 * MAX_SERIAL))
        })?;
        self.revoke(&bytes, out, now)
    }

    fn revoke(&self, serial: &[u8], out: &Path, now: SystemTime) -> Result<String, Error> {
        let mut old = self.old_list()?;
        let serial = SerialNumber::from_slice(plain(serial));
        if !old.revoked.iter().any(|revoked| revoked.serial_number == serial) {
            old.revoked.push(RevokedCertParams {
                serial_number: serial.clone(),
                revocation_time: now.into(),
                reason_code: None,
                invalidity_date: None,
            });
        }
        self.write_list(old, out, now)?;
        Ok(serial.to_string())
    }

    /// Makes the list anew with the same content, if there is one.
    pub(super) fn refresh_crl(&self, out: &Path, now: SystemTime) -> Result<(), Error> {
        if !self.dir.join(CRL).exists() {
            return Ok(());
        }
        self.write_list(self.old_list()?, out, now)
    }

    fn old_list(&self) -> Result<Old, Error> {
        let path = self.dir.join(CRL);
        let mut old = Old::default();
        let Some(pem) = file::read_if_there(&path)? else { return Ok(old) };
        let own = verify::parse(&self.certificate).map_err(Error::Refused)?;
        for list in file::crls(&path, &pem)? {
            let (_, parsed) = CertificateRevocationList::from_der(&list).map_err(|_| {
                Error::file(&path, "holds an unreadable revocation list; nothing is lost by mending it")
            })?;
            // Without this check somebody's list would be signed as ours.
            if parsed.issuer().as_raw() != own.subject().as_raw() {
                old.foreign.push(list);
                continue;
            }
            if parsed.verify_signature(own.public_key()).is_err() {
                return Err(Error::file(
                    &path,
                    "has this root's name and not its signature; put the right list there",
                ));
            }
            let number = parsed.crl_number().map(|number| number.to_bytes_be()).unwrap_or_default();
            let number =
                number.iter().try_fold(0u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(*byte)));
            old.number = old.number.max(number.unwrap_or(u64::MAX - 1));
            old.revoked.extend(parsed.iter_revoked_certificates().map(|revoked| RevokedCertParams {
                serial_number: SerialNumber::from_slice(plain(&revoked.serial().to_bytes_be())),
                revocation_time: revoked.revocation_date.to_datetime(),
                reason_code: None,
                invalidity_date: None,
            }));
        }
        Ok(old)
    }

    fn write_list(&self, old: Old, out: &Path, now: SystemTime) -> Result<(), Error> {
        let own = verify::parse(&self.certificate).map_err(Error::Refused)?;
        let list = CertificateRevocationListParams {
            this_update: (now - super::CLOCK_SLACK).into(),
            next_update: (now + NEXT_UPDATE).into(),
            crl_number: SerialNumber::from(old.number.saturating_add(1)),
            issuing_distribution_point: None,
            revoked_certs: old.revoked,
            key_identifier_method: super::convert::key_id(&own)
                .map_or(KeyIdMethod::Sha256, KeyIdMethod::PreSpecified),
        };
        let mut text = list.signed_by(&self.issuer)?.pem()?;
        for foreign in &old.foreign {
            text.push_str(&file::pem("X509 CRL", foreign));
        }
        file::write(&self.dir.join(CRL), text.as_bytes(), false)?;
        self.place_trust(out)
    }
}

/// A number without leading zeros: the same one is always the same bytes.
fn plain(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    &serial[zeros.min(serial.len().saturating_sub(1))..]
}
