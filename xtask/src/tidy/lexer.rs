//! Splits Rust into code and string literals, so that a rule about code is not misled by a comment or a text.

use std::ops::Range;

/// A string literal.
pub struct Literal {
    /// Where its opening quote is in the file.
    pub start: usize,
    /// What stands between the quotes, as written.
    pub text: String,
}

enum Token {
    Code,
    Comment,
    /// The prefix and quotes are this long before and after the text.
    Text(usize, usize),
}

/// The code with comments and literals turned to spaces, and the literals.
pub fn split(text: &str) -> (String, Vec<Literal>) {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut literals = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (token, length) = token(bytes, at);
        let range = at..at + length;
        at = range.end;
        match token {
            Token::Code => continue,
            Token::Comment => {}
            Token::Text(before, after) => {
                let inner = range.start + before..range.end.saturating_sub(after);
                let inner = text.get(inner).unwrap_or_default().to_owned();
                literals.push(Literal { start: range.start, text: inner });
            }
        }
        blank(&mut code, range);
    }
    (String::from_utf8_lossy(&code).into_owned(), literals)
}

fn blank(code: &mut [u8], range: Range<usize>) {
    for byte in &mut code[range] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// What begins at a position, and its length.
fn token(bytes: &[u8], at: usize) -> (Token, usize) {
    let rest = &bytes[at..];
    let inside_word = at > 0 && is_word(bytes[at - 1]);
    match rest {
        [b'/', b'/', ..] => {
            (Token::Comment, rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len()))
        }
        [b'/', b'*', ..] => (Token::Comment, block_comment(rest)),
        [b'"', ..] => (Token::Text(1, 1), quoted(rest, b'"')),
        [b'\'', b'\\', ..] => (Token::Comment, quoted(rest, b'\'')),
        [b'\'', ..] => character(rest).map_or((Token::Code, 1), |length| (Token::Comment, length)),
        // `br"…"` and `cr"…"` too: their first letter passes as code.
        [b'r', ..] if !inside_word || matches!(bytes[at - 1], b'b' | b'c') => {
            raw(rest).unwrap_or((Token::Code, 1))
        }
        _ => (Token::Code, 1),
    }
}

/// Part of an identifier.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// The length of `'c'`; nothing for a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(&rest[1..rest.len().min(6)]);
    let text = text.or_else(|error| std::str::from_utf8(&rest[1..1 + error.valid_up_to()])).ok()?;
    let length = text.chars().next()?.len_utf8();
    (rest.get(1 + length) == Some(&b'\'')).then_some(length + 2)
}

/// A raw string; nothing for a raw identifier or a plain word.
fn raw(rest: &[u8]) -> Option<(Token, usize)> {
    let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let end = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let before = hashes + 2;
    let inner = rest[before..].windows(end.len()).position(|window| window == end);
    let length = inner.map_or(rest.len(), |inner| before + inner + end.len());
    Some((Token::Text(before, end.len()), length))
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;

    fn texts(source: &Source) -> Vec<&str> {
        source.literals.iter().map(|literal| literal.text.as_str()).collect()
    }

    #[test]
    fn code_keeps_its_place_when_texts_and_comments_go() {
        let source = Source::new("a.rs", "let a = \"x // y\"; // dbg!(\nlet b = /* /* dbg!( */ */ 1;\n");
        assert_eq!(source.code.len(), source.text.len());
        assert!(!source.code.contains("dbg!("));
        assert!(source.code.contains("let b =") && source.code.contains("1;"));
        assert_eq!(texts(&source), ["x // y"]);
        assert_eq!(source.line(source.text.find("let b").expect("there")), 2);
    }

    #[test]
    fn quotes_inside_texts_and_characters_end_nothing() {
        let source =
            Source::new("a.rs", r####"f("a\"b", '"', '\'', r#"c"d"#, br"e", r#type, 'é', "end")"####);
        assert_eq!(texts(&source), [r#"a\"b"#, "c\"d", "e", "end"]);
        assert!(source.code.contains("r#type"));
    }

    #[test]
    fn a_lifetime_is_code() {
        let source = Source::new("a.rs", "fn f<'a>(x: &'a str) -> &'a str { g(\"t\") }");
        assert!(source.code.contains("fn f<'a>(x: &'a str) -> &'a str"));
        assert_eq!(texts(&source), ["t"]);
    }
}
