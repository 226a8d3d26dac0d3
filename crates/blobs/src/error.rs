//! What can go wrong with an object.

use std::time::Duration;

/// What can go wrong with an object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting cannot work; the text is one line and names it.
    #[error("{0}")]
    Setting(String),
    /// There is no such object.
    #[error("no object under this key")]
    NotFound,
    /// Too little space is left to accept more.
    #[error("the object store is nearly full: {free} bytes free, {wanted} wanted")]
    Full {
        /// Bytes free now.
        free: u64,
        /// The configured minimum.
        wanted: u64,
    },
    /// As many objects are being read as may be at once.
    #[error("too many objects are being read")]
    Busy,
    /// The object store took too long.
    #[error("the object store did not answer within {0:?}")]
    Late(Duration),
    /// The object store could not be asked.
    #[error("the object store did not answer")]
    Asking(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The object store failed.
    #[error("the object store failed")]
    Store(#[source] object_store::Error),
    /// A local file failed.
    #[error("a local file failed")]
    File(#[from] std::io::Error),
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        if matches!(error, object_store::Error::NotFound { .. }) {
            Self::NotFound
        } else {
            Self::Store(error)
        }
    }
}
