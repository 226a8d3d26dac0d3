//! Whom to believe: a chain up to a root, the purpose, the dates, the revocation lists, and the one identity.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, TrustAnchor, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, SignatureScheme};
use webpki::{CertRevocationList, ExpirationPolicy, RevocationOptionsBuilder, UnknownStatusPolicy};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::{Error, Identity};

/// What a certificate is shown for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be called.
    Server,
    /// To call.
    Client,
}

impl Purpose {
    /// As OpenSSL and CFSSL call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server auth",
            Self::Client => "client auth",
        }
    }
}

/// The cryptography, named in one place so that no default of the process is relied on.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Fills with unguessable bytes.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), Error> {
    Ok(provider().secure_random.fill(bytes).map_err(rustls::Error::from)?)
}

/// The roots that are believed and the lists of what they took back.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    roots: Vec<Root>,
    crls: Arc<Vec<CertRevocationList<'static>>>,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Clone, Debug)]
struct Root {
    anchor: TrustAnchor<'static>,
    valid: std::ops::Range<u64>,
}

impl Trust {
    /// Believes these roots.
    ///
    /// # Errors
    /// What is wrong with one, as the end of a sentence.
    pub(crate) fn new(
        roots: &[CertificateDer<'static>],
        crls: &[CertificateRevocationListDer<'static>],
    ) -> Result<Self, String> {
        let crl = |der: &CertificateRevocationListDer<'static>| {
            let read = webpki::OwnedCertRevocationList::from_der(der);
            read.map(CertRevocationList::from)
                .map_err(|error| format!("holds an unreadable revocation list: {error}"))
        };
        Ok(Self {
            roots: roots.iter().map(root).collect::<Result<_, _>>()?,
            crls: Arc::new(crls.iter().map(crl).collect::<Result<_, _>>()?),
            algorithms: provider().signature_verification_algorithms,
        })
    }

    /// Checks everything about a certificate but whose it is.
    pub(crate) fn check(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        purpose: Purpose,
        now: UnixTime,
    ) -> Result<(), CertificateError> {
        // webpki takes a root's word for ever; a root that has expired is believed no more.
        let roots = self.roots.iter().filter(|root| root.valid.contains(&now.as_secs()));
        let roots: Vec<TrustAnchor<'_>> = roots.map(|root| root.anchor.clone()).collect();
        let crls: Vec<&CertRevocationList<'_>> = self.crls.iter().collect();
        // A root without a list has taken nothing back. A list past its date still counts: it lies beside the
        // certificates, so its age says nothing about what a fresher one would hold.
        let revocation = RevocationOptionsBuilder::new(&crls).ok().map(|options| {
            let options = options.with_status_policy(UnknownStatusPolicy::Allow);
            options.with_expiration_policy(ExpirationPolicy::Ignore).build()
        });
        let usage = match purpose {
            Purpose::Server => webpki::KeyUsage::server_auth(),
            Purpose::Client => webpki::KeyUsage::client_auth(),
        };
        let certificate = webpki::EndEntityCert::try_from(leaf).map_err(refusal)?;
        let algorithms = self.algorithms.all;
        certificate
            .verify_for_usage(algorithms, &roots, intermediates, now, usage, revocation, None)
            .map_err(refusal)?;
        // To webpki a certificate without stated purposes is good for all.
        if serves(&parse(leaf).map_err(other)?, purpose) {
            Ok(())
        } else {
            Err(CertificateError::InvalidPurpose)
        }
    }

    /// Checks everything about a certificate, and whose it is.
    fn identify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        purpose: Purpose,
        now: UnixTime,
    ) -> Result<Identity, rustls::Error> {
        self.check(leaf, intermediates, purpose, now)?;
        Ok(identity(leaf).map_err(other)?)
    }
}

/// Who a certificate stands for; nothing else is checked.
pub(crate) fn identity(leaf: &CertificateDer<'_>) -> Result<Identity, String> {
    Identity::of(&parse(leaf)?)
}

/// Reads a certificate.
pub(crate) fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, String> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        Ok(_) | Err(_) => Err("is no X.509 certificate".to_owned()),
    }
}

/// Whether a certificate states a purpose.
pub(crate) fn serves(certificate: &X509Certificate<'_>, purpose: Purpose) -> bool {
    let stated = certificate.extended_key_usage().ok().flatten();
    stated.is_some_and(|stated| match purpose {
        Purpose::Server => stated.value.server_auth,
        Purpose::Client => stated.value.client_auth,
    })
}

fn root(der: &CertificateDer<'static>) -> Result<Root, String> {
    let parsed = parse(der)?;
    if !parsed.is_ca() {
        return Err(format!("holds `{}`, which is no authority; only roots belong there", parsed.subject()));
    }
    let second = |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).unwrap_or(0);
    let valid = second(parsed.validity().not_before)..second(parsed.validity().not_after).saturating_add(1);
    let anchor =
        webpki::anchor_from_trusted_cert(der).map_err(|error| format!("holds an unusable root: {error}"))?;
    Ok(Root { anchor: anchor.to_owned(), valid })
}

/// What rustls tells the other side, and the log.
fn refusal(error: webpki::Error) -> CertificateError {
    use webpki::Error as Fault;
    if let Fault::CertExpired { time, not_after } = error {
        return CertificateError::ExpiredContext { time, not_after };
    }
    if let Fault::CertNotValidYet { time, not_before } = error {
        return CertificateError::NotValidYetContext { time, not_before };
    }
    if matches!(error, Fault::RequiredEkuNotFoundContext(_)) {
        return CertificateError::InvalidPurpose;
    }
    if error == Fault::CertRevoked {
        return CertificateError::Revoked;
    }
    if error == Fault::UnknownIssuer {
        return CertificateError::UnknownIssuer;
    }
    CertificateError::Other(OtherError(Arc::new(error)))
}

fn other(text: String) -> CertificateError {
    CertificateError::Other(OtherError(Arc::new(Error::Refused(format!("it {text}")))))
}

/// One end of a handshake: which domain's services may be at the other.
#[derive(Debug)]
pub(crate) struct Verifier {
    pub trust: Trust,
    pub domain: String,
}

impl Verifier {
    fn same_domain(&self, found: &Identity) -> Result<(), rustls::Error> {
        if found.domain == self.domain {
            return Ok(());
        }
        Err(other(format!("is of domain `{}`, not `{}`", found.domain, self.domain)).into())
    }
}

impl ClientCertVerifier for Verifier {
    /// Callers have one certificate for us; hints would only tell strangers our roots' names.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.same_domain(&self.trust.identify(leaf, intermediates, Purpose::Client, now)?)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.trust.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.trust.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for Verifier {
    /// The name asked for is `SERVICE.DOMAIN`; what must agree with it is the URI, not a DNS name.
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        asked: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found = self.trust.identify(leaf, intermediates, Purpose::Server, now)?;
        self.same_domain(&found)?;
        if asked.to_str() == found.host() {
            return Ok(ServerCertVerified::assertion());
        }
        Err(other(format!("is of `{}`, where `{}` was called", found.host(), asked.to_str())).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.trust.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.trust.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.algorithms.supported_schemes()
    }
}
