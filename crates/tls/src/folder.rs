//! The certificate folder: read and checked as a whole. Every fault is one line that says what would be
//! right.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, InconsistentKeys};
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::show::date;
use crate::verify::{self, Purpose, Trust};
use crate::{Error, Identity, file};

/// The roots; one file of the folder.
pub const ROOTS: &str = "ca.pem";
/// What the roots took back; need not be there.
pub(crate) const CRL: &str = "crl.pem";

/// The files as they are now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Files {
    roots: Vec<u8>,
    crl: Option<Vec<u8>>,
    services: BTreeMap<String, (Vec<u8>, Vec<u8>)>,
}

/// The files' content, checked.
pub(crate) struct Checked {
    pub domain: String,
    pub trust: Trust,
    pub services: BTreeMap<String, Held>,
}

/// A service's certificate.
#[derive(Clone)]
pub(crate) struct Held {
    pub key: Arc<CertifiedKey>,
    /// Seconds since 1970.
    pub expires: i64,
}

impl Files {
    /// Reads the folder's files of these services.
    pub(crate) fn read(dir: &Path, services: &[String]) -> Result<Self, Error> {
        let make = "make it with `dytt cert init`, or copy it there";
        let roots = file::read(&dir.join(ROOTS), make)?;
        let crl = file::read_if_there(&dir.join(CRL))?;
        let pair = |service: &String| {
            let make = format!("make it with `dytt cert issue {service}`");
            let certificate = file::read(&certificate_path(dir, service), &make)?;
            let key = file::read_secret(&key_path(dir, service), &make)?;
            Ok::<_, Error>((service.clone(), (certificate, key)))
        };
        Ok(Self { roots, crl, services: services.iter().map(pair).collect::<Result<_, _>>()? })
    }

    /// Checks everything there is to check.
    pub(crate) fn check(&self, dir: &Path, now: UnixTime) -> Result<Checked, Error> {
        let roots_path = dir.join(ROOTS);
        let roots = file::certificates(&roots_path, &self.roots)?;
        let without_crl = Trust::new(&roots, &[]).map_err(|wrong| Error::file(&roots_path, wrong))?;
        let mut authorities = roots.clone();
        let mut services = BTreeMap::new();
        let mut domain: Option<(String, PathBuf)> = None;
        for (service, (certificate, key)) in &self.services {
            let path = certificate_path(dir, service);
            let chain = file::certificates(&path, certificate)?;
            let found = check_leaf(&path, service, &chain, &without_crl, now)?;
            let (first, of) = domain.get_or_insert_with(|| (found.domain.clone(), path.clone()));
            if *first != found.domain {
                let wrong = format!(
                    "is of domain `{}`, {} of `{first}`; all must be of one",
                    found.domain,
                    of.display()
                );
                return Err(Error::file(&path, wrong));
            }
            authorities.extend(chain.iter().skip(1).cloned());
            let expires =
                verify::parse(&chain[0]).map_err(|wrong| Error::file(&path, wrong))?.validity().not_after;
            let key = check_key(&key_path(dir, service), &path, chain, key)?;
            services.insert(service.clone(), Held { key: Arc::new(key), expires: expires.timestamp() });
        }
        let Some((domain, _)) = domain else {
            return Err(Error::Refused("no service was named whose certificate is to be loaded".to_owned()));
        };
        let trust = match &self.crl {
            None => without_crl,
            Some(crl) => check_crls(&dir.join(CRL), crl, &roots, &authorities, now)?,
        };
        for (service, held) in &services {
            // Its own certificate taken back: nobody would speak to it.
            let (leaf, rest) = (&held.key.cert[0], &held.key.cert[1..]);
            if usable(&trust, leaf, rest, now) == Err(CertificateError::Revoked) {
                let wrong = format!("is revoked by {CRL}; make a new one with `dytt cert issue {service}`");
                return Err(Error::file(certificate_path(dir, service), wrong));
            }
        }
        Ok(Checked { domain, trust, services })
    }
}

/// Where a service's certificate lies.
pub(crate) fn certificate_path(dir: &Path, service: &str) -> PathBuf {
    dir.join(format!("{service}.pem"))
}

/// Where its key lies.
pub(crate) fn key_path(dir: &Path, service: &str) -> PathBuf {
    dir.join(format!("{service}.key"))
}

fn check_leaf(
    path: &Path,
    service: &str,
    chain: &[CertificateDer<'static>],
    trust: &Trust,
    now: UnixTime,
) -> Result<Identity, Error> {
    let fault = |wrong: String| Error::file(path, wrong);
    let parsed = verify::parse(&chain[0]).map_err(fault)?;
    let found = Identity::of(&parsed).map_err(fault)?;
    if found.service != service {
        return Err(fault(format!("is of the service `{}`; it must be of `{service}`", found.service)));
    }
    let valid = parsed.validity();
    usable(trust, &chain[0], &chain[1..], now).map_err(|error| {
        let second = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let (from, until) = (valid.not_before.timestamp(), valid.not_after.timestamp());
        fault(if second > until {
            format!("expired {}; make a new one with `dytt cert renew {service}`", date(until))
        } else if second < from {
            format!("is not valid before {}; set the clock right", date(from))
        } else {
            unusable(&error)
        })
    })?;
    for purpose in [Purpose::Server, Purpose::Client] {
        if !verify::serves(&parsed, purpose) {
            tracing::warn!(
                service,
                missing = purpose.name(),
                "certificate is for one direction of calls only"
            );
        }
    }
    Ok(found)
}

/// Why a certificate of right dates cannot be used. The words stay the same while the fault does: the watch
/// tells a new fault by them.
fn unusable(error: &CertificateError) -> String {
    let dates = matches!(
        error,
        CertificateError::ExpiredContext { .. } | CertificateError::NotValidYetContext { .. }
    );
    if dates {
        "is followed by a certificate that is not valid now; the chain must be valid as a whole".to_owned()
    } else if *error == CertificateError::UnknownIssuer {
        format!("is not signed by a valid root of {ROOTS}; both must come from the same authority")
    } else if *error == CertificateError::InvalidPurpose {
        "is neither for `server auth` nor for `client auth`; best it is for both".to_owned()
    } else {
        format!("cannot be used: {error}")
    }
}

/// Whether a certificate is good for anything a service does.
fn usable(
    trust: &Trust,
    leaf: &CertificateDer<'_>,
    rest: &[CertificateDer<'_>],
    now: UnixTime,
) -> Result<(), CertificateError> {
    let server = trust.check(leaf, rest, Purpose::Server, now);
    if server == Err(CertificateError::InvalidPurpose) {
        return trust.check(leaf, rest, Purpose::Client, now);
    }
    server
}

fn check_key(
    path: &Path,
    certificate: &Path,
    chain: Vec<CertificateDer<'static>>,
    pem: &[u8],
) -> Result<CertifiedKey, Error> {
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        Error::file(
            path,
            "holds no whole private key; it must be a PEM file with one (PKCS#8, SEC1 or PKCS#1)",
        )
    })?;
    CertifiedKey::from_der(chain, key, &verify::provider()).map_err(|error| {
        if error == rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) {
            let name = certificate.display();
            let wrong = format!("is not the key of {name}; both must come from the same `dytt cert issue`");
            return Error::file(path, wrong);
        }
        let wrong =
            format!("holds a key that cannot be used ({error}); P-256 is what `dytt cert issue` makes");
        Error::file(path, wrong)
    })
}

/// A list whose signature is wrong, or that two roots could have made, would refuse everybody.
fn check_crls(
    path: &Path,
    pem: &[u8],
    roots: &[CertificateDer<'static>],
    authorities: &[CertificateDer<'static>],
    now: UnixTime,
) -> Result<Trust, Error> {
    let fault = |wrong: String| Error::file(path, wrong);
    let authorities: Vec<_> =
        authorities.iter().map(verify::parse).collect::<Result<_, _>>().map_err(fault)?;
    let lists = file::crls(path, pem)?;
    for list in &lists {
        let (_, list) = CertificateRevocationList::from_der(list).map_err(|_| {
            fault("holds an unreadable revocation list; put the whole PEM file there".to_owned())
        })?;
        let named = authorities.iter().filter(|one| one.subject().as_raw() == list.issuer().as_raw());
        let mut keys: Vec<&[u8]> = named.clone().map(|one| one.public_key().raw).collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.len() > 1 {
            let wrong = format!(
                "is by `{}`, and {ROOTS} has two of that name; a new root needs a new one",
                list.issuer()
            );
            return Err(fault(wrong));
        }
        if named.clone().next().is_some()
            && !named.clone().any(|one| list.verify_signature(one.public_key()).is_ok())
        {
            return Err(fault(format!(
                "is not signed by the `{}` of {ROOTS}; put that root's list there",
                list.issuer()
            )));
        }
        if list
            .next_update()
            .is_some_and(|next| u64::try_from(next.timestamp()).is_ok_and(|next| next < now.as_secs()))
        {
            let issuer = list.issuer();
            tracing::warn!(%issuer, "revocation list is past its date; `dytt cert renew` makes a new one");
        }
    }
    Trust::new(roots, &lists).map_err(fault)
}

#[cfg(test)]
mod tests;
