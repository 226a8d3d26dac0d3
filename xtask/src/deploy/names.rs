//! What `deploy/` and the runbook name exists: configuration keys, metrics, commands' files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::tools::Tools;

const RUNBOOK: &str = "docs/runbook.md";

pub fn check(tools: &Tools) -> Result<Vec<String>> {
    let root = &tools.root;
    let defaults =
        std::fs::read_to_string(root.join("config/default.toml")).context("config/default.toml")?;
    let keys = keys(&defaults);
    let sources = sources(&root.join("crates"))?;
    let mut found = Vec::new();
    let mut files = files(&root.join("deploy"))?;
    files.push(root.join(RUNBOOK));
    for path in files {
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        for name in words(&text, "DYTT_") {
            if !keys.contains(&name) {
                found.push(format!("{shown}: {name} is no configuration key"));
            }
        }
        for name in words(&text, "dytt_").into_iter().filter(|name| is_metric(name)) {
            if !sources.contains(&format!("\"{}\"", whole(&name))) {
                found.push(format!("{shown}: {name} is no metric of ours"));
            }
        }
    }
    let runbook = std::fs::read_to_string(root.join(RUNBOOK)).context(RUNBOOK)?;
    // `…/mine` is the reader's copy.
    for name in words(&runbook, "deploy/").into_iter().filter(|name| !name.ends_with("/mine")) {
        if !root.join(name.trim_end_matches(['.', '/'])).exists() {
            found.push(format!("{RUNBOOK}: {name} does not exist"));
        }
    }
    Ok(found)
}

/// Every key as the environment spells it.
fn keys(defaults: &str) -> BTreeSet<String> {
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in defaults.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{}__", name.to_uppercase());
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            keys.insert(format!("DYTT_{section}{}", name.to_uppercase()));
        }
    }
    keys
}

/// The words of a text that begin like this; what stands between them and the next blank or sign is theirs.
fn words(text: &str, start: &str) -> BTreeSet<String> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | '@');
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let belongs = |c: char| if start.ends_with('/') { part(c) } else { letters(c) };
    text.match_indices(start)
        .filter(|(at, _)| !text[..*at].ends_with(belongs))
        .map(|(at, _)| text[at..].split(|c| !belongs(c)).next().unwrap_or_default().to_owned())
        .collect()
}

/// Metrics end in what they count; a label of ours or a database's name does not.
fn is_metric(name: &str) -> bool {
    name.matches('_').count() >= 2 || name == "dytt_degraded"
}

/// A histogram's name without what Prometheus hangs on to it.
fn whole(metric: &str) -> &str {
    let ends = ["_bucket", "_count", "_sum"];
    ends.into_iter().find_map(|end| metric.strip_suffix(end)).unwrap_or(metric)
}

/// The text of every source file below a folder.
fn sources(folder: &Path) -> Result<String> {
    let paths = files(folder)?;
    let rust = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.map(|path| std::fs::read_to_string(path).with_context(|| path.display().to_string())).collect()
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_spelt_as_in_the_environment() {
        let keys = keys("# a = 1\ndata_dir = \"x\"\n[store]\n# The url.\nurl = \"y\"\n");
        assert_eq!(keys.into_iter().collect::<Vec<_>>(), ["DYTT_DATA_DIR", "DYTT_STORE__URL"]);
    }

    #[test]
    fn words_end_where_their_letters_do() {
        let text = "`DYTT_A__B=1`, xDYTT_C DYTT_D: deploy/a.b-c@.service, deploy/x)";
        assert_eq!(words(text, "DYTT_").into_iter().collect::<Vec<_>>(), ["DYTT_A__B", "DYTT_D"]);
        let paths: Vec<_> = words(text, "deploy/").into_iter().collect();
        assert_eq!(paths, ["deploy/a.b-c@.service", "deploy/x"]);
    }

    #[test]
    fn a_metric_is_told_from_a_word_of_ours() {
        assert!(is_metric("dytt_http_requests_total") && !is_metric("dytt_objects"));
        assert_eq!(whole("dytt_x_seconds_bucket"), "dytt_x_seconds");
    }
}
