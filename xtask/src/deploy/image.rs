//! The image and the scripts it and the compose project run: hadolint, shellcheck, and what those cannot know.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::tools::{Tools, ask};

const DOCKERFILE: &str = "deploy/Dockerfile";
const SCRIPTS: [&str; 2] = ["deploy/healthy", "deploy/keys.sh"];

pub fn check(tools: &Tools) -> Result<Vec<String>> {
    let root = &tools.root;
    let mut hadolint = Command::new(tools.python_program("hadolint")?);
    let mut found =
        ask(hadolint.args(["--no-color", "-c", "deploy/hadolint.yaml", DOCKERFILE]).current_dir(root))?
            .faults();
    let mut shellcheck = Command::new(tools.python_program("shellcheck")?);
    found.extend(ask(shellcheck.args(["--format=gcc"]).args(SCRIPTS).current_dir(root))?.faults());
    let dockerfile = std::fs::read_to_string(root.join(DOCKERFILE)).context(DOCKERFILE)?;
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).context("Cargo.toml")?;
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap_or_default();
    found.extend(wrong(&dockerfile, version.trim_matches('"')));
    let ignored = std::fs::read_to_string(root.join(".dockerignore")).context(".dockerignore")?;
    found.extend(missing_from_context(root, &ignored)?);
    Ok(found)
}

fn wrong(dockerfile: &str, rust: &str) -> Vec<String> {
    let mut found = Vec::new();
    let words = |start: &'static str| dockerfile.lines().filter_map(move |line| line.strip_prefix(start));
    if !words("FROM ").any(|image| image.starts_with(&format!("rust:{rust}-"))) {
        found.push(format!("builds with another Rust than the workspace's {rust}"));
    }
    match words("USER ").next_back() {
        Some(user) if !user.starts_with("root") && !user.starts_with('0') => {}
        _ => found.push("runs as root, end with USER".into()),
    }
    if words("HEALTHCHECK ").next().is_none() {
        found.push("says nothing of health, add HEALTHCHECK".into());
    }
    found
}

/// Crates' files the builder would not see: what is not let through by name is ignored.
fn missing_from_context(root: &Path, ignored: &str) -> Result<Vec<String>> {
    let let_through: Vec<&str> = ignored.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let graph = cargo_metadata::MetadataCommand::new().current_dir(root).no_deps().exec()?;
    let folders = graph.packages.iter().filter_map(|package| {
        let folder = package.manifest_path.strip_prefix(root.to_str()?).ok()?;
        folder.components().next().map(|first| first.as_str().to_owned())
    });
    let mut wanted: Vec<String> = folders.collect();
    wanted.extend(
        ["Cargo.toml", "Cargo.lock", ".cargo", "config", "proto", "deploy/healthy"].map(String::from),
    );
    wanted.sort();
    wanted.dedup();
    wanted.retain(|name| !let_through.contains(&name.as_str()));
    Ok(wanted.into_iter().map(|name| format!(".dockerignore keeps {name} from the builder")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_the_right_rust_a_user_and_a_health_check() {
        let good = "FROM rust:1.95-slim AS build\nFROM debian\nUSER 10001\nHEALTHCHECK CMD x\n";
        assert_eq!(wrong(good, "1.95"), [""; 0]);
        assert_eq!(wrong(good, "1.96").len(), 1);
        assert_eq!(wrong(&good.replace("USER 10001", "USER 0"), "1.95").len(), 1);
        assert_eq!(wrong("FROM debian\n", "1.95").len(), 3);
    }
}
