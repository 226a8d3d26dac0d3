//! What the tests share: folders of certificates, certificates as they must not be, and outside tools.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use tempfile::TempDir;

use crate::authority::{Authority, MAX_LEAF};
use crate::file;

pub(crate) const OPENSSL: &str = "apt-get install openssl";
pub(crate) const CFSSL: &str = "apt-get install golang-cfssl";
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// A folder with a root and the certificates of these services.
pub(crate) fn folder(services: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let root =
        Authority::create(dir.path(), "dytt", None, SystemTime::now(), &mut Vec::new()).expect("a root");
    issue(&root, services, dir.path());
    dir
}

/// New certificates of these services.
pub(crate) fn issue(root: &Authority, services: &[&str], out: &Path) {
    for service in services {
        let hosts = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        root.issue(service, &hosts, MAX_LEAF, out, SystemTime::now(), &mut Vec::new()).expect("issued");
    }
}

/// The folder's root.
pub(crate) fn open(dir: &Path) -> Authority {
    Authority::open(dir, None).expect("the root opens")
}

/// A certificate that need not make sense.
pub(crate) struct Leaf {
    pub uris: Vec<String>,
    pub dns: Vec<String>,
    pub purposes: Vec<ExtendedKeyUsagePurpose>,
    pub from: SystemTime,
    pub until: SystemTime,
}

impl Leaf {
    /// One that makes sense.
    pub(crate) fn of(service: &str) -> Self {
        Self {
            uris: vec![format!("spiffe://dytt/service/{service}")],
            dns: vec![format!("{service}.dytt")],
            purposes: vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
            from: SystemTime::now() - DAY,
            until: SystemTime::now() + DAY,
        }
    }

    /// Certificate and key, PEM, signed by the root of a folder.
    pub(crate) fn signed_by(&self, dir: &Path) -> (String, String) {
        let read = |name: &str| std::fs::read_to_string(dir.join(name)).expect("the root's file");
        let root = KeyPair::from_pem(&read("ca.key")).expect("the root's key");
        let issuer = Issuer::from_ca_cert_pem(&read("ca.pem"), root).expect("the root");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "leaf");
        let uris = self.uris.iter().map(|uri| SanType::URI(uri.as_str().try_into().expect("a URI")));
        let dns = self.dns.iter().map(|name| SanType::DnsName(name.as_str().try_into().expect("a name")));
        params.subject_alt_names = uris.chain(dns).collect();
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages.clone_from(&self.purposes);
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = (self.from.into(), self.until.into());
        (params.signed_by(&key, &issuer).expect("signed").pem(), key.serialize_pem())
    }

    /// The same, in files of a folder.
    pub(crate) fn put(&self, dir: &Path, service: &str) {
        let (certificate, key) = self.signed_by(dir);
        file::write(&dir.join(format!("{service}.key")), key.as_bytes(), true).expect("written");
        file::write(&dir.join(format!("{service}.pem")), certificate.as_bytes(), false).expect("written");
    }
}

/// Whether an outside program is there; in CI it has to be.
pub(crate) fn has(program: &'static str, how_to_get: &'static str) -> bool {
    let started = Command::new(program).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    started.is_ok() || servers::or_skip(Err(servers::Error::Missing { name: program, how_to_get })).is_some()
}

/// Runs an outside program in a folder: whether it ended well, and all it said.
pub(crate) fn run(dir: &Path, program: &str, words: &[&str]) -> (bool, String) {
    let output =
        Command::new(program).args(words).current_dir(dir).stdin(Stdio::null()).output().expect("starts");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// As [`run`]; it has to end well.
pub(crate) fn ran(dir: &Path, program: &str, words: &[&str]) -> String {
    let (well, said) = run(dir, program, words);
    assert!(well, "{program} {words:?}: {said}");
    said
}

/// A text file of a folder.
pub(crate) fn put(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).expect("written");
    path
}
