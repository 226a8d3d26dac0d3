//! Our Rust files, as the rules read them. What is code in them and what is text, the lexer says.

use std::path::Path;

use anyhow::{Context, Result};

use super::lexer::{self, Literal};
use crate::codegen;

/// Folders that hold no source of ours.
const SKIPPED: &[&str] = &["target", "node_modules", "dytt-data"];

/// A Rust file.
pub struct Source {
    /// Its path from the root.
    pub path: String,
    /// All of it.
    pub text: String,
    /// All of it, with comments and literals turned to spaces; the same length as `text`.
    pub code: String,
    /// Its string literals, in order.
    pub literals: Vec<Literal>,
}

impl Source {
    /// Splits a file.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let (code, literals) = lexer::split(&text);
        Self { path: path.into(), text, code, literals }
    }

    /// The line of a position, counted from 1.
    pub fn line(&self, at: usize) -> usize {
        self.text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1
    }

    /// Whether the file holds tests alone.
    pub fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

/// Every Rust file of the tree but generated ones, by path.
pub fn all(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() {
                if !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                    folders.push(entry.path());
                }
                continue;
            }
            let path = entry.path().strip_prefix(root)?.display().to_string();
            if path.ends_with(".rs") && path != codegen::OUTPUT {
                let text = std::fs::read_to_string(entry.path()).with_context(|| format!("read {path}"))?;
                sources.push(Source::new(path, text));
            }
        }
    }
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}
