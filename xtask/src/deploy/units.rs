//! The systemd units: `systemd-analyze` reads them and rates how much they could do.

use std::process::Command;

use anyhow::{Context, Result};

use super::tools::{Tools, ask};

/// Each unit as it would be loaded; a template needs an instance.
const UNITS: [(&str, &str); 2] = [("dytt.service", "dytt.service"), ("dytt@.service", "dytt@user.service")];
/// Tenths of systemd's exposure level, 0 to 100; up to here it calls a unit OK.
const MAX_EXPOSURE: &str = "--threshold=20";

pub fn check(tools: &Tools) -> Result<Vec<String>> {
    let analyze = tools.of_system("systemd-analyze", "systemd")?;
    let folder = tempfile::tempdir()?;
    let mut found = Vec::new();
    for (file, instance) in UNITS {
        let path = tools.root.join("deploy/systemd").join(file);
        let unit = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        // The program must be there to be verified; here it need not be ours.
        let loaded = folder.path().join(instance);
        std::fs::write(&loaded, unit.replace("/usr/local/bin/dytt", "/bin/true"))?;
        let said = ask(Command::new(analyze).arg("verify").arg(&loaded))?;
        // It warns of an unknown key and is content.
        let lines = said.text.lines().filter(|line| line.contains(instance));
        found.extend(lines.map(|line| line.replace(&*folder.path().to_string_lossy(), "deploy/systemd")));
        if !said.content && found.is_empty() {
            found.extend(said.faults());
        }
        let rated =
            ask(Command::new(analyze).args(["security", "--offline=true", MAX_EXPOSURE]).arg(&loaded))?;
        if !rated.content {
            found.push(format!("{file}: {}", rated.text.lines().last().unwrap_or("refused without a word")));
        }
    }
    let users = tools.root.join("deploy/systemd/sysusers.conf");
    found.extend(ask(Command::new("systemd-sysusers").arg("--dry-run").arg(users))?.faults());
    Ok(found)
}
