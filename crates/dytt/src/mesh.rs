//! This process among others: who it is, where the others are, and the ways to them.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use discovery::{Discovery, Instance, TlsFiles};
use domain::Timestamp;
use rpc::{Clients, Hosted, Server, Serving};
use tls::Identities;
use tls::keys::RpcKeys;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;

/// The process's place in a cluster; clones share it.
#[derive(Clone)]
pub(crate) struct Mesh {
    pub identities: Identities,
    pub clients: Clients,
    keys: Arc<RpcKeys>,
    discovery: Discovery,
}

impl Mesh {
    /// Reads certificates and keys; connects to nobody yet.
    pub(crate) fn open(settings: &Settings, stop: &CancellationToken) -> Result<Self> {
        let nouns = settings.roles.nouns();
        let identities = Identities::load(&settings.tls_dir, &nouns).context("tls.dir")?;
        let keys = RpcKeys::open(&settings.rpc_key_file).context("auth.rpc_key_file")?;
        let file = settings.rpc_key_file.display();
        let gateway = settings.roles.runs("gateway");
        // The gateway vouches to every service, so it needs the key all of them come from, which alone gives one
        // for itself too.
        for noun in &nouns {
            let missing = if *noun == "gateway" { "master" } else { noun };
            let why = "`dytt cert rpc-key` makes it";
            ensure!(
                keys.for_service(noun).is_some(),
                "auth.rpc_key_file {file} has no key `{missing}`: {why}"
            );
        }
        if !gateway && keys.for_service("gateway").is_some() {
            tracing::warn!(%file, "this process needs its services' own keys, not the master: `dytt cert rpc-key --from`");
        }
        let keys = Arc::new(keys);
        let discovery = discovery(settings, stop)?;
        let clients = Clients::new(identities.clone(), Arc::clone(&keys), discovery.clone(), stop.clone());
        Ok(Self { identities, keys, discovery, clients })
    }

    /// Who is registered, as etcd says.
    pub(crate) fn fleet(&self) -> gateway::Fleet {
        let discovery = self.discovery.clone();
        let instance = |one: Instance| gateway::Instance {
            service: one.name,
            address: Some(one.addr),
            version: one.version,
            build: one.build,
            weight: one.weight,
            health: one.share,
            started_at: one.started_at,
        };
        Arc::new(move || {
            let discovery = discovery.clone();
            Box::pin(async move {
                let mut found = discovery.list().await.map_err(domain::Error::unavailable)?;
                found.sort_by(|one, other| (&one.name, &one.addr).cmp(&(&other.name, &other.addr)));
                Ok(found.into_iter().map(instance).collect())
            })
        })
    }

    /// Takes calls for these services, and says so where callers look.
    pub(crate) async fn serve(
        &self,
        settings: &Settings,
        server: Server,
        hosted: Vec<Hosted>,
    ) -> Result<Serving> {
        let described = Instance {
            name: String::new(),
            addr: String::new(),
            version: proto::VERSION.into(),
            weight: settings.discovery.weight,
            share: 1.0,
            build: env!("CARGO_PKG_VERSION").into(),
            started_at: Timestamp::now().millis(),
        };
        let (identities, keys) = (self.identities.clone(), Arc::clone(&self.keys));
        Ok(server.serve(hosted, identities, keys, &self.discovery, &described).await?)
    }
}

/// Who serves what, by the configuration.
pub(crate) fn discovery(settings: &Settings, stop: &CancellationToken) -> Result<Discovery> {
    let memory = settings.data_dir.join("instances.json");
    let opened = match files(settings) {
        Some(files) => Discovery::open_with_tls(&settings.discovery, files, memory, stop.clone()),
        None => Discovery::open(&settings.discovery, memory, stop.clone()),
    };
    opened.context("discovery")
}

/// What an etcd behind TLS is shown: the certificate of the first service here.
fn files(settings: &Settings) -> Option<TlsFiles> {
    let of = |name: String| -> PathBuf { settings.tls_dir.join(name) };
    let noun = settings.roles.nouns().into_iter().find(|noun| of(format!("{noun}.pem")).exists())?;
    Some(TlsFiles {
        roots: of("ca.pem".into()),
        certificate: of(format!("{noun}.pem")),
        key: of(format!("{noun}.key")),
    })
}
