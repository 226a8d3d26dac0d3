//! Words that a site does not want to read, or not before somebody has.

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;

use crate::text::is_blank;
use crate::{Error, Result};

/// The longest word, in characters.
const MAX_WORD_CHARS: usize = 64;

/// What becomes of a text with such a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WordAction {
    /// It waits until somebody lets it through.
    Hold,
    /// It is not taken.
    Refuse,
}

impl WordAction {
    /// Reads its word.
    ///
    /// # Errors
    /// [`Error::Invalid`] for any other.
    pub fn parse(word: &str) -> Result<Self> {
        [Self::Hold, Self::Refuse]
            .into_iter()
            .find(|one| one.as_str() == word)
            .ok_or_else(|| Error::Invalid { name: "action".into(), problem: "must be hold or refuse".into() })
    }

    /// The word for programs and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Refuse => "refuse",
        }
    }
}

/// A word, or several, or signs such as `://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnwantedWord {
    text: String,
    key: String,
}

impl UnwantedWord {
    /// Accepts 1 to 64 characters, not all of them invisible.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `word`.
    pub fn parse(text: &str) -> Result<Self> {
        let (text, key) = (text.trim().to_owned(), folded(text).trim().to_owned());
        if key.is_empty() || text.chars().count() > MAX_WORD_CHARS || key.chars().count() > MAX_WORD_CHARS * 4
        {
            let problem = format!("must have 1 to {MAX_WORD_CHARS} visible characters");
            return Err(Error::Invalid { name: "word".into(), problem });
        }
        Ok(Self { text, key })
    }

    /// As it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What makes it unique.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// All the words of a site.
#[derive(Clone, Debug, Default)]
pub struct WordRules {
    rules: Vec<(String, WordAction)>,
}

impl WordRules {
    /// Those of these keys.
    #[must_use]
    pub fn new(rules: Vec<(String, WordAction)>) -> Self {
        Self { rules }
    }

    /// What becomes of a text, and because of which word's key; the strictest of its words decides. A word of letters or digits
    /// is found where no others of its kind go on around it: `ass` is not in `class`. Chinese and its like are found anywhere.
    #[must_use]
    pub fn judge(&self, text: &str) -> Option<(WordAction, &str)> {
        if self.rules.is_empty() {
            return None;
        }
        let text = folded(text);
        let mut held = None;
        for (key, action) in self.rules.iter().filter(|(key, _)| is_in(&text, key)) {
            match action {
                WordAction::Refuse => return Some((WordAction::Refuse, key)),
                WordAction::Hold => held = held.or(Some((WordAction::Hold, key.as_str()))),
            }
        }
        held
    }
}

fn is_in(text: &str, key: &str) -> bool {
    text.match_indices(key).any(|(at, found)| {
        let goes_on = |inside: Option<char>, outside: Option<char>| {
            inside.is_some_and(is_joined) && outside.is_some_and(is_joined)
        };
        !goes_on(found.chars().next(), text[..at].chars().next_back())
            && !goes_on(found.chars().next_back(), text[at + found.len()..].chars().next())
    })
}

/// Whether a word goes on from one such sign to the next: letters of alphabets that are written with spaces between words.
fn is_joined(c: char) -> bool {
    c.is_alphanumeric() && c < '\u{e00}'
}

/// As a person reads it: of one width and case, without what nobody sees.
fn folded(text: &str) -> String {
    let nfkc = ComposingNormalizer::new_nfkc();
    let seen: String = text.chars().filter(|c| !is_blank(*c) && !is_hidden(*c)).collect();
    let folded = CaseMapper::new().fold_string(&nfkc.normalize(&seen)).into_owned();
    nfkc.normalize(&folded).into_owned()
}

/// Signs that take no room: joiners, marks of direction, soft hyphens.
const fn is_hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> Option<&'static str> {
        let rule = |word: &str, action| (UnwantedWord::parse(word).expect("a word").key().to_owned(), action);
        let rules = WordRules::new(vec![
            rule("Ass", WordAction::Hold),
            rule("赌博", WordAction::Refuse),
            rule("://", WordAction::Hold),
            rule("buy now", WordAction::Refuse),
        ]);
        rules.judge(text).map(|(action, _)| action.as_str())
    }

    #[test]
    fn words_are_found_as_people_read_them() {
        for held in ["ass", "an ASS!", "ａｓｓ", "a\u{200b}ss", "see https://a.example", "ass赌"] {
            assert_eq!(judged(held), Some("hold"), "{held}");
        }
        for refused in ["线上赌博网", "BUY  now".replace("  ", " ").as_str(), "ass 赌博"] {
            assert_eq!(judged(refused), Some("refuse"), "{refused}");
        }
        for fine in ["", "class", "assess", "赌", "buy it now", "a:/b"] {
            assert_eq!(judged(fine), None, "{fine}");
        }
    }

    #[test]
    fn a_word_has_something_to_see() {
        for wrong in ["", "  ", "\u{200b}", &"x".repeat(65)] {
            assert!(UnwantedWord::parse(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(UnwantedWord::parse(" Ｂad ").expect("a word").key(), "bad");
    }
}
