//! Who serves what: a static list or etcd. Which of them gets a call is `rpc`'s.

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
