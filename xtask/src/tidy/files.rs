//! How a file begins, is named, and how long it may get.

use super::Violation;
use super::source::Source;

const MAX_CODE_LINES: usize = 500;

/// What is wrong with a file as a whole.
pub fn check(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut wrong = |text: String| found.push(Violation::new(&source.path, 1, text));
    if !source.text.starts_with("//! ") {
        wrong("has no head, begin with `//! ` and what the file owns and what it leaves to others".into());
    }
    if source.path.ends_with("/mod.rs") {
        wrong("is named mod.rs, name it after its module, beside the folder".into());
    }
    let lines = code_lines(&source.text);
    if lines > MAX_CODE_LINES {
        wrong(format!("has {lines} lines of code, split it at {MAX_CODE_LINES}"));
    }
    found
}

/// Lines that are neither blank nor a comment.
fn code_lines(text: &str) -> usize {
    text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(path: &str, text: &str) -> usize {
        check(&Source::new(path, text)).len()
    }

    #[test]
    fn blank_lines_and_comments_are_not_code() {
        assert_eq!(code_lines("//! head\n\n/// doc\nfn f() {\n    // why\n    g(); // after\n}\n"), 3);
    }

    #[test]
    fn a_file_needs_a_head() {
        assert_eq!(wrong("a.rs", "//! What it owns.\n"), 0);
        assert_eq!(wrong("a.rs", "// Not a head.\n"), 1);
        assert_eq!(wrong("a.rs", "#![expect(dead_code)]\n//! Too late.\n"), 1);
        assert_eq!(wrong("a.rs", ""), 1);
    }

    #[test]
    fn a_file_is_split_at_the_limit() {
        assert_eq!(wrong("a.rs", &format!("//! Head.\n{}", "x;\n".repeat(500))), 0);
        assert_eq!(wrong("a.rs", &format!("//! Head.\n{}", "x;\n".repeat(501))), 1);
    }

    #[test]
    fn a_module_is_named_after_itself() {
        assert_eq!(wrong("crates/a/src/b/mod.rs", "//! Head.\n"), 1);
    }
}
