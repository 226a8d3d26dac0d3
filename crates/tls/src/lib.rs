//! Certificates: made, loaded, rotated, and the identity they prove checked. Who may call what is `rpc`'s.

pub mod authority;
mod file;
mod folder;
mod identities;
pub mod keys;
mod name;
mod show;
mod verify;

use std::path::{Path, PathBuf};

pub use file::{read_secret, write as write_file};
pub use folder::ROOTS;
pub use identities::{ClientStream, Identities, Peer, ServerStream};
pub use name::Identity;
pub use show::{show, verify};

/// Where a process's certificates are.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The folder, relative to the data folder.
    pub dir: String,
}

/// What can go wrong with a certificate or with a connection that shows one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is not as it must be.
    #[error("{}: {wrong}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what would be right.
        wrong: String,
    },
    /// What was asked for cannot be done, and why.
    #[error("{0}")]
    Refused(String),
    /// This process has no certificate of the service it wants to call as.
    #[error("this process holds no certificate of the service `{0}`")]
    NotHeld(String),
    /// A caller asked for a service this process does not run; none means it named none.
    #[error("the caller asked for `{}`, which is not served here", asked.as_deref().unwrap_or("no service"))]
    NotServed {
        /// The name it asked for.
        asked: Option<String>,
        /// What the handshake ended with.
        #[source]
        source: std::io::Error,
    },
    /// The other side took too long.
    #[error("the TLS handshake took longer than {} s", identities::HANDSHAKE_TIME.as_secs())]
    Slow,
    /// The other side broke off, was refused, or refused us.
    #[error("the TLS handshake failed")]
    Handshake(#[source] std::io::Error),
    /// TLS cannot be set up with these certificates.
    #[error("TLS cannot be set up")]
    Setup(#[from] rustls::Error),
    /// A certificate could not be made.
    #[error("a certificate could not be made")]
    Make(#[from] rcgen::Error),
}

impl Error {
    /// A fault of a file.
    pub(crate) fn file(path: impl AsRef<Path>, wrong: impl Into<String>) -> Self {
        Self::File { path: path.as_ref().to_owned(), wrong: wrong.into() }
    }
}

#[cfg(test)]
mod tests;
