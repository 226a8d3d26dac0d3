//! Whether an account may be used. What follows from that is the user service's.

use crate::{Error, Result};

/// What an account is to its site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// It may be used.
    #[default]
    Active,
    /// Nobody has let it in yet.
    Pending,
    /// An administrator has taken it out of use.
    Suspended,
    /// Who had it has deleted it.
    Leaving,
}

impl Standing {
    /// Those an administrator gives.
    pub const GIVEN: [Self; 3] = [Self::Active, Self::Pending, Self::Suspended];

    /// Reads the word of one that is given.
    ///
    /// # Errors
    /// [`Error::Invalid`] for any other.
    pub fn parse(word: &str) -> Result<Self> {
        Self::GIVEN.into_iter().find(|one| one.as_str() == word).ok_or_else(|| Error::Invalid {
            name: "standing".into(),
            problem: "must be active, pending or suspended".into(),
        })
    }

    /// Reads what was stored.
    ///
    /// # Errors
    /// [`Error::Internal`] for what is no such word.
    pub fn stored(word: &str) -> Result<Self> {
        match word {
            "leaving" | "gone" => Ok(Self::Leaving),
            given => Self::parse(given).map_err(Error::internal),
        }
    }

    /// The word for programs and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Suspended => "suspended",
            Self::Leaving => "leaving",
        }
    }
}
