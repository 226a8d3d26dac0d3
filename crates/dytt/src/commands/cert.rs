//! `dytt cert`: the certificates services know each other by. The work is done in `tls`; here are the words.

mod make;
mod words;

use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::Result;

pub(crate) use words::Command;

/// Runs a command; `dir` is the configured folder.
pub(crate) fn run(dir: &Path, command: Command) -> Result<ExitCode> {
    let now = SystemTime::now();
    match command {
        Command::Init(words) => make::init(dir, words, now)?,
        Command::Issue(words) => make::issue(dir, words, now)?,
        Command::Request(words) => make::request(words)?,
        Command::Sign(words) => make::sign(dir, words, now)?,
        Command::CrossSign(words) => make::cross_sign(dir, words, now)?,
        Command::Renew(words) => make::renew(dir, words, now)?,
        Command::Revoke(words) => make::revoke(dir, words, now)?,
        Command::RpcKey(words) => make::rpc_key(words)?,
        Command::Show { path } => print!("{}", tls::show(path.as_deref().unwrap_or(dir), now)?),
        Command::Verify(words) => {
            let service = words.service.as_deref();
            tls::verify(&words.file, &words.ca, words.crl.as_deref(), service, now)?;
            println!("{}: OK", words.file.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}
