//! The programs the platform and its tests need beside a Rust toolchain: which are missing, and how they
//! are had. The real servers of tests and clusters are in `tools/servers.rs`.

pub mod servers;

use std::path::Path;

use anyhow::{Result, bail};

use crate::shell;

/// The oldest ffmpeg whose options and decoders the platform relies on.
const FFMPEG_FLOOR: (u32, u32) = (5, 1);

/// A program that is not there, or too old.
struct Missing {
    package: &'static str,
    /// What to install, in words.
    wanted: String,
}

/// Makes sure the media programs are there, installing them where that needs no question.
pub fn media(root: &Path) -> Result<()> {
    ensure(root, missing_media)
}

/// The same for what only tests need: strace, which sees when the disk was waited for.
pub fn tracing(root: &Path) -> Result<()> {
    ensure(root, || {
        let found = shell::output("strace", &["-V"]);
        let missing = Missing { package: "strace", wanted: "strace".into() };
        if found.is_some() { Vec::new() } else { vec![missing] }
    })
}

fn ensure(root: &Path, missing: fn() -> Vec<Missing>) -> Result<()> {
    let lacking = missing();
    if lacking.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = lacking.iter().map(|missing| missing.package).collect();
    packages.dedup();
    if let Err(error) = install(root, &packages) {
        eprintln!("{error:#}");
    }
    let wanted: Vec<String> = missing().into_iter().map(|missing| missing.wanted).collect();
    if !wanted.is_empty() {
        bail!("please install {}", wanted.join(", "));
    }
    Ok(())
}

/// Makes sure rustfmt and clippy belong to the toolchain.
pub fn components(root: &Path) -> Result<()> {
    for (command, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if shell::output("cargo", &[command, "--version"]).is_none() {
            println!("adding the toolchain component {component}");
            shell::run(root, "rustup", &["component", "add", component])?;
        }
    }
    Ok(())
}

fn missing_media() -> Vec<Missing> {
    let mut missing = Vec::new();
    for program in ["ffmpeg", "ffprobe"] {
        let printed = shell::output(program, &["-version"]);
        missing
            .extend(too_old(program, printed.as_deref()).map(|wanted| Missing { package: "ffmpeg", wanted }));
    }
    if shell::output("prlimit", &["--version"]).is_none() {
        let wanted = "prlimit (package util-linux)".to_owned();
        missing.push(Missing { package: "util-linux", wanted });
    }
    missing
}

/// What is wanted instead of a program that printed this about itself, or is not there.
fn too_old(program: &str, printed: Option<&str>) -> Option<String> {
    let (major, minor) = FFMPEG_FLOOR;
    let wanted = format!("{program} {major}.{minor} or newer");
    match printed.map(version) {
        None => Some(wanted),
        Some(Some(found)) if found < FFMPEG_FLOOR => {
            Some(format!("{wanted} (found {}.{})", found.0, found.1))
        }
        // A build from a repository snapshot states no version; it is newer than any release we refuse.
        Some(_) => None,
    }
}

/// Major and minor of `ffmpeg version 5.1.9-0+deb12u1 …` or `ffmpeg version n7.1 …`.
fn version(text: &str) -> Option<(u32, u32)> {
    let word = text.split_whitespace().nth(2)?;
    let mut numbers = word.trim_start_matches('n').split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// What to put before `apt-get`, or nothing when packages cannot be installed without a question.
fn may_install() -> Option<&'static [&'static str]> {
    if !Path::new("/etc/debian_version").exists() {
        return None;
    }
    if rustix::process::geteuid().is_root() {
        return Some(&[]);
    }
    shell::output("sudo", &["-n", "true"]).map(|_| ["sudo", "-n"].as_slice())
}

/// Installs packages of the system where that needs no question; elsewhere it does nothing.
pub fn install(root: &Path, packages: &[&str]) -> Result<()> {
    let Some(sudo) = may_install() else {
        return Ok(());
    };
    println!("installing {} with apt-get", packages.join(" and "));
    let apt = |arguments: &[&str]| {
        let words = [sudo, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], arguments].concat();
        shell::run(root, words[0], &words[1..])
    };
    apt(&["update", "-q"])?;
    apt(&[&["install", "-q", "-y", "--no-install-recommends"], packages].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_releases_and_distributions() {
        assert_eq!(version("ffmpeg version 5.1.9-0+deb12u1 Copyright"), Some((5, 1)));
        assert_eq!(version("ffprobe version n7.1 Copyright"), Some((7, 1)));
        assert_eq!(version("ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright"), Some((4, 4)));
    }

    #[test]
    fn a_snapshot_has_no_version() {
        assert_eq!(version("ffmpeg version N-118000-g1234567 Copyright"), None);
        assert_eq!(version(""), None);
    }

    #[test]
    fn what_is_missing_is_said_with_the_version_it_needs() {
        assert_eq!(too_old("ffmpeg", None).as_deref(), Some("ffmpeg 5.1 or newer"));
        let old = too_old("ffmpeg", Some("ffmpeg version 4.3.1 Copyright"));
        assert_eq!(old.as_deref(), Some("ffmpeg 5.1 or newer (found 4.3)"));
    }

    #[test]
    fn the_floor_and_snapshots_are_new_enough() {
        assert_eq!(too_old("ffmpeg", Some("ffmpeg version 5.1 Copyright")), None);
        assert_eq!(too_old("ffmpeg", Some("ffmpeg version N-118000-g1234567 Copyright")), None);
    }
}
