//! Text that people type: parsed once at the edge, bounded in characters, safe to store. How it is shown
//! is left to the clients, for whom it is only ever text.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;

use crate::limits::{
    CHOSEN_PASSWORD_CHARS, MAX_CONTENT_CHARS, MAX_NAME_CHARS, MAX_PASSWORD_CHARS, MAX_SIGNATURE_CHARS,
    MAX_TITLE_CHARS, MIN_PASSWORD_CHARS,
};
use crate::{Error, Result};

/// Passwords that everybody tries first, in lower case.
const COMMON_PASSWORDS: &str = include_str!("common_passwords.txt");

/// Bytes as hexadecimal digits, in lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A user name as typed, without surrounding white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserName(String);

impl UserName {
    /// Accepts 1 to `max_chars` characters, none of them invisible.
    ///
    /// # Errors
    /// [`Error::BadParameter`] when empty, [`Error::Invalid`] when too long or with control, zero-width or
    /// direction-changing characters, which would let one name pass for another.
    pub fn parse(text: &str, max_chars: usize) -> Result<Self> {
        const NAME: &str = "username";
        let text = bounded(NAME, text.trim(), max_chars.min(MAX_NAME_CHARS))?;
        if text.chars().any(is_invisible) {
            return Err(invalid(NAME, "must not contain control or invisible characters"));
        }
        let name = Self(text.into());
        // Folding can lengthen a text (ﷺ becomes 18 letters); the key's column is four times the name's.
        if name.key().chars().count() > MAX_NAME_CHARS * 4 || name.key().is_empty() {
            return Err(invalid(NAME, "cannot be used, please choose another"));
        }
        Ok(name)
    }

    /// What makes a name unique: NFKC (Unicode TR 15) and full case folding, so that `José`, `JOSÉ` and a
    /// decomposed `José` are one name on every database; without what nobody sees.
    #[must_use]
    pub fn key(&self) -> String {
        let nfkc = ComposingNormalizer::new_nfkc();
        let seen: String = self.0.chars().filter(|c| !is_blank(*c)).collect();
        let folded = CaseMapper::new().fold_string(&nfkc.normalize(&seen)).into_owned();
        nfkc.normalize(&folded).trim().to_owned()
    }

    /// The name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A password at registration. Neither `Display` nor a telling `Debug`: it never reaches a log.
pub struct Password(String);

impl Password {
    /// Accepts 6 to 128 characters, white space included.
    ///
    /// # Errors
    /// [`Error::BadParameter`] when empty, [`Error::Invalid`] outside the limits.
    pub fn parse(text: &str) -> Result<Self> {
        let text = bounded("password", text, MAX_PASSWORD_CHARS)?;
        if text.chars().count() < MIN_PASSWORD_CHARS {
            return Err(invalid("password", format!("must have at least {MIN_PASSWORD_CHARS} characters")));
        }
        Ok(Self(text.into()))
    }

    /// A password that somebody chooses for themselves: at least 8 characters, none that everybody tries first, and
    /// not the account's name. `name` is the parameter to name in an error.
    ///
    /// # Errors
    /// [`Error::BadParameter`] when empty, [`Error::Invalid`] when too short, too long or too well known.
    pub fn chosen(name: &'static str, text: &str, of: &UserName) -> Result<Self> {
        let text = bounded(name, text, MAX_PASSWORD_CHARS)?;
        if text.chars().count() < CHOSEN_PASSWORD_CHARS {
            return Err(invalid(name, format!("must have at least {CHOSEN_PASSWORD_CHARS} characters")));
        }
        let lower = text.to_lowercase();
        if COMMON_PASSWORDS.lines().any(|common| common == lower) || lower == of.key() {
            return Err(invalid(name, "is one of those that are tried first, please choose another"));
        }
        Ok(Self(text.into()))
    }

    /// A password at login: any that is present and not absurdly long may be tried.
    ///
    /// # Errors
    /// [`Error::BadParameter`] when empty, [`Error::Invalid`] over the limit.
    pub fn attempt(text: &str) -> Result<Self> {
        bounded("password", text, MAX_PASSWORD_CHARS).map(|text| Self(text.into()))
    }

    /// The secret itself, for the hash alone.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(••••)")
    }
}

/// The title of a video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// Accepts 1 to 255 characters after trimming.
    ///
    /// # Errors
    /// [`Error::BadParameter`] when empty, [`Error::Invalid`] when too long or with a NUL.
    pub fn parse(text: &str) -> Result<Self> {
        visible("title", text, MAX_TITLE_CHARS).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What somebody calls themselves: not unique, and never what they log in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Accepts at most 64 characters after trimming, none of them invisible; none at all is their name again.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn parse(text: &str) -> Result<Self> {
        const NAME: &str = "display_name";
        let text = at_most(NAME, text.trim(), MAX_NAME_CHARS)?;
        if text.chars().any(is_invisible) {
            return Err(invalid(NAME, "must not contain control or invisible characters"));
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

/// What somebody says of themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature(String);

impl Signature {
    /// Accepts at most 255 characters after trimming.
    ///
    /// # Errors
    /// [`Error::Invalid`] when too long or with a NUL.
    pub fn parse(text: &str) -> Result<Self> {
        let text = at_most("signature", text.trim(), MAX_SIGNATURE_CHARS)?;
        if text.contains('\0') {
            return Err(invalid("signature", "must not contain a NUL character"));
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

/// What a comment or a chat message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(String);

impl Content {
    /// Accepts 1 to 255 characters after trimming.
    ///
    /// # Errors
    /// [`Error::BadParameter`] when empty, [`Error::Invalid`] when too long or with a NUL.
    pub fn parse(text: &str) -> Result<Self> {
        visible("content", text, MAX_CONTENT_CHARS).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn visible(name: &'static str, text: &str, max_chars: usize) -> Result<String> {
    let text = bounded(name, text.trim(), max_chars)?;
    if text.contains('\0') {
        return Err(invalid(name, "must not contain a NUL character"));
    }
    Ok(text.into())
}

fn bounded<'a>(name: &'static str, text: &'a str, max_chars: usize) -> Result<&'a str> {
    if text.is_empty() {
        return Err(Error::BadParameter {
            name: name.into(),
            problem: "is required and must not be empty".into(),
        });
    }
    at_most(name, text, max_chars)
}

fn at_most<'a>(name: &'static str, text: &'a str, max_chars: usize) -> Result<&'a str> {
    match text.chars().nth(max_chars) {
        Some(_) => Err(invalid(name, format!("must have at most {max_chars} characters"))),
        None => Ok(text),
    }
}

fn invalid(name: &'static str, problem: impl Into<String>) -> Error {
    Error::Invalid { name: name.into(), problem: problem.into() }
}

/// Characters that occupy no space or turn the direction of others: Unicode's Cc and the Cf that matter
/// in a name (soft hyphen, zero-width, bidi controls, invisible operators, tags).
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Characters that are legal in a name, as in an emoji, but make no visible difference: the rest of
/// Unicode's Default_Ignorable_Code_Point, and the blank Braille pattern.
pub(crate) const fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> String {
        UserName::parse(text, 64).map(|name| name.key()).unwrap_or_default()
    }

    #[test]
    fn names_that_look_the_same_share_a_key() {
        assert_eq!(key("José"), key("JOSE\u{301}"));
        assert_eq!(key("ＡＢＣ"), key("abc"));
        assert_eq!(key("  bob "), "bob");
        assert_eq!(key("Straße"), key("STRASSE"));
        assert_ne!(key("😀"), key("🎉"));
        assert_eq!(key("小明"), "小明");
        assert_eq!(key("b\u{34f}ob\u{fe0f}"), "bob");
    }

    #[test]
    fn invisible_and_overlong_names_are_refused() {
        for text in
            ["", " \t", "a\u{200b}b", "a\u{202e}b", "a\0b", "a\nb", "\u{feff}", "\u{3164}", "\u{2800}"]
        {
            assert!(UserName::parse(text, 64).is_err(), "{text:?}");
        }
        assert!(UserName::parse(&"长".repeat(64), 64).is_ok());
        assert!(UserName::parse(&"长".repeat(65), 64).is_err());
        assert!(UserName::parse(&"ﷺ".repeat(64), 64).is_err(), "a key longer than its column");
    }

    #[test]
    fn passwords_are_counted_in_characters_and_never_printed() {
        assert!(Password::parse("密码密码密码").is_ok());
        assert!(Password::parse("12345").is_err());
        assert!(Password::attempt("1").is_ok());
        assert!(Password::parse(&"x".repeat(129)).is_err());
        assert!(!format!("{:?}", Password::parse("hunter22")).contains("hunter22"));
    }

    #[test]
    fn a_chosen_password_is_none_that_is_tried_first() {
        let of = UserName::parse("Rosalind", 64).expect("a name");
        for text in ["1234567", "password", "PASSWORD1", "12345678", "rosalind", ""] {
            assert!(Password::chosen("password", text, &of).is_err(), "{text}");
        }
        assert!(Password::chosen("password", "correct horse", &of).is_ok());
    }

    #[test]
    fn content_is_trimmed_and_bounded() {
        assert_eq!(Content::parse(" hi ").map(|c| c.as_str().to_owned()).ok().as_deref(), Some("hi"));
        assert!(Content::parse(&"x".repeat(256)).is_err());
        assert!(Title::parse("a\0b").is_err());
    }
}
