//! Who may see a video. How that is enforced is the store's, and the gateway's for bytes.

use crate::{Error, Result};

/// Who, besides its author, may see a video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Everybody.
    #[default]
    Public,
    /// Who follows the author.
    Followers,
    /// Who follows the author and is followed back.
    Friends,
    /// Nobody.
    Private,
    /// Nobody, because an administrator says so, whatever its author chose.
    Hidden,
}

impl Visibility {
    /// What authors choose from, the widest first.
    pub const CHOICES: [Self; 4] = [Self::Public, Self::Followers, Self::Friends, Self::Private];

    /// Reads an author's choice.
    ///
    /// # Errors
    /// [`Error::Invalid`] for any other word.
    pub fn parse(word: &str) -> Result<Self> {
        Self::CHOICES.into_iter().find(|one| one.as_str() == word).ok_or_else(|| Error::Invalid {
            name: "visibility".into(),
            problem: "must be public, followers, friends or private".into(),
        })
    }

    /// Reads what was stored.
    ///
    /// # Errors
    /// [`Error::Internal`] for what is no such word.
    pub fn stored(word: &str) -> Result<Self> {
        match word {
            "hidden" => Ok(Self::Hidden),
            chosen => Self::parse(chosen).map_err(Error::internal),
        }
    }

    /// The word for programs and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Followers => "followers",
            Self::Friends => "friends",
            Self::Private => "private",
            Self::Hidden => "hidden",
        }
    }

    /// The prefix of the keys of objects that may be seen by whom this says: `p` is served to everybody, `s`
    /// with a signature only.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Public => "p",
            Self::Followers | Self::Friends | Self::Private | Self::Hidden => "s",
        }
    }
}
