//! Why a server is not there.

/// Why a server is not there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not installed.
    #[error("{name} is not installed; to get it: {how_to_get}")]
    Missing {
        /// The server.
        name: &'static str,
        /// What to run.
        how_to_get: &'static str,
    },
    /// It is installed and did not start, did not become ready or refused what it was asked.
    #[error("{name} fails: {what}")]
    Failed {
        /// The server.
        name: &'static str,
        /// What went wrong, with the end of its log.
        what: String,
    },
}

impl Error {
    pub(crate) fn failed(name: &'static str, what: impl ToString) -> Self {
        Self::Failed { name, what: what.to_string() }
    }
}
