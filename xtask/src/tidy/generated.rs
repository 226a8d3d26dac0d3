//! The committed generated code equals a fresh run.

use std::path::Path;

use anyhow::Result;

use super::Violation;
use crate::codegen;

/// The first line that differs, if any.
pub fn check(root: &Path) -> Result<Option<Violation>> {
    let wrong = "differs from a fresh run, change the .proto files and run `cargo xtask codegen`";
    Ok(codegen::stale(root)?.map(|line| Violation::new(codegen::OUTPUT, line, wrong)))
}
