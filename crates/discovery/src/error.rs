//! What can go wrong: for the caller an [`Error`], between etcd and us a [`Trouble`].

use std::path::PathBuf;

/// Why discovery cannot start or answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An entry of the static list cannot be read.
    #[error("discovery.endpoints: a list holds `SERVICE=HOST:PORT`, not `{0}`")]
    Entry(String),
    /// An entry of the static list stands there twice.
    #[error("discovery.endpoints: `{0}` stands there twice")]
    Twice(String),
    /// etcd without an address.
    #[error("discovery.endpoints: etcd wants the URL of at least one member")]
    NoMembers,
    /// Not the address of an etcd member.
    #[error("discovery.endpoints: a member of etcd is `https://HOST:PORT`, not `{0}`")]
    Url(String),
    /// Plain http over a network.
    #[error("discovery.endpoints: `{0}` must be https, plain http is for loopback")]
    Plain(String),
    /// https, and nobody said whom to trust.
    #[error("discovery.endpoints: `{0}` wants certificates, set tls.dir")]
    NoTls(String),
    /// A weight beyond [`crate::MAX_WEIGHT`].
    #[error("a weight is at most {max}, not {0}", max = crate::MAX_WEIGHT)]
    Weight(u32),
    /// No such instance is registered.
    #[error("no instance of `{service}` is registered at {addr}")]
    NoInstance {
        /// The service asked for.
        service: String,
        /// The address asked for.
        addr: String,
    },
    /// A list is the configuration's to change.
    #[error("discovery.kind is static: weights are not kept for a list")]
    Listed,
    /// Others changed the same key again and again.
    #[error("the instance at {0} keeps changing, try again")]
    Busy(String),
    /// No member of etcd answers.
    #[error("etcd does not answer ({endpoints})")]
    Away {
        /// The members asked.
        endpoints: String,
        /// What the last one said.
        #[source]
        source: Trouble,
    },
}

/// What went wrong between etcd and us.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// No answer in time.
    #[error("no answer within {0} ms")]
    Silent(u128),
    /// etcd or the way to it failed.
    #[error(transparent)]
    Etcd(#[from] etcd_client::Error),
    /// A file for TLS cannot be read.
    #[error("read {path}", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The watch ended, for a reason etcd may have given.
    #[error("the watch ended: {0}")]
    Ended(String),
    /// Somebody removed our key.
    #[error("the key was removed")]
    Removed,
    /// Others changed the same key again and again.
    #[error("the key keeps changing")]
    Busy,
    /// The connection was given up for a new one.
    #[error("the connection was given up")]
    Replaced,
}
