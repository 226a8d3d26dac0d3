//! `dytt user`: accounts, from the operator's side.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;
use domain::{Timestamp, UserId, UserName, limits};

use crate::config::Settings;
use crate::wiring::attach_store;

/// What to do with an account.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// End every login of an account; the platform may be running and obeys within a second.
    Revoke {
        /// The user name.
        name: String,
    },
    /// Make an account an administrator; who has none yet registers first.
    Admin {
        /// The user name.
        name: String,
    },
}

pub(crate) async fn run(settings: &Settings, command: Command) -> Result<ExitCode> {
    match command {
        Command::Revoke { name } => revoke(settings, &name).await,
        Command::Admin { name } => make_admin(settings, &name).await,
    }
}

async fn make_admin(settings: &Settings, name: &str) -> Result<ExitCode> {
    let parsed = UserName::parse(name, limits::MAX_NAME_CHARS)?;
    let store = attach_store(settings).await?;
    let made = store.make_admin(parsed).await?;
    store.close().await;
    if !made {
        bail!("there is no user `{name}`: register that name first, then give it this role");
    }
    println!("`{name}` is an administrator");
    Ok(ExitCode::SUCCESS)
}

async fn revoke(settings: &Settings, name: &str) -> Result<ExitCode> {
    let parsed = UserName::parse(name, limits::MAX_NAME_CHARS)?;
    let store = attach_store(settings).await?;
    let Some(found) = store.login_row(&parsed).await? else { bail!("there is no user `{name}`") };
    store.revoke_tokens(UserId::parse(found.id)?, Timestamp::now()).await?;
    store.close().await;
    println!("every login of `{name}` has ended");
    Ok(ExitCode::SUCCESS)
}
