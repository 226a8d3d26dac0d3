//! One instance of a service and how it is written under its key. Who has written it is the registry's.

use std::net::Ipv6Addr;

/// The largest weight: one slip of a pen must not draw every call to one instance.
pub const MAX_WEIGHT: u32 = 10_000;

const MAX_NAME_BYTES: usize = 63;
const MAX_HOST_BYTES: usize = 253;

/// One process's serving of one service.
///
/// Its JSON is what Go's etcd naming resolver reads too: that takes `addr` for its `Addr`, whatever the
/// case, so no field may be called `metadata` or `op`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Instance {
    /// The service.
    pub name: String,
    /// `host:port` of its RPC listener.
    pub addr: String,
    /// The version it speaks: the proto package's, `v1`.
    pub version: String,
    /// The share of calls it is to get, against others; 0 is drained.
    pub weight: u32,
    /// What is left of the weight while the instance degrades itself, above 0 and at most 1.
    #[serde(default = "whole")]
    pub share: f64,
    /// The build it runs.
    #[serde(default)]
    pub build: String,
    /// When it started, UTC milliseconds.
    #[serde(default)]
    pub started_at: i64,
}

fn whole() -> f64 {
    1.0
}

/// Why what stands under a key is no instance.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Flaw {
    #[error("the value is not an instance's JSON")]
    Json(#[from] serde_json::Error),
    #[error("the address `{0}` is not `host:port`")]
    Address(String),
    #[error("the name, version or address is not the key's")]
    Elsewhere,
    #[error("the weight {0} is above {MAX_WEIGHT}")]
    Weight(u32),
    #[error("the share {0} is not above 0 and at most 1")]
    Share(f64),
}

impl Instance {
    /// The weight that counts now: the weight times what is left of it.
    pub fn effective(&self) -> f64 {
        f64::from(self.weight) * self.share
    }

    pub(crate) fn key(&self) -> String {
        format!("{}{}", prefix(&self.name, &self.version), self.addr)
    }

    /// An instance as its key holds it.
    pub(crate) fn parse(key: &str, value: &[u8]) -> Result<Self, Flaw> {
        let instance: Self = serde_json::from_slice(value)?;
        instance.check()?;
        if instance.key() == key { Ok(instance) } else { Err(Flaw::Elsewhere) }
    }

    /// Whether an instance that was read from somewhere can be used.
    pub(crate) fn check(&self) -> Result<(), Flaw> {
        if host_and_port(&self.addr).is_none() {
            return Err(Flaw::Address(self.addr.clone()));
        }
        if !is_name(&self.name) || !is_name(&self.version) {
            return Err(Flaw::Elsewhere);
        }
        if self.weight > MAX_WEIGHT {
            return Err(Flaw::Weight(self.weight));
        }
        if self.share > 0.0 && self.share <= 1.0 { Ok(()) } else { Err(Flaw::Share(self.share)) }
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.weight == 0
    }
}

/// What the keys of a service's instances in one version begin with.
pub(crate) fn prefix(service: &str, version: &str) -> String {
    format!("/{service}/{version}/")
}

/// Whether a key has the shape `/<service>/<version>/<addr>`: others may keep things in the same etcd.
pub(crate) fn is_key(key: &str) -> bool {
    key.strip_prefix('/').is_some_and(|rest| rest.split('/').count() == 3)
}

/// Whether a text can name a service or a version in a key.
pub(crate) fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= MAX_NAME_BYTES && text.bytes().all(allowed)
}

/// The host, with its brackets when it is an IPv6 address, and the port, which is not 0.
pub(crate) fn host_and_port(addr: &str) -> Option<(&str, u16)> {
    let (host, port) = addr.rsplit_once(':')?;
    // A number's own parser takes a sign as well.
    let port = port.parse().ok().filter(|&number| number != 0 && !port.starts_with('+'))?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let good = match bracketed {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
        None => {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            !host.is_empty() && host.len() <= MAX_HOST_BYTES && host.bytes().all(allowed)
        }
    };
    good.then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "/user/v1/127.0.0.1:41234";

    fn parse(value: &str) -> Result<Instance, Flaw> {
        Instance::parse(KEY, value.as_bytes())
    }

    #[test]
    fn an_instance_is_read_as_it_was_written() {
        let instance = Instance {
            name: "user".into(),
            addr: "127.0.0.1:41234".into(),
            version: "v1".into(),
            weight: 100,
            share: 0.5,
            build: "abc".into(),
            started_at: 7,
        };
        assert_eq!(instance.key(), KEY);
        let written = serde_json::to_string(&instance).expect("JSON");
        assert_eq!(parse(&written).expect("own writing"), instance);
        assert!((instance.effective() - 50.0).abs() < f64::EPSILON);
        // Go's resolver reads these two names in any case, and must not find them.
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&written).expect("an object");
        assert!(fields.keys().all(|field| !["op", "metadata"].contains(&field.to_lowercase().as_str())));
    }

    #[test]
    fn fields_of_other_builds_do_not_matter() {
        let read = parse(r#"{"name":"user","addr":"127.0.0.1:41234","version":"v1","weight":3,"zone":"a"}"#);
        let read = read.expect("the least there is");
        assert_eq!((read.weight, read.share, read.build.as_str()), (3, 1.0, ""));
    }

    #[test]
    fn flaws_are_told_apart() {
        let with = |name: &str, addr: &str, weight: u64, share: f64| {
            parse(&format!(
                r#"{{"name":"{name}","addr":"{addr}","version":"v1","weight":{weight},"share":{share}}}"#
            ))
        };
        assert!(matches!(parse("{"), Err(Flaw::Json(_))));
        assert!(matches!(with("user", "127.0.0.1:41234", 1 << 40, 1.0), Err(Flaw::Json(_))));
        assert!(matches!(with("user", "127.0.0.1", 1, 1.0), Err(Flaw::Address(_))));
        assert!(matches!(with("feed", "127.0.0.1:41234", 1, 1.0), Err(Flaw::Elsewhere)));
        assert!(matches!(with("user", "127.0.0.1:41235", 1, 1.0), Err(Flaw::Elsewhere)));
        assert!(matches!(with("user", "127.0.0.1:41234", 10_001, 1.0), Err(Flaw::Weight(10_001))));
        assert!(matches!(with("user", "127.0.0.1:41234", 1, 0.0), Err(Flaw::Share(_))));
        assert!(matches!(with("user", "127.0.0.1:41234", 1, 1.5), Err(Flaw::Share(_))));
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        assert_eq!(host_and_port("a-b.example:65535"), Some(("a-b.example", 65535)));
        assert_eq!(host_and_port("[::1]:1"), Some(("[::1]", 1)));
        for bad in
            ["", ":1", "a", "a:", "a:0", "a:65536", "a:+1", "::1:1", "[a]:1", "a b:1", "a/b:1", "a@b:1"]
        {
            assert_eq!(host_and_port(bad), None, "{bad}");
        }
    }

    #[test]
    fn keys_of_others_are_not_ours() {
        assert!(is_key(KEY));
        for other in ["/registry/pods/default/a", "/user/v1", "user/v1/a:1", "/"] {
            assert!(!is_key(other), "{other}");
        }
    }
}
