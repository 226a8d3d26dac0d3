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

use std::net::SocketAddr;

pub use client::Clients;
#[doc(hidden)]
pub use client::bench;
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

impl Config {
    /// Judges the addresses without opening anything.
    ///
    /// # Errors
    /// One line that names the key.
    pub fn check(&self) -> Result<(), String> {
        let listen = self.listen.parse::<SocketAddr>();
        let listen = listen.map_err(|_| {
            format!("rpc.listen must be an address such as `10.0.0.1:7000`, not `{}`", self.listen)
        })?;
        let advertised = |text: &str| {
            let (host, port) = text.rsplit_once(':')?;
            let named = !["", "0.0.0.0", "[::]"].contains(&host);
            port.parse::<u16>().ok().filter(|_| named)
        };
        match self.advertise.as_str() {
            "" if listen.ip().is_unspecified() => Err(format!(
                "rpc.advertise must say under which address others reach this process, which listens on all: {}",
                self.listen
            )),
            "" => Ok(()),
            text if advertised(text).is_some() => Ok(()),
            text => Err(format!("rpc.advertise must be an address such as `10.0.0.1:7000`, not `{text}`")),
        }
    }
}

/// The two sides of a call, in metrics and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}
