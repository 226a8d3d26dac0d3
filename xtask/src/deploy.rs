//! Proves the files in `deploy/` and what `docs/runbook.md` names, each with the tool its own world has for
//! that. Starting any of it is the reader's.

mod compose;
mod image;
mod kubernetes;
mod names;
mod proxy;
mod tools;
mod units;

use std::path::Path;

use anyhow::{Result, bail};

use tools::{Lacking, Tools};

/// The services, each of which every way to deploy must run.
const SERVICES: [&str; 9] =
    ["gateway", "user", "feed", "video", "like", "comment", "follow", "message", "media"];

type Check = fn(&Tools) -> Result<Vec<String>>;

const CHECKS: [(&str, Check); 6] = [
    ("names in deploy/ and the runbook", names::check),
    ("deploy/Dockerfile and scripts", image::check),
    ("deploy/compose.yaml", compose::check),
    ("deploy/kubernetes", kubernetes::check),
    ("deploy/systemd", units::check),
    ("deploy/nginx.conf", proxy::check),
];

/// Prints everything wrong and fails if there is something. A check whose tool cannot be had is skipped with a
/// line that says so; with `CI=true` that is a failure.
pub fn prove(root: &Path) -> Result<()> {
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    let tools = Tools::new(root)?;
    let (mut wrong, mut skipped) = (0, 0);
    for (name, check) in CHECKS {
        match check(&tools) {
            Ok(found) => {
                wrong += found.len();
                for one in found {
                    println!("{name}: {one}");
                }
            }
            Err(error) if error.is::<Lacking>() && !in_ci => {
                skipped += 1;
                println!("{name}: not checked, {error:#}");
            }
            Err(error) => return Err(error.context(name)),
        }
    }
    match wrong {
        0 if skipped > 0 => println!("what could be checked of the deployment files is as it should be"),
        0 => println!("the deployment files are as they should be"),
        1 => bail!("one thing in the deployment files is wrong"),
        count => bail!("{count} things in the deployment files are wrong"),
    }
    Ok(())
}
