//! One short scenario from the dataset to the page of results, on the debug build: that all of it works
//! together. How fast anything is, it does not look at.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[test]
fn a_scenario_is_measured_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let (work, out) = (folder.path().join("work"), folder.path().join("out"));
    let mut bench = Command::new(env!("CARGO_BIN_EXE_bench"));
    bench.args(["feed-viewer", "--seconds", "1", "--rounds", "1", "--load-before", "0"]);
    bench.arg("--work").arg(&work).arg("--out").arg(&out).arg("--dytt").arg(dytt());
    let output = bench.output().expect("the benchmark starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let kept = out.join("one-sqlite-1k");
    let lines = std::fs::read_to_string(kept.join("feed-viewer.jsonl")).expect("lines");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let figures = |variant: &str| {
        let mut found = lines.iter().filter(|line| line["kind"] == "figures" && line["variant"] == variant);
        found.next().unwrap_or_else(|| panic!("{variant} was measured"))
    };
    for variant in ["serialise (L1)", "121 statements", "platform"] {
        assert!(figures(variant)["accepted"].as_u64() > Some(0), "{variant}: {}", figures(variant));
        assert_eq!(figures(variant)["failed"], 0, "{variant}");
    }
    assert!(figures("platform")["statements"].as_f64() > Some(0.5), "the platform's own counts are read");
    assert!(lines.iter().any(|line| line["kind"] == "goal" && line["id"] == "G2"));
    let page = std::fs::read_to_string(kept.join("README.md")).expect("a page");
    assert!(page.contains("## feed-viewer") && kept.join("feed-viewer.svg").exists());
    let left = std::fs::read_dir(&work).expect("a folder").flatten().map(|entry| entry.file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["sqlite-1k"], "platforms leave nothing behind");
}

#[test]
fn an_unknown_scenario_is_answered_with_the_known() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench")).arg("feeds").output().expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("feeds") && said.contains("feed-viewer") && said.contains("range-read"), "{said}");
}

/// The program of this tree, built by cargo, which knows whether there is anything to do.
fn dytt() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut cargo = Command::new(env!("CARGO"));
    let built = cargo.args(["build", "--quiet", "--workspace", "--bin", "dytt"]).current_dir(root).status();
    assert!(built.expect("cargo starts").success());
    // Beside the benchmark itself, wherever cargo builds.
    Path::new(env!("CARGO_BIN_EXE_bench")).with_file_name("dytt")
}
