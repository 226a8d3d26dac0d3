//! Calls between services: what stands around every call, on both sides. What is called is `proto`'s.
//!
//! A layer is one file with one function that takes the next step and gives its own. Server, outermost
//! first: trace, log, recover, deadline, shed, peer, bearer, handler. Client: span, log, recover, deadline,
//! credentials, retry, breaker, attempt, pick, connection.

mod assertion;
mod body;
mod client;
mod health;
mod log;
mod recover;
mod rules;
mod server;
mod status;

#[cfg(test)]
mod tests;

pub use client::Clients;
pub use rules::{RULES, Rule};
pub use server::{Hosted, PROPAGATION, Server, Serving, StartError};

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

/// The two sides of a call, in metrics and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}
