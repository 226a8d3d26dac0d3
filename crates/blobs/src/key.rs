//! The names of objects.

/// A key: a short prefix that says who may read it, random text made by the server, an extension.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// Accepts what the server itself makes: a prefix, one `/` and a name, of lower-case letters, digits,
    /// `-`, `_` and `.`, at most 96 bytes; nothing that could leave the store's folder.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let legal = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'_' | b'.');
        let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(legal);
        let (prefix, name) = text.split_once('/')?;
        (text.len() <= 96 && part(prefix) && part(name)).then(|| Self(text.to_owned()))
    }

    /// A new key of 128 random bits: `PREFIX/xx….EXTENSION`.
    #[must_use]
    pub fn random(prefix: &str, bits: u128, extension: &str) -> Self {
        Self(format!("{prefix}/{bits:032x}.{extension}"))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn path(&self) -> object_store::path::Path {
        object_store::path::Path::from(self.0.as_str())
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
