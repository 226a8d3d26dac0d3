//! No package is in the build twice, but for a reviewed list that may only shrink.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};

use super::Violation;
use super::graph::{Graph, Package};

const LIST: &str = "xtask/duplicates.txt";

/// Every package that is there twice and not listed, and every line of the list that is no longer true.
pub fn check(root: &Path, graph: &Graph) -> Result<Vec<Violation>> {
    let list = std::fs::read_to_string(root.join(LIST)).with_context(|| format!("read {LIST}"))?;
    let mut found = compare(&list, &graph.packages);
    found.extend(direct(graph));
    Ok(found)
}

/// What a version is compatible with: `1` of 1.2.3, `0.2` of 0.2.3.
fn series(version: &str) -> String {
    let parts = if version.starts_with("0.") { 2 } else { 1 };
    version.split('.').take(parts).collect::<Vec<_>>().join(".")
}

fn duplicates(packages: &[Package]) -> BTreeMap<&str, Vec<&Package>> {
    let mut by_name: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in packages {
        by_name.entry(&package.name).or_default().push(package);
    }
    by_name.retain(|_, versions| versions.len() > 1);
    by_name
}

fn compare(list: &str, packages: &[Package]) -> Vec<Violation> {
    let duplicates = duplicates(packages);
    let mut found = Vec::new();
    let mut listed = BTreeSet::new();
    for (index, line) in
        list.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.is_empty())
    {
        let mut wrong = |text: String| found.push(Violation::new(LIST, index + 1, text));
        let Some((versions, _why)) = line.split_once(": ") else {
            wrong("cannot be read, write `name 0.1 0.2: why`".into());
            continue;
        };
        let (name, versions) = versions.split_once(' ').unwrap_or((versions, ""));
        listed.insert(name);
        let Some(packages) = duplicates.get(name) else {
            wrong(format!("`{name}` is there once, the list may only shrink: remove the line"));
            continue;
        };
        let there: BTreeSet<String> = packages.iter().map(|package| series(&package.version)).collect();
        if versions.split(' ').map(str::to_owned).collect::<BTreeSet<_>>() != there {
            let there: Vec<String> = there.into_iter().collect();
            wrong(format!("`{name}` is there as {}, correct the line after a review", there.join(" ")));
        }
    }
    let unlisted = duplicates.iter().filter(|(name, _)| !listed.contains(*name));
    found.extend(unlisted.map(|(name, packages)| {
        let wanted: Vec<String> = packages.iter().map(|package| wanted(package)).collect();
        let text = format!(
            "`{name}` is there as {}; use one version, or review and list it",
            wanted.join(" and as ")
        );
        Violation::new(LIST, 1, text)
    }));
    found
}

fn wanted(package: &Package) -> String {
    let by: Vec<&str> = package.wanted_by.iter().map(String::as_str).collect();
    format!("{} (for {})", package.version, by.join(", "))
}

/// A package that our own manifests name must be theirs in one version.
fn direct(graph: &Graph) -> Vec<Violation> {
    let named: BTreeMap<&str, &super::graph::Dependency> =
        graph.dependencies.iter().map(|dependency| (dependency.on.as_str(), dependency)).collect();
    let ours: BTreeSet<&str> = graph.dependencies.iter().map(|dependency| dependency.of.as_str()).collect();
    let twice = |name: &str| {
        let packages = graph.packages.iter().filter(|package| package.name == name);
        packages.filter(|package| package.wanted_by.iter().any(|by| ours.contains(by.as_str()))).count() > 1
    };
    let wrong = named.iter().filter(|(name, _)| twice(name)).map(|(name, dependency)| {
        let text = format!("`{name}` is named by our crates in two versions, keep one in the root manifest");
        Violation::new(&dependency.manifest, dependency.line, text)
    });
    wrong.collect()
}

#[cfg(test)]
mod tests {
    use super::super::graph::Dependency;
    use super::*;

    fn package(name: &str, version: &str, by: &str) -> Package {
        let wanted_by = [by.to_owned()].into();
        Package { name: name.into(), version: version.into(), licence: None, wanted_by }
    }

    fn twice() -> Vec<Package> {
        vec![package("rand", "0.8.5", "old"), package("rand", "0.9.1", "new"), package("syn", "2.0.1", "new")]
    }

    #[test]
    fn a_duplicate_must_be_listed() {
        let found = compare("# head\n", &twice());
        assert_eq!(found.len(), 1);
        assert!(found[0].text.contains("0.8.5 (for old) and as 0.9.1 (for new)"), "{}", found[0]);
        assert_eq!(compare("rand 0.8 0.9: old lags\n", &twice()), []);
        assert_eq!(compare("rand 0.9 0.8: old lags\n", &twice()), [], "in any order");
    }

    #[test]
    fn a_line_that_is_no_longer_true_must_go() {
        let found = compare("rand 0.8 0.9: old lags\nsyn 1 2: gone\n", &twice());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 2);
        assert!(found[0].text.contains("remove the line"));
    }

    #[test]
    fn other_versions_than_listed_need_a_review() {
        assert_eq!(compare("rand 0.8 0.10: old lags\n", &twice()).len(), 1);
        assert_eq!(compare("rand 0.8 0.9\n", &twice()).len(), 2, "no reason given");
    }

    #[test]
    fn our_own_crates_name_one_version() {
        let dependency = |of: &str| Dependency {
            of: of.into(),
            on: "rand".into(),
            dev: false,
            ours: false,
            manifest: "m".into(),
            line: 2,
        };
        let graph = |packages| Graph {
            manifests: Vec::new(),
            dependencies: vec![dependency("new"), dependency("old")],
            packages,
        };
        assert_eq!(direct(&graph(twice())).len(), 1);
        let outside = vec![package("rand", "0.8.5", "sqlx"), package("rand", "0.9.1", "new")];
        assert_eq!(direct(&graph(outside)), []);
    }
}
