//! The names of objects.

/// What an object is, by the end of its key.
pub(crate) const MEDIA_TYPES: [(&str, &str); 5] = [
    ("mp4", "video/mp4"),
    ("jpg", "image/jpeg"),
    ("webp", "image/webp"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("vtt", "text/vtt; charset=utf-8"),
];

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

    /// The key of the same name behind another prefix.
    #[must_use]
    pub fn behind(&self, prefix: &str) -> Self {
        let name = self.0.split_once('/').map_or("", |(_, name)| name);
        Self(format!("{prefix}/{name}"))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The media type of what lies under the key.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        let extension = self.0.rsplit_once('.').map_or("", |(_, extension)| extension);
        let known = MEDIA_TYPES.iter().find(|known| known.0 == extension);
        known.map_or("application/octet-stream", |known| known.1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_cannot_leave_the_folder() {
        for text in [
            "", "/", "p/", "/p", "p//x", "../x", "p/../x", "p/.x", "p/a#1", "p/a%2f", "P/a", "p/a\\b",
            "p/a\0",
        ] {
            assert!(Key::parse(text).is_none(), "{text:?}");
        }
        assert!(Key::parse("p").is_none() && Key::parse("p/x.mp4/y").is_none());
        assert!(Key::parse(&format!("p/{}", "a".repeat(95))).is_none());
        assert!(Key::parse("p/0123abcdef.mp4").is_some());
    }

    #[test]
    fn a_key_tells_what_lies_there() {
        assert_eq!(Key::random("p", 1, "mp4").media_type(), "video/mp4");
        assert_eq!(Key::random("p", 1, "jpg").media_type(), "image/jpeg");
        assert_eq!(Key::random("p", 1, "html").media_type(), "application/octet-stream");
    }
}
