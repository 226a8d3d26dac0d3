//! The configuration and what of it cannot work. What is done with it is the other modules'.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use super::instance::{host_and_port, is_name};
use super::{Error, Instance, LISTED_VERSION};

/// The weight of a listed instance: a list says nothing of it.
const LISTED_WEIGHT: u32 = 100;

/// How services find each other.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A list or a registry.
    pub kind: Kind,
    /// static: `user=10.0.0.1:7000`, one each instance; etcd: the members' URLs.
    pub endpoints: Vec<String>,
    /// The share of calls this process's instances get, against others; 0 gets none.
    pub weight: u32,
}

/// Where the instances are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// In the configuration.
    Static,
    /// In etcd.
    Etcd,
}

/// Whom an etcd behind TLS is to trust and whom we trust: PEM files, read at every connection, so that
/// renewed ones are used without a restart.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The roots etcd's certificate must lead to.
    pub roots: PathBuf,
    /// Our certificate, with what lies between it and its root.
    pub certificate: PathBuf,
    /// Our certificate's key.
    pub key: PathBuf,
}

impl Config {
    /// The instances of a static list.
    pub(crate) fn listed(&self) -> Result<Vec<Instance>, Error> {
        let mut seen = HashSet::new();
        let mut listed = Vec::new();
        for entry in &self.endpoints {
            let (name, addr) = entry.split_once('=').ok_or_else(|| Error::Entry(entry.clone()))?;
            if !is_name(name) || host_and_port(addr).is_none() {
                return Err(Error::Entry(entry.clone()));
            }
            if !seen.insert((name, addr)) {
                return Err(Error::Twice(entry.clone()));
            }
            listed.push(Instance {
                name: name.to_owned(),
                addr: addr.to_owned(),
                version: LISTED_VERSION.to_owned(),
                weight: LISTED_WEIGHT,
                share: 1.0,
                build: String::new(),
                started_at: 0,
            });
        }
        listed.sort_by(|left, right| (&left.name, &left.addr).cmp(&(&right.name, &right.addr)));
        Ok(listed)
    }

    /// The URLs of etcd's members, without a slash at their ends.
    pub(crate) fn members(&self, has_tls: bool) -> Result<Vec<String>, Error> {
        if self.endpoints.is_empty() {
            return Err(Error::NoMembers);
        }
        self.endpoints.iter().map(|url| member(url, has_tls)).collect()
    }
}

fn member(url: &str, has_tls: bool) -> Result<String, Error> {
    let bad = || Error::Url(url.to_owned());
    let (scheme, rest) = url.split_once("://").ok_or_else(bad)?;
    let rest = rest.trim_end_matches('/');
    let (host, _) = host_and_port(rest).ok_or_else(bad)?;
    match scheme {
        "http" if !is_loopback(host) => Err(Error::Plain(url.to_owned())),
        "https" if !has_tls => Err(Error::NoTls(url.to_owned())),
        "http" | "https" => Ok(format!("{scheme}://{rest}")),
        _ => Err(bad()),
    }
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "[::1]") || host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(kind: Kind, endpoints: &[&str]) -> Config {
        Config { kind, endpoints: endpoints.iter().map(|&entry| entry.to_owned()).collect(), weight: 100 }
    }

    fn members(url: &str, has_tls: bool) -> Result<Vec<String>, Error> {
        config(Kind::Etcd, &[url]).members(has_tls)
    }

    #[test]
    fn a_list_is_read_in_order_of_its_names() {
        let list = config(Kind::Static, &["user=10.0.0.1:7000", "feed=[::1]:7001", "user=a.example:7000"]);
        let found = list.listed().expect("a good list");
        let found: Vec<_> = found.iter().map(|each| (each.name.as_str(), each.addr.as_str())).collect();
        assert_eq!(found, [("feed", "[::1]:7001"), ("user", "10.0.0.1:7000"), ("user", "a.example:7000")]);
    }

    #[test]
    fn a_bad_entry_is_named() {
        for entry in ["", "user", "user=", "=10.0.0.1:7000", "user=10.0.0.1", "user=10.0.0.1:0", "u/s=a:1"] {
            let error = config(Kind::Static, &[entry]).listed().expect_err(entry);
            assert!(matches!(&error, Error::Entry(named) if named == entry), "{error}");
        }
        let twice = config(Kind::Static, &["user=a:1", "user=a:1"]).listed();
        assert!(matches!(twice, Err(Error::Twice(_))));
    }

    #[test]
    fn plain_http_is_for_loopback() {
        for url in
            ["http://127.0.0.1:2379", "http://127.1.2.3:2379/", "http://localhost:2379", "http://[::1]:1"]
        {
            assert_eq!(members(url, false).expect(url), [url.trim_end_matches('/')]);
        }
        for url in ["http://10.0.0.1:2379", "http://etcd.example:2379", "http://localhost.example:2379"] {
            assert!(matches!(members(url, true), Err(Error::Plain(_))), "{url}");
        }
    }

    #[test]
    fn https_wants_files_to_trust() {
        let url = "https://etcd.example:2379";
        assert_eq!(members(url, true).expect("files are there"), [url]);
        assert!(matches!(members(url, false), Err(Error::NoTls(_))));
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for url in
            ["", "127.0.0.1:2379", "ftp://127.0.0.1:2379", "http://", "http://127.0.0.1", "http://a b:1"]
        {
            assert!(matches!(members(url, true), Err(Error::Url(_))), "{url}");
        }
        assert!(matches!(config(Kind::Etcd, &[]).members(true), Err(Error::NoMembers)));
    }
}
