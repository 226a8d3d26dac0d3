//! Certificates, requests and revocation lists for people to read, and one file checked against its roots.

use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

use rustls::pki_types::UnixTime;
use rustls::pki_types::pem::{PemObject, SectionKind};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::revocation_list::CertificateRevocationList;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::verify::{self, Purpose, Trust};
use crate::{Error, Identity, file, keys};

const DAY: i64 = 86_400;

/// What a file holds, in lines; of a folder, what each of its `.pem` and `.csr` files holds. A key is never
/// shown.
///
/// # Errors
/// [`Error::File`].
pub fn show(path: &Path, now: SystemTime) -> Result<String, Error> {
    let mut text = String::new();
    if !path.is_dir() {
        return show_file(path, now);
    }
    let listed = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let listed = listed.map_err(|error| Error::file(path, format!("cannot be read: {error}")))?;
    let mut paths: Vec<_> = listed.iter().map(std::fs::DirEntry::path).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "pem" || end == "csr"));
    paths.sort();
    for path in paths {
        text.push_str(&show_file(&path, now)?);
    }
    Ok(text)
}

/// Checks a certificate, with what follows it in its file, against roots and revocation lists; with a
/// service named, whose it is too.
///
/// # Errors
/// One line that says why it cannot be believed.
pub fn verify(
    path: &Path,
    roots: &Path,
    crl: Option<&Path>,
    service: Option<&str>,
    now: SystemTime,
) -> Result<(), Error> {
    let fault = |wrong: String| Error::file(path, wrong);
    let chain = file::certificates(path, &file::read(path, "it must be a certificate (PEM)")?)?;
    let anchors = file::certificates(roots, &file::read(roots, "it must be the roots (PEM)")?)?;
    let lists = match crl {
        Some(crl) => file::crls(crl, &file::read(crl, "it must be a revocation list (PEM)")?)?,
        None => Vec::new(),
    };
    let trust = Trust::new(&anchors, &lists).map_err(|wrong| Error::file(roots, wrong))?;
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let leaf = verify::parse(&chain[0]).map_err(fault)?;
    let stated: Vec<Purpose> = [Purpose::Server, Purpose::Client]
        .into_iter()
        .filter(|purpose| verify::serves(&leaf, *purpose))
        .collect();
    if stated.is_empty() {
        return Err(fault("is neither for `server auth` nor for `client auth`".to_owned()));
    }
    for purpose in stated {
        let checked = trust.check(&chain[0], &chain[1..], purpose, UnixTime::since_unix_epoch(since));
        checked.map_err(|error| fault(format!("is not to be believed: {error}")))?;
    }
    let found = Identity::of(&leaf).map_err(fault)?;
    if service.is_some_and(|service| service != found.service) {
        return Err(fault(format!("is of the service `{}`", found.service)));
    }
    Ok(())
}

/// A second, in the form of ISO 8601.
pub(crate) fn date(second: i64) -> String {
    let Ok(time) = OffsetDateTime::from_unix_timestamp(second) else { return format!("second {second}") };
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", time.hour(), time.minute(), time.second())
}

fn show_file(path: &Path, now: SystemTime) -> Result<String, Error> {
    let pem = file::read(path, "there is nothing to show")?;
    let mut text = String::new();
    for part in <(SectionKind, Vec<u8>)>::pem_slice_iter(&pem) {
        let (kind, der) =
            part.map_err(|error| Error::file(path, format!("is damaged or cut off ({error})")))?;
        let name = path.display();
        let shown = if kind == SectionKind::Certificate {
            X509Certificate::from_der(&der)
                .map(|(_, parsed)| format!("{name}: certificate\n{}", certificate(&parsed, now)))
        } else if kind == SectionKind::Crl {
            CertificateRevocationList::from_der(&der)
                .map(|(_, parsed)| format!("{name}: revocation list\n{}", list(&parsed)))
        } else if kind == SectionKind::Csr {
            X509CertificationRequest::from_der(&der)
                .map(|(_, parsed)| format!("{name}: request\n{}", request(&parsed)))
        } else {
            Ok(format!("{name}: a key, which is not shown\n"))
        };
        text.push_str(&shown.map_err(|_| Error::file(path, "holds a part that cannot be read"))?);
    }
    if text.is_empty() {
        return Err(Error::file(path, "is no PEM file"));
    }
    Ok(text)
}

fn certificate(parsed: &X509Certificate<'_>, now: SystemTime) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        let _always = writeln!(text, "  {name:<10}{value}");
    };
    line("subject", parsed.subject());
    line("issuer", parsed.issuer());
    line("serial", &keys::hex(&parsed.tbs_certificate.serial.to_bytes_be()));
    line("key", &key(parsed.public_key()));
    let valid = parsed.validity();
    line("from", &date(valid.not_before.timestamp()));
    let left = (valid.not_after.timestamp() - OffsetDateTime::from(now).unix_timestamp()).div_euclid(DAY);
    line("until", &format!("{} ({left} days left)", date(valid.not_after.timestamp())));
    if let Some(usage) = parsed.key_usage().ok().flatten() {
        line("usage", usage.value);
    }
    let stated: Vec<&str> = [Purpose::Server, Purpose::Client]
        .into_iter()
        .filter(|purpose| verify::serves(parsed, *purpose))
        .map(Purpose::name)
        .collect();
    if !stated.is_empty() {
        line("purpose", &stated.join(", "));
    }
    if parsed.is_ca() {
        line("authority", &"yes");
    }
    if let Ok(Some(names)) = parsed.subject_alternative_name() {
        for name in &names.value.general_names {
            line("name", &other_name(name));
        }
    }
    text
}

fn request(parsed: &X509CertificationRequest<'_>) -> String {
    let info = &parsed.certification_request_info;
    let mut text = format!("  subject   {}\n  key       {}\n", info.subject, key(&info.subject_pki));
    for extension in parsed.requested_extensions().into_iter().flatten() {
        if let ParsedExtension::SubjectAlternativeName(names) = extension {
            for name in &names.general_names {
                let _always = writeln!(text, "  name      {}", other_name(name));
            }
        }
    }
    text
}

fn list(parsed: &CertificateRevocationList<'_>) -> String {
    let mut text =
        format!("  issuer    {}\n  from      {}\n", parsed.issuer(), date(parsed.last_update().timestamp()));
    if let Some(next) = parsed.next_update() {
        let _always = writeln!(text, "  next      {}", date(next.timestamp()));
    }
    for revoked in parsed.iter_revoked_certificates() {
        let serial = keys::hex(&revoked.serial().to_bytes_be());
        let _always = writeln!(text, "  revoked   {serial} {}", date(revoked.revocation_date.timestamp()));
    }
    text
}

fn key(key: &SubjectPublicKeyInfo<'_>) -> String {
    match key.parsed() {
        Ok(PublicKey::EC(point)) => format!("ECDSA {}", point.key_size()),
        Ok(PublicKey::RSA(modulus)) => format!("RSA {}", modulus.key_size()),
        Ok(_) | Err(_) => "of another kind".to_owned(),
    }
}

fn other_name(name: &GeneralName<'_>) -> String {
    if let GeneralName::DNSName(text) | GeneralName::URI(text) | GeneralName::RFC822Name(text) = name {
        return (*text).to_owned();
    }
    if let GeneralName::IPAddress(bytes) = name {
        let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
        if let Ok(address) = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)) {
            return address.to_string();
        }
    }
    name.to_string()
}
