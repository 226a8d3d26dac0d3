//! Certificates, keys and passwords, made where they are missing.

use std::fmt::Write;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::config::{SERVICES, rpc_key};
use super::state::{create_private, write_private};

const KEY_BYTES: usize = 32;

/// Makes what is missing. What is there stays, so that logins outlive a restart of everything; certificates
/// near their end are renewed.
pub fn make(dir: &Path, dytt: &Path) -> Result<()> {
    let tls = dir.join("tls");
    let cert = |words: &[&str]| run(dytt, &[&["cert"], words].concat());
    let folder = ["--dir", path(&tls)?];
    create_private(&tls)?;
    create_private(&dir.join("keys/rpc"))?;
    if !tls.join("ca.pem").exists() {
        cert(&[&["init"], folder.as_slice()].concat())?;
    }
    let is_missing = |service: &&str| !tls.join(format!("{service}.pem")).exists();
    let missing: Vec<&str> = SERVICES.into_iter().filter(is_missing).collect();
    if missing.len() < SERVICES.len() {
        cert(&[&["renew"], folder.as_slice()].concat())?;
    }
    if !missing.is_empty() {
        cert(&[&["issue"], missing.as_slice(), &folder].concat())?;
    }
    let master = dir.join(rpc_key("gateway"));
    if !master.exists() {
        cert(&["rpc-key", "--out", path(&master)?])?;
    }
    for service in SERVICES {
        let file = dir.join(rpc_key(service));
        if !file.exists() {
            cert(&["rpc-key", "--from", path(&master)?, "--service", service, "--out", path(&file)?])?;
        }
    }
    // Gateways that start at once must not each make one.
    let jwt = dir.join("keys/jwt.key");
    if !jwt.exists() {
        write_private(&jwt, random_hex()?.as_bytes())?;
    }
    write_private(&dir.join("keys/mariadb.password"), servers::MARIADB_PASSWORD.as_bytes())?;
    write_private(&dir.join("keys/s3.access"), servers::S3_ACCESS_KEY.as_bytes())?;
    write_private(&dir.join("keys/s3.secret"), servers::S3_SECRET_KEY.as_bytes())
}

fn run(dytt: &Path, words: &[&str]) -> Result<()> {
    let mut command = Command::new(dytt);
    let output = command.args(words).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("start {}", dytt.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`dytt {}` failed with {}: {}", words.join(" "), output.status, said.trim());
    }
    Ok(())
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not a path of plain text", path.display()))
}

fn random_hex() -> Result<String> {
    let mut bytes = [0; KEY_BYTES];
    let mut source = std::fs::File::open("/dev/urandom").context("open the source of randomness")?;
    source.read_exact(&mut bytes).context("read randomness")?;
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_long_and_never_the_same() {
        let (one, other) = (random_hex().expect("a key"), random_hex().expect("a key"));
        assert_eq!(one.len(), 2 * KEY_BYTES);
        assert_ne!(one, other);
    }

    #[test]
    fn a_command_that_fails_says_why() {
        let error =
            run(Path::new("/bin/sh"), &["-c", "echo no such thing >&2; exit 3"]).expect_err("it fails");
        let text = error.to_string();
        assert!(text.contains("exit status: 3") && text.ends_with("no such thing"), "{text}");
    }
}
