//! Proves the architecture's rules, a file a family. Formatting and lints are rustfmt's and clippy's.

mod duplicates;
mod edges;
mod files;
mod generated;
mod graph;
mod lexer;
mod licences;
mod manifests;
mod outside;
mod phrases;
mod source;
mod sql;

use std::fmt;
use std::path::Path;

use anyhow::{Result, bail};

use graph::Graph;

/// A broken rule: where, what is wrong and what would be right.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    path: String,
    line: usize,
    text: String,
}

impl Violation {
    fn new(path: impl Into<String>, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.into(), line, text: text.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.text)
    }
}

/// Prints every violation and fails if there is one.
pub fn prove(root: &Path) -> Result<()> {
    let violations = violations(root)?;
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => println!("every rule holds"),
        1 => bail!("one rule is broken"),
        count => bail!("{count} rules are broken"),
    }
    Ok(())
}

fn violations(root: &Path) -> Result<Vec<Violation>> {
    let graph = Graph::load(root)?;
    let sources = source::all(root)?;
    let mut found = Vec::new();
    found.extend(edges::check(&graph));
    found.extend(outside::check(&graph));
    found.extend(manifests::check(root, &graph)?);
    found.extend(licences::check(&graph));
    found.extend(duplicates::check(root, &graph)?);
    for source in &sources {
        found.extend(files::check(source));
        found.extend(phrases::check(source));
        found.extend(sql::check(source));
    }
    found.extend(generated::check(root)?);
    found.sort();
    Ok(found)
}
