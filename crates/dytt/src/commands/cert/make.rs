//! What `dytt cert` makes, and what it says of it.

use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use tls::authority::{self, Authority, Profile};
use tls::keys::RpcKeys;
use tls::{Identity, write_file};

use super::words::{CrossSign, Init, Issue, Renew, Request, Revoke, RpcKey, Sign};

const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn init(dir: &Path, words: Init, now: SystemTime) -> Result<()> {
    let dir = words.dir.as_deref().unwrap_or(dir);
    let request = words.csr.as_deref().map(authority::Request::open).transpose()?;
    let mut warnings = Vec::new();
    let made = Authority::create(dir, &words.domain, request.as_ref(), now, &mut warnings);
    tell(&warnings);
    println!("made {} and ca.key for the domain `{}`", dir.join("ca.pem").display(), made?.domain());
    Ok(())
}

pub(super) fn issue(dir: &Path, words: Issue, now: SystemTime) -> Result<()> {
    let root = open(words.dir.as_deref().unwrap_or(dir), words.domain.as_deref())?;
    let out = words.out.as_deref().unwrap_or(root.dir());
    for service in &words.services {
        let mut warnings = Vec::new();
        let issued = root.issue(service, &words.hosts, DAY * words.days, out, now, &mut warnings);
        tell(&warnings);
        issued?;
        println!("made {} and {service}.key", out.join(format!("{service}.pem")).display());
    }
    Ok(())
}

pub(super) fn request(words: Request) -> Result<()> {
    let identity =
        words.service.as_deref().map(|service| Identity::new(&words.domain, service)).transpose()?;
    let (key, csr) = authority::Request::open(&words.csr)?.make(identity.as_ref())?;
    let path = |end: &str| {
        let mut name = words.out.clone().into_os_string();
        name.push(end);
        std::path::PathBuf::from(name)
    };
    ensure!(!path(".key").exists(), "{} is there already and is not overwritten", path(".key").display());
    write_file(&path(".key"), key.as_bytes(), true)?;
    write_file(&path(".csr"), csr.as_bytes(), false)?;
    println!("made {} and {}", path(".csr").display(), path(".key").display());
    Ok(())
}

pub(super) fn sign(dir: &Path, words: Sign, now: SystemTime) -> Result<()> {
    let profile = Profile::open(&words.config, &words.profile)?;
    let root = open(words.dir.as_deref().unwrap_or(dir), words.domain.as_deref())?;
    let mut warnings = Vec::new();
    let signed = root.sign(&words.request, &profile, words.service.as_deref(), now, &mut warnings)?;
    tell(&warnings);
    write_file(&words.out, signed.as_bytes(), false)?;
    println!("made {}", words.out.display());
    Ok(())
}

pub(super) fn cross_sign(dir: &Path, words: CrossSign, now: SystemTime) -> Result<()> {
    let (domain, dir) = (words.domain.as_deref(), words.dir.as_deref().unwrap_or(dir));
    let same = dir.canonicalize().is_ok_and(|dir| words.by.canonicalize().is_ok_and(|by| dir == by));
    ensure!(!same, "--dir and --by are the same folder; they must be the new root's and the old one's");
    let new = open(dir, domain)?;
    let old = open(&words.by, domain).context("the old root")?;
    write_file(&words.out, old.cross_sign(&new, now)?.as_bytes(), false)?;
    println!("made {}; put it below the leaf in each certificate file of the new root", words.out.display());
    Ok(())
}

pub(super) fn renew(dir: &Path, words: Renew, now: SystemTime) -> Result<()> {
    let root = open(words.dir.as_deref().unwrap_or(dir), words.domain.as_deref())?;
    let out = words.out.as_deref().unwrap_or(root.dir());
    for one in root.renew(&words.services, words.force, out, now)? {
        println!("{}: {}", one.service, if one.renewed { "renewed" } else { "lives long enough" });
    }
    Ok(())
}

pub(super) fn revoke(dir: &Path, words: Revoke, now: SystemTime) -> Result<()> {
    let root = open(words.dir.as_deref().unwrap_or(dir), None)?;
    let out = words.out.as_deref().unwrap_or(root.dir());
    let serial = match (&words.file, &words.serial) {
        (_, Some(serial)) => root.revoke_serial(serial, out, now)?,
        (Some(file), None) => root.revoke_file(file, out, now)?,
        (None, None) => anyhow::bail!("name the certificate or its number"),
    };
    println!("revoked {serial}; the list is {}", out.join("crl.pem").display());
    Ok(())
}

pub(super) fn rpc_key(words: RpcKey) -> Result<()> {
    let keys = match &words.from {
        None => RpcKeys::make()?,
        Some(master) => RpcKeys::open(master)?.only(&words.services)?,
    };
    keys.save(&words.out)?;
    println!("made {}", words.out.display());
    Ok(())
}

fn open(dir: &Path, domain: Option<&str>) -> Result<Authority> {
    Ok(Authority::open(dir, domain)?)
}

fn tell(warnings: &[String]) {
    for warning in warnings {
        eprintln!("dytt: warning: {warning}");
    }
}
