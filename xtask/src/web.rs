//! The web client, `web/`: built where npm is, proved where a browser is too. Nobody needs either for the rest.

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::shell;

/// The oldest Node that its build tool runs on.
const NODE_FLOOR: (u32, u32) = (20, 19);

/// What npm brings where the system's own Node is older.
const NODE_OF_NPM: &str = "--package=node@22";

/// Builds the client into `web/dist`, from where the gateway takes it.
pub fn build(root: &Path) -> Result<()> {
    npm(root, "run build")
}

/// Types, lints, tests, and walks through the real server in a real browser.
pub fn prove(root: &Path) -> Result<()> {
    for script in ["run check", "run lint", "run test"] {
        npm(root, script)?;
    }
    build(root)?;
    shell::run(root, "cargo", &["build", "-p", "dytt"])?;
    npm(root, "run e2e")
}

/// What tests of the client lack here.
pub fn lacking() -> Option<&'static str> {
    let has = |program| shell::output(program, &["--version"]).is_some();
    ["npm", "chromium"].into_iter().find(|program| !has(program))
}

fn npm(root: &Path, words: &str) -> Result<()> {
    let folder = root.join("web");
    if shell::output("npm", &["--version"]).is_none() {
        bail!("npm is missing; install Node {}.{} or newer", NODE_FLOOR.0, NODE_FLOOR.1);
    }
    if !is_installed(&folder) {
        run(&folder, "ci --no-audit --no-fund")?;
    }
    run(&folder, words)
}

fn run(folder: &Path, words: &str) -> Result<()> {
    let version = shell::output("node", &["--version"]);
    if version.as_deref().and_then(number).is_some_and(|number| number >= NODE_FLOOR) {
        let words: Vec<&str> = words.split(' ').collect();
        return shell::run(folder, "npm", &words);
    }
    let call = format!("npm {words}");
    shell::run(folder, "npm", &["exec", "--yes", NODE_OF_NPM, "--call", &call]).context("get Node from npm")
}

/// Major and minor of `v20.19.2`.
fn number(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim().strip_prefix('v')?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Whether the packages are those that the lock file names now.
fn is_installed(folder: &Path) -> bool {
    let changed = |name: &str| -> Option<SystemTime> { folder.join(name).metadata().ok()?.modified().ok() };
    changed("node_modules/.package-lock.json") >= changed("package-lock.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_version_is_read() {
        assert_eq!(number("v20.19.2\n"), Some((20, 19)));
        assert_eq!(number("20.19.2"), None);
        assert_eq!(number("v20"), None);
    }
}
