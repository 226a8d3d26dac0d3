//! What every manifest of ours must hold: versions from the root, the shared lints.

use std::path::Path;

use anyhow::Result;

use super::Violation;
use super::graph::Graph;

/// Every manifest that keeps a version of its own or does not inherit the lints.
pub fn check(root: &Path, graph: &Graph) -> Result<Vec<Violation>> {
    let mut found = Vec::new();
    for manifest in &graph.manifests {
        let text = std::fs::read_to_string(root.join(manifest))?;
        found.extend(dependencies(manifest, &text));
        found.extend(lints(manifest, &text));
    }
    found.extend(unsafe_code(&std::fs::read_to_string(root.join("Cargo.toml"))?));
    Ok(found)
}

/// The line whose key is `name`, or the first.
pub fn line_naming(text: &str, name: &str) -> usize {
    let lines = entries(text).filter(|entry| entry.section.ends_with("dependencies"));
    lines.filter(|entry| entry.key() == name).map(|entry| entry.line).next().unwrap_or(1)
}

fn dependencies(manifest: &str, text: &str) -> Vec<Violation> {
    let versions = entries(text).filter(|entry| {
        let listed = entry.section.ends_with("dependencies");
        let inherited = entry.text.contains("workspace = true");
        // A table of its own, `[dependencies.name]`, hides what the line form shows.
        entry.section.contains("dependencies.") || (listed && !inherited)
    });
    let text = |entry: Entry<'_>| {
        let name = entry.key();
        format!("`{name}` is not inherited, write `{name}.workspace = true` and its version in the root")
    };
    versions.map(|entry| Violation::new(manifest, entry.line, text(entry))).collect()
}

fn lints(manifest: &str, text: &str) -> Option<Violation> {
    let inherited = entries(text).any(|entry| entry.section == "lints" && entry.text == "workspace = true");
    let wrong = || {
        Violation::new(manifest, 1, "the shared lints are not inherited, add `[lints]` `workspace = true`")
    };
    (!inherited).then(wrong)
}

fn unsafe_code(root_manifest: &str) -> Option<Violation> {
    let forbidden = entries(root_manifest)
        .any(|entry| entry.section == "workspace.lints.rust" && entry.text == r#"unsafe_code = "forbid""#);
    let wrong = || {
        Violation::new("Cargo.toml", 1, "unsafe code is not forbidden, set it in `[workspace.lints.rust]`")
    };
    (!forbidden).then(wrong)
}

/// A `key = value` line and the section it stands in.
#[derive(Clone, Copy)]
struct Entry<'t> {
    line: usize,
    section: &'t str,
    text: &'t str,
}

impl<'t> Entry<'t> {
    fn key(&self) -> &'t str {
        self.text.split(['.', '=', ' ']).next().unwrap_or_default()
    }
}

/// The entries of a manifest. The lines of an array that runs over several are not entries.
fn entries(text: &str) -> impl Iterator<Item = Entry<'_>> {
    let mut section = "";
    text.lines().enumerate().filter_map(move |(index, line)| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            return None;
        }
        let named = line.starts_with(|c: char| c.is_ascii_alphanumeric());
        (named && line.contains('=')).then_some(Entry { line: index + 1, section, text: line })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n\n[dependencies]\n\
        # why\nserde.workspace = true\ntokio = { workspace = true, features = [\n    \"fs\",\n] }\n";

    #[test]
    fn inherited_lines_pass() {
        assert_eq!(dependencies("m", GOOD), []);
        assert_eq!(lints("m", GOOD), None);
    }

    #[test]
    fn a_version_of_its_own_is_found_in_every_section() {
        for section in ["dependencies", "dev-dependencies", "target.'cfg(unix)'.dependencies"] {
            let text = format!("{GOOD}[{section}]\nrand = \"0.9\"\n");
            let found = dependencies("m", &text);
            assert_eq!(found.len(), 1, "{section}");
            assert!(found[0].text.contains("`rand.workspace = true`"));
        }
        assert_eq!(dependencies("m", "[dependencies.rand]\nversion = \"0.9\"\n").len(), 1);
    }

    #[test]
    fn lints_of_its_own_are_found() {
        assert!(lints("m", "[lints.rust]\nunsafe_code = \"allow\"\n").is_some());
        assert!(unsafe_code("[workspace.lints.rust]\nunsafe_code = \"deny\"\n").is_some());
        assert!(unsafe_code("[workspace.lints.rust]\nunsafe_code = \"forbid\"\n").is_none());
    }

    #[test]
    fn a_dependency_has_a_line() {
        assert_eq!(line_naming(GOOD, "serde"), 9);
        assert_eq!(line_naming(GOOD, "absent"), 1);
    }
}
