//! @mentions: people named in a title or a comment.

use std::collections::BTreeSet;

use crate::UserName;
use crate::limits::{MAX_MENTIONS, MAX_NAME_CHARS};

/// Those who are named in a text as `@name`, in the order they stand there, each once, at most 10. A name begins where no
/// word goes on, so that an address of e-mail is none, and has letters, digits, `_`, and between them `-` and `.`; who is
/// called otherwise cannot be mentioned.
#[must_use]
pub fn mentions(text: &str) -> Vec<UserName> {
    let (mut names, mut seen, mut before) = (Vec::new(), BTreeSet::new(), ' ');
    for (at, sign) in text.char_indices() {
        if matches!(sign, '@' | '＠') && !is_part(before) {
            let rest = &text[at + sign.len_utf8()..];
            let word = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
            let name = UserName::parse(word.trim_end_matches(['-', '.']), MAX_NAME_CHARS);
            names.extend(name.ok().filter(|name| seen.insert(name.key())));
        }
        before = sign;
    }
    names.truncate(MAX_MENTIONS);
    names
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

#[cfg(test)]
mod tests {
    use super::mentions;

    fn names(text: &str) -> Vec<String> {
        mentions(text).iter().map(|name| name.as_str().to_owned()).collect()
    }

    #[test]
    fn people_are_found_where_their_names_begin_and_end() {
        assert_eq!(names("@ann, ＠小明！ (@bob-2.) @Ann @"), ["ann", "小明", "bob-2"]);
        assert_eq!(names("mail me@home.org or a@b"), [""; 0]);
        assert_eq!(names("@@ann"), ["ann"]);
        assert_eq!(names(&format!("@{}", "x".repeat(65))), [""; 0]);
        let many: String = (0..20).map(|number| format!("@p{number} ")).collect();
        assert_eq!(names(&many).len(), 10);
    }
}
