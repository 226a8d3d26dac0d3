//! What is not written: unfinished code, skipped tests, and doors to the outside in the wrong crate.

use super::Violation;
use super::lexer::is_word;
use super::source::Source;

const UNFINISHED: &[(&str, &str)] = &[
    ("#[ignore", "make the test run everywhere or delete it"),
    ("todo!(", "write it or leave it out"),
    ("unimplemented!(", "write it or leave it out"),
    ("dbg!(", "log it or delete it"),
];

/// Where the environment may be read.
const READS_ENVIRONMENT: &[&str] =
    &["bench/", "crates/dytt/src/config", "xtask/", "crates/e2e/", "crates/servers/"];

/// Where other programs may be started, beside tests.
const STARTS_PROGRAMS: &[&str] =
    &["bench/", "crates/media/", "crates/dytt/", "xtask/", "crates/e2e/", "crates/servers/"];

/// Every phrase that does not belong where it stands.
pub fn check(source: &Source) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut wrong = |at: usize, text: String| found.push(Violation::new(&source.path, source.line(at), text));
    for (phrase, right) in UNFINISHED {
        for at in words(&source.code, phrase) {
            wrong(at, format!("`{phrase}` is not kept, {right}"));
        }
    }
    let within = |places: &[&str]| places.iter().any(|place| source.path.starts_with(place));
    if !within(READS_ENVIRONMENT) {
        for at in named(&source.code, "env", "var") {
            wrong(
                at,
                "reads the environment, take the value from the configuration (crates/dytt/src/config)"
                    .into(),
            );
        }
    }
    if !within(STARTS_PROGRAMS) && !source.is_test() {
        for at in named(&source.code, "process", "Command") {
            wrong(
                at,
                "starts a program, call the media crate, which bounds and sandboxes its children".into(),
            );
        }
    }
    found
}

/// Where a phrase begins that is not the end of a longer word.
fn words<'c>(code: &'c str, phrase: &'c str) -> impl Iterator<Item = usize> + 'c {
    let alone = |at: usize| at == 0 || !is_word(code.as_bytes()[at - 1]);
    code.match_indices(phrase).map(|(at, _)| at).filter(move |&at| alone(at))
}

/// Where `module::item…` or `module::{… item …}` stands.
fn named<'c>(code: &'c str, module: &'c str, item: &'c str) -> impl Iterator<Item = usize> + 'c {
    words(code, module).filter(move |at| {
        let Some(path) = code[at + module.len()..].strip_prefix("::") else {
            return false;
        };
        let group = path.strip_prefix('{').and_then(|list| list.split_once('}')).map(|(list, _)| list);
        path.starts_with(item) || group.is_some_and(|list| words(list, item).next().is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Source::new(path, text)).iter().map(|violation| violation.line).collect()
    }

    #[test]
    fn unfinished_code_is_found_at_its_line() {
        let text =
            "#[test]\n#[ignore = \"slow\"]\nfn f() {\n    todo!()\n}\nfn g() { dbg!(1); unimplemented!() }\n";
        let mut found = lines("crates/store/src/like.rs", text);
        found.sort_unstable();
        assert_eq!(found, [2, 4, 6, 6]);
    }

    #[test]
    fn a_text_or_comment_about_it_is_not_it() {
        assert_eq!(lines("crates/store/src/like.rs", "// todo!()\nlet a = \"dbg!(\"; my_dbg!(1);\n"), NONE);
    }

    #[test]
    fn the_environment_is_read_in_the_configuration_alone() {
        let text = "let home = std::env::var_os(\"HOME\");\nuse std::env::{self, vars};\n";
        assert_eq!(lines("crates/gateway/src/lib.rs", text), [1, 2]);
        assert_eq!(lines("crates/dytt/src/main.rs", text), [1, 2]);
        assert_eq!(lines("crates/dytt/src/config/layers.rs", text), NONE);
        assert_eq!(
            lines("crates/gateway/src/lib.rs", "env!(\"CARGO_PKG_VERSION\"); std::env::temp_dir();"),
            NONE
        );
    }

    #[test]
    fn programs_are_started_by_few() {
        let text = "use std::process::{Command, Stdio};\ntokio::process::Command::new(\"a\");\n";
        assert_eq!(lines("crates/services/src/video.rs", text), [1, 2]);
        assert_eq!(lines("crates/services/src/video/tests.rs", text), NONE);
        assert_eq!(lines("crates/media/src/child.rs", text), NONE);
        assert_eq!(lines("crates/services/src/video.rs", "std::process::id(); enum Command {}"), NONE);
    }
}
