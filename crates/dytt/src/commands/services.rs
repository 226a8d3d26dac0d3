//! `dytt services`: who is registered, how they are, and how many calls each gets.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Subcommand;
use discovery::{Discovery, Instance};
use domain::Timestamp;
use futures_util::future::join_all;
use rpc::Clients;
use tls::Identities;
use tls::keys::RpcKeys;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::mesh;
use crate::roles::SERVICES;

/// What to do with the services.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show every registered instance.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Change an instance's share of the calls.
    Weight {
        /// The service, such as `user`.
        service: String,
        /// The instance's address, as `list` shows it.
        address: String,
        /// Its weight against the others' (100 unless configured); 0 drains it.
        weight: u32,
    },
}

pub(crate) async fn run(settings: &Settings, command: Command) -> Result<ExitCode> {
    let stop = CancellationToken::new();
    let _stops = stop.clone().drop_guard();
    let discovery = mesh::discovery(settings, &stop)?;
    match command {
        Command::List { json } => list(settings, discovery, json, stop.clone()).await?,
        Command::Weight { service, address, weight } => {
            let now = discovery.set_weight(&service, &address, weight).await?;
            println!("{service} {address} now has weight {}", now.weight);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(settings: &Settings, discovery: Discovery, json: bool, stop: CancellationToken) -> Result<()> {
    let instances = discovery.list().await?;
    let clients = clients(settings, discovery, stop);
    let asked = instances.iter().map(|instance| health(clients.as_ref(), instance));
    let rows: Vec<(Instance, String)> = instances.iter().cloned().zip(join_all(asked).await).collect();
    if json {
        let rows: Vec<_> = rows.iter().map(described).collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    println!(
        "{:<9}{:<24}{:<5}{:<9}{:>7}{:>11}  {:<13}AGE",
        "SERVICE", "ADDRESS", "API", "BUILD", "WEIGHT", "EFFECTIVE", "HEALTH"
    );
    for (one, health) in &rows {
        let Instance { name, addr, version, build, weight, .. } = one;
        let effective = format!("{:.1}", one.effective());
        let age = age(Timestamp::now().millis() - one.started_at);
        println!("{name:<9}{addr:<24}{version:<5}{build:<9}{weight:>7}{effective:>11}  {health:<13}{age}");
    }
    if clients.is_none() {
        eprintln!("health is not shown: tls.dir {} holds no certificate of ours", settings.tls_dir.display());
    }
    Ok(())
}

/// The ways to instances, as whichever of our services has a certificate here.
fn clients(
    settings: &Settings,
    discovery: Discovery,
    stop: CancellationToken,
) -> Option<(Clients, &'static str)> {
    let held = SERVICES.into_iter().find(|noun| settings.tls_dir.join(format!("{noun}.pem")).exists())?;
    let identities = Identities::load(&settings.tls_dir, &[held]).context("tls.dir");
    match identities {
        // Asking for health acts for nobody: any key will do.
        Ok(identities) => {
            let keys = Arc::new(RpcKeys::make().ok()?);
            Some((Clients::new(identities, keys, discovery, stop), held))
        }
        Err(error) => {
            eprintln!("{error:#}");
            None
        }
    }
}

async fn health(clients: Option<&(Clients, &'static str)>, instance: &Instance) -> String {
    let Some((clients, from)) = clients else { return "?".to_owned() };
    match clients.health(from, &instance.name, &instance.addr).await {
        Ok(status) => status.to_lowercase().replace('_', " "),
        Err(_silent) => "unreachable".to_owned(),
    }
}

fn described((instance, health): &(Instance, String)) -> serde_json::Value {
    serde_json::json!({
        "service": instance.name,
        "address": instance.addr,
        "version": instance.version,
        "build": instance.build,
        "weight": instance.weight,
        "effective": instance.effective(),
        "health": health,
        "started_at": instance.started_at,
    })
}

/// A duration in its largest whole unit.
fn age(millis: i64) -> String {
    match millis / 1000 {
        seconds if seconds < 60 => format!("{}s", seconds.max(0)),
        seconds if seconds < 3600 => format!("{}m", seconds / 60),
        seconds if seconds < 86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_its_largest_whole_unit() {
        let told: Vec<String> = [-5, 59_999, 60_000, 7_200_000, 200_000_000].map(age).into();
        assert_eq!(told, ["0s", "59s", "1m", "2h", "2d"]);
    }
}
