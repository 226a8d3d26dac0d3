//! Addresses: the one a client used to reach us, and the client's own. Both may be said by a proxy, which
//! is believed only when the operator trusts it.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use domain::Timestamp;

use crate::{Config, Gateway};

/// A link to what not everybody may see is good for so long, and at least for half of it.
const SIGNED_FOR: i64 = blobs::SIGNED_FOR.as_secs().cast_signed();

/// Where links in an answer point to; by default nowhere, and they are paths.
#[derive(Default)]
pub(crate) struct Base {
    address: String,
    signer: Option<Gateway>,
}

impl Base {
    /// Under an address without a trailing slash.
    pub(crate) fn at(address: impl Into<String>) -> Self {
        Self { address: address.into(), signer: None }
    }

    /// The address of a stored object; with a signature, for a while, when not everybody may read it.
    pub(crate) fn object(&self, key: &str) -> String {
        let address = &self.address;
        match &self.signer {
            Some(gateway) if key.starts_with("s/") => {
                // The same for minutes, so that a browser asks once.
                let half = SIGNED_FOR / 2;
                let until = (Timestamp::now().millis() / 1000 / half + 2) * half;
                let signature = gateway.tokens.sign_object(key, until);
                format!("{address}/media/{key}?exp={until}&sig={signature}")
            }
            _ => format!("{address}/media/{key}"),
        }
    }

    /// The address of a cover, or of what stands for one.
    pub(crate) fn cover(&self, key: &str) -> String {
        if key.is_empty() { self.asset("cover.jpg") } else { self.object(key) }
    }

    /// The address of somebody's picture, if there is one.
    pub(crate) fn picture(&self, key: &str) -> Option<String> {
        (!key.is_empty()).then(|| self.object(key))
    }

    /// The address of something we ship.
    pub(crate) fn asset(&self, name: &str) -> String {
        format!("{}/assets/{name}", self.address)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.address
    }

    /// The address without a path: the origin of our pages (RFC 6454).
    pub(crate) fn origin(&self) -> &str {
        let host = self.address.find("://").map_or(0, |at| at + 3);
        let path = self.address[host..].find('/').map_or(self.address.len(), |at| host + at);
        &self.address[..path]
    }

    /// Under the address by which a request reached us.
    pub(crate) fn of(gateway: &Gateway, parts: &Parts) -> Self {
        let address = base(&gateway.config, &parts.headers, peer(parts), parts.uri.authority());
        Self { address, signer: Some(gateway.clone()) }
    }
}

impl FromRequestParts<Gateway> for Base {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Infallible> {
        Ok(Self::of(gateway, parts))
    }
}

/// Who sent the request.
pub(crate) struct Client(pub IpAddr);

impl FromRequestParts<Gateway> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Infallible> {
        Ok(Self(client(&gateway.config, parts)))
    }
}

/// Who sent the request, as far as limits are concerned.
pub(crate) fn client(config: &Config, parts: &Parts) -> IpAddr {
    let peer = peer(parts);
    if !config.trusted_proxies.contains(&peer) {
        return peer;
    }
    last(&parts.headers, "x-forwarded-for").and_then(|address| address.parse().ok()).unwrap_or(peer)
}

fn peer(parts: &Parts) -> IpAddr {
    let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    info.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |info| info.0.ip().to_canonical())
}

fn base(config: &Config, headers: &HeaderMap, peer: IpAddr, target: Option<&Authority>) -> String {
    if !config.public_url.is_empty() {
        return config.public_url.clone();
    }
    let mut scheme = "http";
    let said = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let mut host = target.map(Authority::as_str).or(said);
    if config.trusted_proxies.contains(&peer) {
        scheme = last(headers, "x-forwarded-proto").filter(|scheme| *scheme == "https").unwrap_or(scheme);
        host = last(headers, "x-forwarded-host").or(host);
    }
    // Only what is a host may stand in a link.
    let authority = host.and_then(|host| host.parse::<Authority>().ok());
    let authority = authority.filter(|authority| !authority.as_str().contains('@'));
    authority.map_or_else(String::new, |authority| format!("{scheme}://{authority}"))
}

/// What our own proxy said: the last element of the last such header; those before it are the client's word.
fn last<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let list = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    list.rsplit(',').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(public_url: &str, proxies: &[IpAddr]) -> Config {
        Config {
            public_url: public_url.into(),
            trusted_proxies: proxies.into(),
            query_credentials: true,
            max_upload_bytes: 0,
            limits_enabled: false,
            utc_offset_hours: 8,
            lan_url: None,
        }
    }

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (name.parse().expect("name"), value.parse().expect("value")))
            .collect()
    }

    const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

    #[test]
    fn links_follow_the_request_unless_an_address_is_configured() {
        let host = headers(&[("host", "192.168.1.7:8080")]);
        assert_eq!(base(&config("", &[]), &host, PROXY, None), "http://192.168.1.7:8080");
        assert_eq!(base(&config("https://v.example", &[]), &host, PROXY, None), "https://v.example");
    }

    #[test]
    fn only_a_trusted_proxy_may_say_otherwise() {
        let said = headers(&[("host", "a"), ("x-forwarded-host", "b"), ("x-forwarded-proto", "https")]);
        assert_eq!(base(&config("", &[]), &said, PROXY, None), "http://a");
        assert_eq!(base(&config("", &[PROXY]), &said, PROXY, None), "https://b");
    }

    #[test]
    fn of_many_forwarding_headers_the_proxys_own_counts() {
        let mut said = HeaderMap::new();
        for value in ["198.51.100.1", "127.0.0.1, 203.0.113.9"] {
            said.append("x-forwarded-for", value.parse().expect("value"));
        }
        assert_eq!(last(&said, "x-forwarded-for"), Some("203.0.113.9"));
        assert_eq!(last(&said, "x-forwarded-host"), None);
    }

    #[test]
    fn a_host_that_is_none_gives_relative_links() {
        for host in ["a b", "x/y", "u@h", "\"><script>"] {
            assert_eq!(base(&config("", &[]), &headers(&[("host", host)]), PROXY, None), "", "{host}");
        }
    }
}
