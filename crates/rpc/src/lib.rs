//! Calls between services: what stands around every call, on both sides. What is called is `proto`'s.

/// Where this process's services listen for calls.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The address to listen on.
    pub listen: String,
    /// The address others reach it under; empty for the one it listens on.
    pub advertise: String,
    /// Whether the services describe themselves to tools.
    pub reflection: bool,
}
