//! The dependency graph as cargo builds it on Linux, in the few facts the rules need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

use super::manifests;
use crate::shell;

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Our crates, what they name, and every package that is reached from them.
pub struct Graph {
    /// The manifests of our crates, from the root.
    pub manifests: Vec<String>,
    /// What our crates name in their manifests.
    pub dependencies: Vec<Dependency>,
    /// Every package in the build, ours included.
    pub packages: Vec<Package>,
}

/// One line of one of our manifests.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The crate whose manifest it is.
    pub of: String,
    /// The package named.
    pub on: String,
    /// Whether tests alone use it.
    pub dev: bool,
    /// Whether the package named is ours.
    pub ours: bool,
    /// Where it is written.
    pub manifest: String,
    /// The line there.
    pub line: usize,
}

/// A package in the build.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence expression, when it states one.
    pub licence: Option<String>,
    /// The packages that depend on it.
    pub wanted_by: BTreeSet<String>,
}

impl Graph {
    /// Asks cargo.
    pub fn load(root: &Path) -> Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .other_options(vec!["--filter-platform".to_owned(), TARGET.to_owned()])
            .exec()
            .context("read cargo metadata")?;
        let mut graph = Self { manifests: Vec::new(), dependencies: Vec::new(), packages: Vec::new() };
        for package in metadata.workspace_packages() {
            let manifest = package.manifest_path.strip_prefix(&metadata.workspace_root)?.to_string();
            let text = std::fs::read_to_string(&package.manifest_path)?;
            for dependency in &package.dependencies {
                graph.dependencies.push(Dependency {
                    of: package.name.to_string(),
                    on: dependency.name.clone(),
                    dev: dependency.kind == DependencyKind::Development,
                    ours: dependency.path.is_some(),
                    manifest: manifest.clone(),
                    line: manifests::line_naming(
                        &text,
                        dependency.rename.as_ref().unwrap_or(&dependency.name),
                    ),
                });
            }
            graph.manifests.push(manifest);
        }
        let built = built(root).context("read cargo tree")?;
        graph.packages = reached(&metadata, &built)?;
        Ok(graph)
    }
}

/// What is really built, as `name version`: the metadata also follow optional features that are off.
fn built(root: &Path) -> Option<BTreeSet<String>> {
    let manifest = root.join("Cargo.toml").display().to_string();
    let shown = ["-e", "normal,build,dev", "--prefix", "none", "--format", "{p}"];
    let arguments = [&["tree", "--workspace", "--target", TARGET, "--manifest-path", &manifest], &shown[..]];
    let tree = shell::output("cargo", &arguments.concat())?;
    let named = |line: &str| {
        let mut words = line.split(' ');
        Some(format!("{} {}", words.next()?, words.next()?.strip_prefix('v')?))
    };
    Some(tree.lines().filter_map(named).collect())
}

fn reached(metadata: &Metadata, built: &BTreeSet<String>) -> Result<Vec<Package>> {
    let nodes = &metadata.resolve.as_ref().context("cargo metadata holds no graph")?.nodes;
    let is_built =
        |id: &PackageId| built.contains(&format!("{} {}", metadata[id].name, metadata[id].version));
    let mut packages: BTreeMap<&PackageId, Package> = BTreeMap::new();
    for node in nodes.iter().filter(|node| is_built(&node.id)) {
        let package = &metadata[&node.id];
        packages.insert(
            &node.id,
            Package {
                name: package.name.to_string(),
                version: package.version.to_string(),
                licence: package.license.clone(),
                wanted_by: BTreeSet::new(),
            },
        );
    }
    for node in nodes.iter().filter(|node| is_built(&node.id)) {
        for dependency in &node.dependencies {
            if let Some(package) = packages.get_mut(dependency) {
                package.wanted_by.insert(metadata[&node.id].name.to_string());
            }
        }
    }
    Ok(packages.into_values().collect())
}
