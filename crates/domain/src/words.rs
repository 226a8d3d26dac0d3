//! Words: what a text is found by. One tokenizer for what is kept and what is asked, whose words are of ASCII letters and
//! digits alone, so that the full-text indices of all databases read them alike.

use std::collections::BTreeSet;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};

use crate::limits::MAX_QUERY_CHARS;
use crate::{Error, Result};

/// Bytes of a word that tell it from others; InnoDB's index takes words of at most 84.
const MAX_WORD_BYTES: usize = 80;
/// Words of a question; what comes after them narrows it no more.
const MAX_ASKED: usize = 8;
/// A beginning of fewer letters is a word of its own: too much begins with it.
const MIN_BEGINNING_CHARS: usize = 2;

/// What somebody looks for: all of these words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    words: Vec<Word>,
    key: String,
}

/// A word as the index has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// ASCII letters and digits, at least three.
    pub text: String,
    /// Whether it is also found where longer words begin with it.
    pub is_beginning: bool,
}

impl Query {
    /// Reads what was typed: at most 100 characters with at least one letter or digit; of its words the first eight. The
    /// last one may be half typed.
    ///
    /// # Errors
    /// [`Error::BadParameter`] without any word, [`Error::Invalid`] when too long; both name `q`.
    pub fn parse(text: &str) -> Result<Self> {
        if text.chars().nth(MAX_QUERY_CHARS).is_some() {
            let problem = format!("must have at most {MAX_QUERY_CHARS} characters");
            return Err(Error::Invalid { name: "q".into(), problem });
        }
        let folded = folded(text);
        let runs = Run::all(&folded);
        let last = runs.len().saturating_sub(1);
        let mut words: Vec<Word> =
            runs.iter().enumerate().flat_map(|(place, run)| run.asked(place == last)).collect();
        words.truncate(MAX_ASKED);
        if words.is_empty() {
            let problem = "must contain a letter or a digit".into();
            return Err(Error::BadParameter { name: "q".into(), problem });
        }
        let nfkc = ComposingNormalizer::new_nfkc();
        let key = nfkc.normalize(&CaseMapper::new().fold_string(&nfkc.normalize(text))).trim().to_owned();
        Ok(Self { words, key })
    }

    /// All of these are in what is found.
    #[must_use]
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// The whole of it as names and tags are compared: NFKC and case folding.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The words that a text is found by, each once, with spaces between them.
#[must_use]
pub fn words(text: &str) -> String {
    let folded = folded(text);
    let mut seen = BTreeSet::new();
    let words = Run::all(&folded).into_iter().flat_map(|run| run.kept());
    words.filter(|word| seen.insert(word.clone())).collect::<Vec<_>>().join(" ")
}

/// Letters and digits that stand together.
#[derive(Debug)]
enum Run<'a> {
    /// Of a script that has spaces between words: a word.
    Spaced(&'a str),
    /// Of one that has none: every two neighbours are a word, as nobody knows where theirs end.
    Unspaced(&'a str),
}

impl<'a> Run<'a> {
    fn all(text: &'a str) -> Vec<Self> {
        let pieces = text.split(|c: char| !c.is_alphanumeric()).filter(|piece| !piece.is_empty());
        pieces.flat_map(Self::of_piece).collect()
    }

    fn of_piece(mut piece: &'a str) -> Vec<Self> {
        let mut runs = Vec::new();
        while let Some(first) = piece.chars().next() {
            let unspaced = is_unspaced(first);
            let end = piece.find(|c| is_unspaced(c) != unspaced).unwrap_or(piece.len());
            let (run, rest) = piece.split_at(end);
            runs.push(if unspaced { Self::Unspaced(run) } else { Self::Spaced(run) });
            piece = rest;
        }
        runs
    }

    fn kept(&self) -> Vec<String> {
        match self {
            Self::Spaced(word) => vec![spaced(word)],
            Self::Unspaced(text) => {
                // The last one alone too: who looks for one character finds words that begin with it.
                let chars: Vec<char> = text.chars().collect();
                chars.windows(2).chain(chars.last().map(std::slice::from_ref)).map(unspaced).collect()
            }
        }
    }

    fn asked(&self, is_last: bool) -> Vec<Word> {
        match self {
            Self::Spaced(word) => {
                let is_beginning = is_last && word.chars().nth(MIN_BEGINNING_CHARS - 1).is_some();
                vec![Word { text: spaced(word), is_beginning }]
            }
            Self::Unspaced(text) => {
                let chars: Vec<char> = text.chars().collect();
                let whole = |pair: &[char]| Word { text: unspaced(pair), is_beginning: false };
                match chars.len() {
                    1 => vec![Word { text: unspaced(&chars), is_beginning: true }],
                    _more => chars.windows(2).map(whole).collect(),
                }
            }
        }
    }
}

/// A word of letters: other than ASCII by their numbers. The `zz` before it makes also the shortest long enough for InnoDB,
/// and none of them one of the words that InnoDB leaves out.
fn spaced(word: &str) -> String {
    let mut text = String::from("zz");
    for c in word.chars() {
        let part = if c.is_ascii() { c.to_string() } else { format!("{:04x}", u32::from(c)) };
        if text.len() + part.len() > MAX_WORD_BYTES {
            break;
        }
        text.push_str(&part);
    }
    text
}

/// One or two characters by their numbers, all equally long: each alone begins what it begins.
fn unspaced(chars: &[char]) -> String {
    chars.iter().fold(String::from("zk"), |text, c| format!("{text}{:05x}", u32::from(*c)))
}

/// As names are compared, and without accents: NFKD (Unicode TR 15), case folding, no combining marks, NFKC.
fn folded(text: &str) -> String {
    let folded =
        CaseMapper::new().fold_string(&DecomposingNormalizer::new_nfkd().normalize(text)).into_owned();
    let plain: String = DecomposingNormalizer::new_nfkd()
        .normalize(&folded)
        .chars()
        .filter(|c| !matches!(c, '\u{300}'..='\u{36f}'))
        .collect();
    ComposingNormalizer::new_nfkc().normalize(&plain).into_owned()
}

/// Letters of scripts that are written without spaces: Thai to Myanmar, Khmer, the Japanese syllabaries, Bopomofo, Han;
/// and Hangul, whose words are long and end in many ways.
const fn is_unspaced(c: char) -> bool {
    matches!(
        c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3005}'..='\u{3007}'
            | '\u{3041}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}'
    )
}

#[cfg(test)]
mod tests {
    use super::{Query, words};

    /// Whether a text is found by what was typed, as an index of words finds it.
    fn finds(typed: &str, text: &str) -> bool {
        let kept = words(text);
        Query::parse(typed).expect("a query").words().iter().all(|word| {
            kept.split(' ')
                .any(|kept| kept == word.text || (word.is_beginning && kept.starts_with(word.text.as_str())))
        })
    }

    #[test]
    fn words_are_found_whatever_their_case_width_and_accents() {
        for (typed, text) in [
            ("cats", "My CATS, again"),
            ("ｃａｔｓ", "my cats"),
            ("cafe", "Le Café"),
            ("café", "le cafe"),
            ("strasse", "Hauptstraße"),
            ("МОСКВА", "виды: москва!"),
            ("go ai", "AI in Go"),
            ("dog", "#dog_2"),
            ("2", "dog_2"),
        ] {
            assert_eq!(finds(typed, text), typed != "strasse", "{typed} in {text}");
        }
        assert!(finds("hauptstrasse", "Hauptstraße"));
    }

    #[test]
    fn the_last_word_may_be_half_typed_and_no_other() {
        assert!(finds("fun ca", "fun cats"));
        assert!(!finds("ca fun", "fun cats"));
        assert!(!finds("c", "cats"), "too much begins with one letter");
        assert!(!finds("cats", "cat"));
    }

    #[test]
    fn chinese_is_found_by_one_character_and_by_any_two_neighbours() {
        let title = "周末的美食节vlog，太好吃了";
        for typed in ["美食", "美食节", "食节", "节", "了", "美食 好吃", "vlog美食", "周末 vlo"]
        {
            assert!(finds(typed, title), "{typed}");
        }
        for typed in ["食美", "美节", "周日", "末周"] {
            assert!(!finds(typed, title), "{typed}");
        }
        assert!(finds("カメラ", "新しいｶﾒﾗ"), "half of its width");
        assert!(finds("가방", "새 가방을"), "composed again");
    }

    #[test]
    fn words_are_of_ascii_long_enough_short_enough_and_each_once() {
        let long = "я".repeat(255);
        let all = words(&format!("a a A 中 𠮷𠮷 {long} 🎉"));
        let all: Vec<&str> = all.split(' ').collect();
        assert_eq!(all.len(), 5, "{all:?}");
        for word in all {
            assert!(word.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{word}");
            assert!((3..=84).contains(&word.len()), "{word}");
        }
        assert_eq!(words("🎉 !"), "");
    }

    #[test]
    fn a_query_has_a_word_and_an_end() {
        for text in ["", "  ", "!?", "🎉"] {
            assert!(Query::parse(text).is_err(), "{text:?}");
        }
        assert!(Query::parse(&"中".repeat(100)).is_ok_and(|query| query.words().len() == 8));
        assert!(Query::parse(&"中".repeat(101)).is_err());
        for (typed, key) in [(" ＡＢ ", "ab"), ("CAFE\u{301}", "café")] {
            assert_eq!(Query::parse(typed).map(|query| query.key().to_owned()).ok().as_deref(), Some(key));
        }
    }
}
