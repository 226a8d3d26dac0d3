//! Names: of services, of the domain they are trusted in, and the one URI that stands for both in a
//! certificate.

use std::fmt;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use crate::Error;

/// A DNS label's limit; a service's name is one.
const MAX_SERVICE_BYTES: usize = 63;
/// A DNS name's limit, less a service's label.
const MAX_DOMAIN_BYTES: usize = 253 - MAX_SERVICE_BYTES - 1;

/// Who a certificate stands for: `spiffe://DOMAIN/service/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The domain of trust, such as `dytt`.
    pub domain: String,
    /// The service's name, such as `user`.
    pub service: String,
}

impl Identity {
    /// Checks both names.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn new(domain: &str, service: &str) -> Result<Self, Error> {
        check_domain(domain)?;
        if !is_label(service) {
            return Err(Error::Refused(format!(
                "a service's name is 1 to {MAX_SERVICE_BYTES} lower-case letters, digits and `-`, \
                 not `{service}`"
            )));
        }
        Ok(Self { domain: domain.to_owned(), service: service.to_owned() })
    }

    /// Reads the URI.
    pub(crate) fn parse(uri: &str) -> Option<Self> {
        let (domain, service) = uri.strip_prefix("spiffe://")?.split_once("/service/")?;
        Self::new(domain, service).ok()
    }

    /// The name a caller asks for in its handshake: `NAME.DOMAIN`.
    pub fn host(&self) -> String {
        format!("{}.{}", self.service, self.domain)
    }

    /// Who a certificate stands for.
    ///
    /// # Errors
    /// What is wrong with its names, as the end of a sentence.
    pub(crate) fn of(certificate: &X509Certificate<'_>) -> Result<Self, String> {
        let names = certificate.subject_alternative_name().map_err(|_| "has names that cannot be read")?;
        let names = names.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
        let uris: Vec<&str> = names.iter().filter_map(uri).collect();
        if names.iter().any(|name| matches!(name, GeneralName::Invalid(..))) {
            return Err("has names that cannot be read".to_owned());
        }
        if names.iter().any(|name| matches!(name, GeneralName::DNSName(name) if name.contains('*'))) {
            return Err("has a wildcard among its names; each must be of one service alone".to_owned());
        }
        let [uri] = uris[..] else {
            return Err(format!(
                "has {} URI names; it must have exactly one, spiffe://DOMAIN/service/NAME",
                uris.len()
            ));
        };
        Self::parse(uri).ok_or_else(|| format!("has the URI name `{uri}`, not spiffe://DOMAIN/service/NAME"))
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "spiffe://{}/service/{}", self.domain, self.service)
    }
}

/// Whether this can be a domain of trust: lower-case DNS labels.
///
/// # Errors
/// [`Error::Refused`].
pub(crate) fn check_domain(domain: &str) -> Result<(), Error> {
    if domain.len() <= MAX_DOMAIN_BYTES && domain.split('.').all(is_label) {
        return Ok(());
    }
    Err(Error::Refused(format!(
        "a domain is lower-case letters, digits and `-` in parts divided by dots, \
         at most {MAX_DOMAIN_BYTES} in all, \
         not `{domain}`"
    )))
}

/// The domain a root names as its own: `spiffe://DOMAIN`, without a path.
pub(crate) fn domain_of_root(certificate: &X509Certificate<'_>) -> Option<String> {
    let names = certificate.subject_alternative_name().ok()??;
    let mut uris = names.value.general_names.iter().filter_map(uri);
    let domain = uris.find_map(|uri| uri.strip_prefix("spiffe://"))?;
    check_domain(domain).ok()?;
    Some(domain.to_owned())
}

/// The URI that says what domain a root is of.
pub(crate) fn root_uri(domain: &str) -> String {
    format!("spiffe://{domain}")
}

fn uri<'a>(name: &GeneralName<'a>) -> Option<&'a str> {
    if let GeneralName::URI(uri) = name { Some(uri) } else { None }
}

fn is_label(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=MAX_SERVICE_BYTES).contains(&text.len())
        && text.bytes().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read_as_it_is_written() {
        let identity = Identity::new("video.example.org", "user").expect("valid");
        assert_eq!(identity.to_string(), "spiffe://video.example.org/service/user");
        assert_eq!(identity.host(), "user.video.example.org");
        assert_eq!(Identity::parse(&identity.to_string()), Some(identity));
    }

    #[test]
    fn what_is_nearly_an_identity_is_none() {
        for uri in [
            "spiffe://dytt/service/*",
            "spiffe://*/service/user",
            "spiffe://dytt/service/",
            "spiffe:///service/user",
            "spiffe://dytt/service/user/",
            "spiffe://dytt/service/user/more",
            "spiffe://dytt/services/user",
            "spiffe://dytt/service/User",
            "spiffe://dytt/service/user?x",
            "spiffe://dytt:1/service/user",
            "spiffe://someone@dytt/service/user",
            "SPIFFE://dytt/service/user",
            "https://dytt/service/user",
            "spiffe://dytt/service/us%65r",
        ] {
            assert_eq!(Identity::parse(uri), None, "{uri}");
        }
    }
}
