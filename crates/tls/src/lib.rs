//! Certificates: made, loaded, rotated, and the identity they prove checked. Who may call what is `rpc`'s.

/// Where a process's certificates are.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder, relative to the data folder.
    pub dir: String,
}
