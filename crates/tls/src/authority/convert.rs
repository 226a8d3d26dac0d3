//! Parts of certificates that exist, in the form the next one is made from.

use std::net::IpAddr;

use rcgen::{DistinguishedName, DnType, DnValue, SanType};
use x509_parser::asn1_rs::Tag;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::x509::X509Name;

/// A subject's name, each part in the encoding it had.
pub(super) fn name(name: &X509Name<'_>) -> Result<DistinguishedName, String> {
    let unsupported = || format!("has the name `{name}`, of a form that is not supported");
    let mut made = DistinguishedName::new();
    for part in name.iter() {
        let mut values = part.iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(unsupported()) };
        let kind: Vec<u64> = value.attr_type().iter().ok_or_else(unsupported)?.collect();
        let kind = DnType::from_oid(&kind);
        if made.get(&kind).is_some() {
            return Err(unsupported());
        }
        let text = std::str::from_utf8(value.as_slice()).map_err(|_| unsupported())?;
        let tag = value.attr_value().tag();
        let value = if tag == Tag::PrintableString {
            DnValue::PrintableString(text.try_into().map_err(|_| unsupported())?)
        } else if tag == Tag::Ia5String {
            DnValue::Ia5String(text.try_into().map_err(|_| unsupported())?)
        } else if tag == Tag::Utf8String {
            DnValue::Utf8String(text.to_owned())
        } else {
            return Err(unsupported());
        };
        made.push(kind, value);
    }
    Ok(made)
}

/// The other names, in their order.
pub(super) fn names<'a>(
    names: impl IntoIterator<Item = &'a GeneralName<'a>>,
) -> Result<Vec<SanType>, String> {
    names.into_iter().map(other_name).collect()
}

/// The other names of a certificate.
pub(super) fn names_of(certificate: &X509Certificate<'_>) -> Result<Vec<SanType>, String> {
    let found = certificate.subject_alternative_name().map_err(|_| "has names that cannot be read")?;
    names(found.map(|found| found.value.general_names.as_slice()).unwrap_or_default())
}

fn other_name(found: &GeneralName<'_>) -> Result<SanType, String> {
    let wrong = || format!("has the name `{found}`, of a form that is not supported");
    // CFSSL 1.2 writes every host it does not know better as a DNS name.
    if let GeneralName::DNSName(text) | GeneralName::URI(text) = found
        && text.contains("://")
    {
        return Ok(SanType::URI((*text).try_into().map_err(|_| wrong())?));
    }
    if let GeneralName::DNSName(text) = found {
        return Ok(SanType::DnsName((*text).try_into().map_err(|_| wrong())?));
    }
    if let GeneralName::URI(text) = found {
        return Ok(SanType::URI((*text).try_into().map_err(|_| wrong())?));
    }
    if let GeneralName::RFC822Name(text) = found {
        return Ok(SanType::Rfc822Name((*text).try_into().map_err(|_| wrong())?));
    }
    if let GeneralName::IPAddress(bytes) = found {
        let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
        let address = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
        return Ok(SanType::IpAddress(address.map_err(|_| wrong())?));
    }
    Err(wrong())
}

/// What a certificate calls its key.
pub(super) fn key_id(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    certificate.iter_extensions().find_map(|extension| {
        let ParsedExtension::SubjectKeyIdentifier(id) = extension.parsed_extension() else { return None };
        Some(id.0.to_vec())
    })
}
