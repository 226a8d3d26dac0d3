//! Certificates of services: issued, signed for somebody who has the key, renewed in time.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType, SubjectPublicKeyInfo,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::FromDer;

use super::csr::{add, hosts as host_names};
use super::profile::Profile;
use super::{Authority, MAX_LEAF, MAX_ROOT, RENEW_LEFT, common_name, convert, cut};
use crate::folder::{CRL, ROOTS, certificate_path, key_path};
use crate::verify::Purpose;
use crate::{Error, Identity, file, verify};

/// What became of a service's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The service.
    pub service: String,
    /// Whether it got a new one; otherwise the old one lives long enough.
    pub renewed: bool,
}

impl Authority {
    /// Makes a key and a certificate for a service and puts both into a folder, with the roots and the
    /// revocation list beside them. `hosts` are more names or addresses it is reached by; they prove
    /// nothing here, other clients want them.
    ///
    /// # Errors
    /// [`Error::Refused`] for names that cannot be; [`Error::File`].
    pub fn issue(
        &self,
        service: &str,
        hosts: &[String],
        lifetime: Duration,
        out: &Path,
        now: SystemTime,
        warnings: &mut Vec<String>,
    ) -> Result<(), Error> {
        let identity = Identity::new(&self.domain, service)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(service);
        params.subject_alt_names = vec![
            SanType::DnsName(identity.host().try_into()?),
            SanType::URI(identity.to_string().try_into()?),
        ];
        for name in host_names(hosts)? {
            if matches!(name, SanType::URI(_)) {
                return Err(Error::Refused(
                    "a host is a name or an address; the one URI is the service's".to_owned(),
                ));
            }
            add(&mut params.subject_alt_names, name);
        }
        let lifetime = cut(lifetime, MAX_LEAF, "a service's certificate", warnings);
        self.place(service, params, lifetime, &[], out, now)
    }

    /// Certifies the key of a request as a profile of a ca-config says. A request that names no service
    /// gets the URI of `service`. Returns PEM.
    ///
    /// # Errors
    /// [`Error::File`] for the request; [`Error::Refused`].
    pub fn sign(
        &self,
        request: &Path,
        profile: &Profile,
        service: Option<&str>,
        now: SystemTime,
        warnings: &mut Vec<String>,
    ) -> Result<String, Error> {
        let fault = |wrong: String| Error::file(request, wrong);
        let pem = file::read(request, "it must be a certificate request (PEM)")?;
        let der = CertificateSigningRequestDer::from_pem_slice(&pem).map_err(|_| {
            fault("holds no whole certificate request; it must be a PEM file with one".to_owned())
        })?;
        let (_, parsed) = X509CertificationRequest::from_der(&der)
            .map_err(|_| fault("holds no readable certificate request".to_owned()))?;
        parsed
            .verify_signature()
            .map_err(|_| fault("is not signed with its own key; make it anew".to_owned()))?;
        let mut params = CertificateParams::default();
        params.distinguished_name =
            convert::name(&parsed.certification_request_info.subject).map_err(fault)?;
        for extension in parsed.requested_extensions().into_iter().flatten() {
            if let ParsedExtension::SubjectAlternativeName(names) = extension {
                params.subject_alt_names.extend(convert::names(&names.general_names).map_err(fault)?);
            }
        }
        profile.apply(&mut params);
        let is_ca = matches!(profile.is_ca, IsCa::Ca(_));
        let (most, what) =
            if is_ca { (MAX_ROOT, "an authority") } else { (MAX_LEAF, "a service's certificate") };
        if !is_ca {
            self.name_service(&mut params, service).map_err(fault)?;
            for (purpose, usage) in [
                (Purpose::Server, ExtendedKeyUsagePurpose::ServerAuth),
                (Purpose::Client, ExtendedKeyUsagePurpose::ClientAuth),
            ] {
                if !params.extended_key_usages.contains(&usage) {
                    warnings.push(format!(
                        "the profile lacks `{}`; a service that is called and calls needs both",
                        purpose.name()
                    ));
                }
            }
        }
        params.not_after = (now + cut(profile.lifetime, most, what, warnings)).into();
        let key = SubjectPublicKeyInfo::from_der(parsed.certification_request_info.subject_pki.raw)
            .map_err(|_| fault("has a key of a kind that is not supported".to_owned()))?;
        Ok(self.certify(params, &key, now)?.pem())
    }

    /// Gives new certificates, with new keys and the same names, to these services of a folder, or, when
    /// none is named, to those that need one soon (`all`: to every one). The revocation list is made anew
    /// too.
    ///
    /// # Errors
    /// [`Error::File`] for a certificate that is not there or cannot be read.
    pub fn renew(
        &self,
        services: &[String],
        all: bool,
        out: &Path,
        now: SystemTime,
    ) -> Result<Vec<Renewed>, Error> {
        let found = if services.is_empty() { services_of(out)? } else { services.to_vec() };
        let mut done = Vec::new();
        for service in found {
            let path = certificate_path(out, &service);
            let fault = |wrong: String| Error::file(&path, wrong);
            let pem = file::read(&path, &format!("make it with `dytt cert issue {service}`"))?;
            let chain = file::certificates(&path, &pem)?;
            let old = verify::parse(&chain[0]).map_err(fault)?;
            let identity = Identity::of(&old).map_err(fault)?;
            if identity != Identity::new(&self.domain, &service)? {
                return Err(fault(format!("is of `{}`, which is not this root's to renew", identity.host())));
            }
            let last = old.validity().not_after.to_datetime();
            let soon = time::OffsetDateTime::from(now + RENEW_LEFT);
            let renewed = all || !services.is_empty() || last <= soon;
            if renewed {
                let mut params = CertificateParams::default();
                params.distinguished_name = convert::name(old.subject()).map_err(fault)?;
                params.subject_alt_names = convert::names_of(&old).map_err(fault)?;
                self.place(&service, params, MAX_LEAF, &chain[1..], out, now)?;
            }
            done.push(Renewed { service, renewed });
        }
        self.refresh_crl(out, now)?;
        Ok(done)
    }

    /// The leaf's one identity: the request's, or that of the service named.
    fn name_service(&self, params: &mut CertificateParams, service: Option<&str>) -> Result<(), String> {
        let uris: Vec<&str> = params
            .subject_alt_names
            .iter()
            .filter_map(|name| if let SanType::URI(uri) = name { Some(uri.as_str()) } else { None })
            .collect();
        let wanted = service.map(|service| Identity::new(&self.domain, service)).transpose();
        let wanted = wanted.map_err(|error| error.to_string())?;
        match (&uris[..], wanted) {
            ([], None) => Err(format!(
                "names no service; it needs one URI name, spiffe://{}/service/NAME, or `--service NAME`",
                self.domain
            )),
            ([], Some(identity)) => {
                let uri = identity.to_string().try_into().map_err(|error: rcgen::Error| error.to_string())?;
                params.subject_alt_names.push(SanType::URI(uri));
                Ok(())
            }
            ([uri], wanted) => match Identity::parse(uri) {
                Some(found) if wanted.as_ref().is_some_and(|wanted| *wanted != found) => {
                    Err(format!("is of the service `{}`, not of the one named", found.service))
                }
                Some(found) if found.domain == self.domain => Ok(()),
                Some(_) | None => {
                    Err(format!("has the URI name `{uri}`, not spiffe://{}/service/NAME", self.domain))
                }
            },
            (many, _) => {
                Err(format!("has {} URI names; a service's certificate has exactly one", many.len()))
            }
        }
    }

    /// Makes the pair and puts it there: roots first, then the key, then the certificate, each as a whole.
    fn place(
        &self,
        service: &str,
        mut params: CertificateParams,
        lifetime: Duration,
        rest: &[CertificateDer<'_>],
        out: &Path,
        now: SystemTime,
    ) -> Result<(), Error> {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = (now + lifetime).into();
        let key = KeyPair::generate()?;
        let mut text = self.certify(params, &key, now)?.pem();
        for certificate in rest {
            text.push_str(&file::pem("CERTIFICATE", certificate));
        }
        file::make_folder(out)?;
        self.place_trust(out)?;
        file::write(&key_path(out, service), key.serialize_pem().as_bytes(), true)?;
        file::write(&certificate_path(out, service), text.as_bytes(), false)
    }

    /// Brings the roots and the revocation list to another folder. Roots that are there stay, so that an
    /// overlap of old and new is not cut short.
    pub(super) fn place_trust(&self, out: &Path) -> Result<(), Error> {
        if is_same(&self.dir, out) {
            return Ok(());
        }
        let (ours_path, theirs_path) = (self.dir.join(ROOTS), out.join(ROOTS));
        let ours = file::certificates(&ours_path, &file::read(&ours_path, "")?)?;
        let mut theirs = match file::read_if_there(&theirs_path)? {
            Some(pem) => file::certificates(&theirs_path, &pem)?,
            None => Vec::new(),
        };
        let missing: Vec<_> = ours.into_iter().filter(|root| !theirs.contains(root)).collect();
        if !missing.is_empty() {
            theirs.extend(missing);
            let text: String = theirs.iter().map(|root| file::pem("CERTIFICATE", root)).collect();
            file::write(&theirs_path, text.as_bytes(), false)?;
        }
        if let Some(list) = file::read_if_there(&self.dir.join(CRL))? {
            file::write(&out.join(CRL), &list, false)?;
        }
        Ok(())
    }

    /// Whether this root made a certificate and would stand by it now.
    pub(super) fn made(&self, certificate: &CertificateDer<'_>) -> bool {
        let parsed = verify::parse(certificate);
        let own = verify::parse(&self.certificate);
        let (Ok(parsed), Ok(own)) = (parsed, own) else { return false };
        parsed.issuer().as_raw() == own.subject().as_raw()
            && parsed.verify_signature(Some(own.public_key())).is_ok()
    }
}

/// The services with a certificate and a key in a folder.
fn services_of(dir: &Path) -> Result<Vec<String>, Error> {
    let listed = fs::read_dir(dir).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let listed = listed.map_err(|error| Error::file(dir, format!("cannot be read: {error}")))?;
    let names = listed.iter().filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<String> =
        names.filter_map(|name| Some(name.strip_suffix(".pem")?.to_owned())).collect();
    found.retain(|service| service != "ca" && key_path(dir, service).exists());
    found.sort_unstable();
    Ok(found)
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}
