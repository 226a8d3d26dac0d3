//! Which addresses are called: nobody is to reach through this server what only it can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use domain::{Error, Result};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The longest address, in bytes.
const MAX_URL: usize = 500;

/// What stands for a host in an address.
enum Host {
    Address(IpAddr),
    Name(String),
}

/// The host of an address, if it has one.
fn host(url: &Url) -> Option<Host> {
    let host = url.host_str()?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Some(bare.parse().map_or_else(|_name| Host::Name(host.to_owned()), Host::Address))
}

/// Looks names up, and gives only what may be called: the address that was checked is the one that is connected to.
pub(super) struct Resolver {
    pub allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut found: Vec<SocketAddr> = found.collect();
            found.retain(|address| allow_private || is_public(address.ip()));
            if found.is_empty() {
                return Err(PRIVATE.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

const PRIVATE: &str = "leads into a private network, which webhooks.allow_private does not allow";

/// An address as it may be called, after a look at where it leads now.
///
/// # Errors
/// [`Error::Invalid`] for `url`.
pub(crate) async fn checked(text: &str, allow_private: bool) -> Result<Url> {
    let invalid = |problem: &str| Error::Invalid { name: "url".into(), problem: problem.to_owned() };
    let form = "must be an address such as https://example.org/hook";
    let url = Url::parse(text).map_err(|_wrong| invalid(form))?;
    // As it is kept: what is no ASCII becomes longer.
    if url.as_str().len() > MAX_URL {
        return Err(invalid("must have at most 500 bytes"));
    }
    if !["http", "https"].contains(&url.scheme()) || !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("must begin with https:// or http://, without a name or password in it"));
    }
    literal(&url, allow_private).map_err(|problem| invalid(&problem))?;
    if let Some(Host::Name(name)) = host(&url) {
        let found = tokio::net::lookup_host((name.as_str(), 0)).await;
        let found: Vec<_> = found.map_err(|_none| invalid("names a host that cannot be found"))?.collect();
        if !allow_private && !found.iter().any(|address| is_public(address.ip())) {
            return Err(invalid(PRIVATE));
        }
    }
    Ok(url)
}

/// Whether an address that names no host but a number may be called: no resolver is asked for those.
pub(super) fn literal(url: &Url, allow_private: bool) -> std::result::Result<(), String> {
    match host(url) {
        Some(Host::Address(address)) if !allow_private && !is_public(address) => Err(PRIVATE.to_owned()),
        Some(Host::Address(_) | Host::Name(_)) => Ok(()),
        None => Err("names no host".to_owned()),
    }
}

/// Whether an address is one of the whole internet (IANA's registries of special-purpose addresses, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        // Shared between customers of a carrier (RFC 6598).
        || (a == 100 && (64..128).contains(&b))
        // Of protocols (RFC 6890), of benchmarks (RFC 2544), relays to IPv6 (RFC 7526).
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
        || (a == 192 && b == 88 && c == 99)
        // Reserved, and all at once.
        || a >= 240;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let [first, second, ..] = address.segments();
    // Global unicast (RFC 4291) without tunnels, which lead to any IPv4 (RFC 3056, RFC 4380), and documentation.
    (first & 0xe000) == 0x2000
        && first != 0x2002
        && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
        && first != 0x3fff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_whole_internet_are_public() {
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "100::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().expect("an address")), "{private}");
        }
        for public in ["1.1.1.1", "93.184.216.34", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00::1"]
        {
            assert!(is_public(public.parse().expect("an address")), "{public}");
        }
    }

    #[tokio::test]
    async fn an_address_is_refused_in_every_spelling_of_what_is_private() {
        for wrong in [
            "",
            "example",
            "ftp://example.org/",
            "file:///etc/passwd",
            "http://",
            "https://user:secret@1.1.1.1/",
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost/",
            "http://169.254.169.254/latest/meta-data/",
            &format!("https://1.1.1.1/{}", "x".repeat(500)),
            &format!("https://1.1.1.1/{}", "中".repeat(100)),
        ] {
            assert!(matches!(checked(wrong, false).await, Err(Error::Invalid { .. })), "{wrong}");
        }
        assert!(checked("https://1.1.1.1/hook", false).await.is_ok());
        assert!(checked("http://127.0.0.1:8080/hook", true).await.is_ok());
        assert!(checked("http://localhost/hook", true).await.is_ok());
    }
}
