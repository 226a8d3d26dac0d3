//! #tags: words in a title that videos are found by.

use std::collections::BTreeSet;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;

use crate::limits::{MAX_TAG_CHARS, MAX_TAGS};

/// A tag of a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// As it was typed, without the `#`.
    pub name: String,
    /// What makes it one with others: NFKC (Unicode TR 15) and full case folding.
    pub key: String,
}

impl Tag {
    /// Reads a name, with its `#` or without; nothing for what can be no tag.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix(is_sign).unwrap_or(text);
        let fits = (1..=MAX_TAG_CHARS).contains(&name.chars().count());
        let is_word = name.chars().all(is_part) && !name.chars().all(|c| c.is_ascii_digit());
        let nfkc = ComposingNormalizer::new_nfkc();
        let key = nfkc.normalize(&CaseMapper::new().fold_string(&nfkc.normalize(name))).into_owned();
        (fits && is_word && key.chars().count() <= MAX_TAG_CHARS * 4)
            .then(|| Self { name: name.to_owned(), key })
    }

    /// The tags of a title in the order they stand there, each once, at most 10. A tag begins with `#` or `＃` where no
    /// word goes on, and ends with the word; one that is too long is none.
    #[must_use]
    pub fn all(title: &str) -> Vec<Self> {
        let (mut tags, mut seen, mut before) = (Vec::new(), BTreeSet::new(), ' ');
        for (at, sign) in title.char_indices() {
            if is_sign(sign) && !is_part(before) {
                let rest = &title[at + sign.len_utf8()..];
                let word = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
                tags.extend(Self::parse(word).filter(|tag| seen.insert(tag.key.clone())));
            }
            before = sign;
        }
        tags.truncate(MAX_TAGS);
        tags
    }
}

const fn is_sign(c: char) -> bool {
    matches!(c, '#' | '＃')
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::Tag;

    fn names(title: &str) -> Vec<String> {
        Tag::all(title).into_iter().map(|tag| tag.name).collect()
    }

    #[test]
    fn tags_are_found_where_they_begin_and_end_with_their_word() {
        assert_eq!(names("Look! #Cats, #猫咪 ＃dog_2 (#x)"), ["Cats", "猫咪", "dog_2", "x"]);
        assert_eq!(names("a#b c# # ## #1 #2024 C#sharp #1st"), ["1st"]);
        assert_eq!(names("#a#b"), ["a"], "a sign inside a word begins none");
    }

    #[test]
    fn alike_tags_are_one_and_too_many_and_too_long_ones_are_left_out() {
        assert_eq!(names("#Cat #CAT #ｃａｔ #cat"), ["Cat"]);
        let many: String = (0..20).map(|number| format!("#t{number} ")).collect();
        assert_eq!(names(&many).len(), 10);
        assert_eq!(names(&format!("#{} #ok", "x".repeat(33))), ["ok"]);
        assert_eq!(Tag::parse("#Straße").map(|tag| tag.key), Tag::parse("STRASSE").map(|tag| tag.key));
        assert_eq!(Tag::parse("no tag"), None);
        assert_eq!(Tag::parse(""), None);
    }
}
