//! Reports: why people call for an administrator, and what became of it.

use crate::{Error, Result};

/// Why somebody reports something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Advertising, fraud, the same thing over and over.
    Spam,
    /// Nakedness and sex.
    Sexual,
    /// Cruelty and danger.
    Violence,
    /// Somebody is insulted, threatened or pursued.
    Harassment,
    /// It belongs to somebody else.
    Copyright,
    /// Anything else.
    Other,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Spam, Self::Sexual, Self::Violence, Self::Harassment, Self::Copyright, Self::Other];

    /// Reads its word.
    ///
    /// # Errors
    /// [`Error::Invalid`] for any other.
    pub fn parse(word: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word).ok_or_else(|| Error::Invalid {
            name: "reason".into(),
            problem: "must be spam, sexual, violence, harassment, copyright or other".into(),
        })
    }

    /// The word for programs and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Sexual => "sexual",
            Self::Violence => "violence",
            Self::Harassment => "harassment",
            Self::Copyright => "copyright",
            Self::Other => "other",
        }
    }
}

/// What became of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody has decided yet.
    #[default]
    Open,
    /// It was right.
    Upheld,
    /// It was not.
    Dismissed,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Upheld, Self::Dismissed];

    /// Reads its word.
    ///
    /// # Errors
    /// [`Error::Invalid`] for any other.
    pub fn parse(word: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word).ok_or_else(|| Error::Invalid {
            name: "verdict".into(),
            problem: "must be open, upheld or dismissed".into(),
        })
    }

    /// The word for programs and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Upheld => "upheld",
            Self::Dismissed => "dismissed",
        }
    }
}
