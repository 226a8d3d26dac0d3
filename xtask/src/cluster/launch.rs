//! Starts members, each in a session of its own, and waits until they are ready.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::config;
use super::member::{Member, Role};
use super::process::born;

const READY_WITHIN: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(50);
const TAIL_LINES: usize = 15;

/// Starts a member on its ports; the member with its new process. It need not be ready yet.
pub fn start(
    dir: &Path,
    dytt: &Path,
    environment: &BTreeMap<String, String>,
    member: &Member,
) -> Result<Member> {
    let pid = match &member.role {
        Role::Server(kind) => {
            let port = member.ports.own.with_context(|| format!("{} has no port", member.name))?;
            kind.spawn_detached(&member.folder(dir), port, &member.log(dir))?
        }
        Role::Service(service) => serve(dir, dytt, environment, member, service)
            .with_context(|| format!("start {} ({})", member.name, dytt.display()))?,
    };
    // One that has ended already has no birth; the wait for it to be ready says so.
    Ok(Member { pid, born: born(pid).unwrap_or_default(), ..member.clone() })
}

fn serve(
    dir: &Path,
    dytt: &Path,
    environment: &BTreeMap<String, String>,
    member: &Member,
    service: &str,
) -> Result<u32> {
    let log = File::options().create(true).append(true).open(member.log(dir))?;
    // `setsid` becomes the program, so the number stays.
    let mut command = Command::new("setsid");
    command.arg(dytt).args(config::words(dir, member, service));
    command.current_dir(dir).env_clear().env("HOME", dir);
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs(environment).envs(config::own_settings(dir, member));
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command.spawn()?.id())
}

/// Waits until all are ready. When one ends first, or not all are ready in time, the error names them, with why
/// and the end of their logs.
pub fn wait_until_ready(dir: &Path, members: &[Member]) -> Result<()> {
    let began = Instant::now();
    let mut waiting: Vec<&Member> = members.iter().collect();
    loop {
        waiting.retain(|member| !member.is_ready(dir));
        if waiting.is_empty() {
            return Ok(());
        }
        let ended: Vec<String> = waiting
            .iter()
            .filter(|member| !member.is_alive())
            .map(|m| report(dir, m, "it has ended"))
            .collect();
        if !ended.is_empty() {
            bail!("{}", ended.join("\n"));
        }
        if began.elapsed() > READY_WITHIN {
            let late: Vec<String> = waiting
                .iter()
                .map(|member| report(dir, member, &member.says(dir).unwrap_or_default()))
                .collect();
            bail!("not ready within {} s:\n{}", READY_WITHIN.as_secs(), late.join("\n"));
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn report(dir: &Path, member: &Member, why: &str) -> String {
    let log = member.log(dir);
    let bytes = std::fs::read(&log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n  ");
    format!("{} is not ready: {why}; the end of {}:\n  {tail}", member.name, log.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_ends_at_once_is_told_with_its_log() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(dir.path().join("logs")).expect("a folder");
        let role = Role::Service("user".into());
        let member = Member::new("user-1".into(), role);
        // It stands for the platform's program and knows none of its words.
        let program = Path::new("/bin/sh");
        let started = start(dir.path(), program, &BTreeMap::new(), &member).expect("it starts");
        assert_ne!(started.pid, 0);
        let error = wait_until_ready(dir.path(), &[started]).expect_err("it ends").to_string();
        assert!(error.starts_with("user-1 is not ready: it has ended"), "{error}");
        assert!(error.contains("serve"), "the end of its log: {error}");
    }
}
