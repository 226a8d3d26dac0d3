//! Under which licences the packages of the build may be used.

use super::Violation;
use super::graph::{Graph, Package};

const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Every package whose licence leaves no allowed choice.
pub fn check(graph: &Graph) -> Vec<Violation> {
    graph.packages.iter().filter_map(refused).collect()
}

fn refused(package: &Package) -> Option<Violation> {
    let Package { name, version, licence, .. } = package;
    let text = match licence.as_deref().map(|licence| (licence, allows(licence))) {
        Some((_, Some(true))) => return None,
        Some((licence, Some(false))) => {
            format!(
                "`{name}` {version} is under `{licence}`, use a package under one of {}",
                ALLOWED.join(", ")
            )
        }
        Some((licence, None)) => {
            format!("`{name}` {version} states `{licence}`, which is no SPDX expression")
        }
        None => format!("`{name}` {version} states no licence, use a package that does"),
    };
    Some(Violation::new("Cargo.lock", 1, text))
}

/// Whether an SPDX expression leaves an allowed choice; nothing when it cannot be read.
fn allows(expression: &str) -> Option<bool> {
    // The slash is crates' old way to write OR.
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = Words(spaced.split_whitespace().collect());
    let allowed = words.any()?;
    words.0.is_empty().then_some(allowed)
}

/// What is left to read of an expression.
struct Words<'e>(std::collections::VecDeque<&'e str>);

impl Words<'_> {
    fn any(&mut self) -> Option<bool> {
        let mut allowed = self.all()?;
        while self.take("OR") {
            allowed |= self.all()?;
        }
        Some(allowed)
    }

    fn all(&mut self) -> Option<bool> {
        let mut allowed = self.one()?;
        while self.take("AND") {
            allowed &= self.one()?;
        }
        Some(allowed)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let allowed = self.any()?;
            return self.take(")").then_some(allowed);
        }
        let name = self.0.pop_front().filter(|word| !["AND", "OR", "WITH", ")"].contains(word))?;
        // An exception only adds to what the licence grants.
        if self.take("WITH") {
            self.0.pop_front()?;
        }
        Some(ALLOWED.contains(&name))
    }

    fn take(&mut self, word: &str) -> bool {
        let next = self.0.front() == Some(&word);
        if next {
            self.0.pop_front();
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_allowed_choice_is_enough() {
        assert_eq!(allows("MIT"), Some(true));
        assert_eq!(allows("GPL-3.0-only OR MIT"), Some(true));
        assert_eq!(allows("MIT/Apache-2.0"), Some(true));
        assert_eq!(allows("Apache-2.0 WITH LLVM-exception"), Some(true));
        assert_eq!(allows("GPL-3.0-only"), Some(false));
    }

    #[test]
    fn what_is_joined_must_all_be_allowed() {
        assert_eq!(allows("(MIT OR Apache-2.0) AND Unicode-3.0"), Some(true));
        assert_eq!(allows("MIT AND GPL-3.0-only"), Some(false));
        assert_eq!(allows("MIT OR Apache-2.0 AND GPL-3.0-only"), Some(true), "AND binds closer than OR");
        assert_eq!(allows("(MIT OR Apache-2.0) AND GPL-3.0-only"), Some(false));
    }

    #[test]
    fn what_cannot_be_read_is_not_allowed() {
        for expression in ["", "MIT OR", "(MIT", "MIT)", "MIT Apache-2.0", "AND MIT", "MIT WITH"] {
            assert_eq!(allows(expression), None, "{expression}");
        }
    }

    #[test]
    fn a_package_without_a_licence_is_refused() {
        let package = |licence: Option<&str>| Package {
            name: "a".into(),
            version: "1.0.0".into(),
            licence: licence.map(str::to_owned),
            wanted_by: Default::default(),
        };
        assert_eq!(refused(&package(Some("ISC"))), None);
        assert!(refused(&package(Some("AGPL-3.0-only"))).is_some());
        assert!(refused(&package(None)).is_some());
    }
}
