//! The configuration twice: as it is written, and as it is used once every value has been checked.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use domain::limits;
use serde::Deserialize;

use crate::roles::Roles;

/// As written: each crate's own part below its section.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tree {
    data_dir: String,
    services: Vec<String>,
    server: Server,
    rpc: rpc::Config,
    discovery: discovery::Config,
    tls: tls::Config,
    store: store::Config,
    blobs: blobs::Config,
    auth: Auth,
    users: services::UserConfig,
    oidc: services::ProviderConfig,
    feed: services::Weights,
    webhooks: services::WebhookConfig,
    media: media::Config,
    limits: Limits,
    compat: Compat,
    telemetry: telemetry::Config,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    listen: String,
    admin_listen: String,
    public_url: String,
    trusted_proxies: Vec<String>,
    grace_seconds: u64,
    utc_offset_hours: i8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Auth {
    jwt_key_file: String,
    rpc_key_file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    enabled: bool,
    user_bytes: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compat {
    query_credentials: bool,
}

/// As used.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub data_dir: PathBuf,
    pub roles: Roles,
    pub rpc: rpc::Config,
    pub discovery: discovery::Config,
    pub tls_dir: PathBuf,
    pub listen: SocketAddr,
    pub admin_listen: SocketAddr,
    pub public_url: String,
    pub trusted_proxies: Vec<IpAddr>,
    pub grace: Duration,
    pub utc_offset_hours: i8,
    pub store: store::Config,
    pub blobs: blobs::Config,
    pub jwt_key_file: PathBuf,
    pub rpc_key_file: PathBuf,
    pub users: services::UserConfig,
    pub oidc: services::ProviderConfig,
    pub feed: services::Weights,
    pub webhooks: services::WebhookConfig,
    pub media: media::Config,
    pub limits_enabled: bool,
    pub user_bytes: u64,
    pub query_credentials: bool,
    pub telemetry: telemetry::Config,
}

const PRESETS: [&str; 9] =
    ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];

impl Tree {
    pub(super) fn check(self) -> Result<Settings> {
        ensure!(!self.data_dir.is_empty(), "data_dir must name a folder");
        let listen = address("server.listen", &self.server.listen)?;
        let admin_listen = address("server.admin_listen", &self.server.admin_listen)?;
        ensure!(
            listen.port() == 0 || listen.port() != admin_listen.port(),
            "server.admin_listen must not use the port of server.listen"
        );
        within("server.utc_offset_hours", i64::from(self.server.utc_offset_hours), -12, 14)?;
        within("server.grace_seconds", number(self.server.grace_seconds), 0, 3600)?;
        let roles = Roles::parse(&self.services)?;
        self.store.check()?;
        self.blobs.check()?;
        self.telemetry.check()?;
        if !roles.is_whole() {
            self.rpc.check().map_err(anyhow::Error::msg)?;
            ensure!(
                !self.store.url.starts_with("sqlite:"),
                "store.url must be `mysql://…` when services run in several processes: SQLite belongs to one"
            );
            let own_folder = |url: &str| url.strip_prefix("file:").is_some_and(|dir| !dir.starts_with('/'));
            ensure!(
                !own_folder(&self.blobs.url),
                "blobs.url must be `s3://…`, or `file:/…` on a disk that all processes share, when services run \
                 in several"
            );
        }
        within("store.write_wait_ms", number(self.store.write_wait_ms), 1, 60_000)?;
        within("store.read_wait_ms", number(self.store.read_wait_ms), 1, 60_000)?;
        // An upload's object waits for its row at most as long as publishing takes.
        let slowest = limits::PUBLISH_TIME.as_secs() + 30;
        within("blobs.orphan_ttl_seconds", number(self.blobs.orphan_ttl_seconds), number(slowest), 1 << 30)?;
        let users = &self.users;
        within("users.name_max_chars", users.name_max_chars as i64, 1, 64)?;
        within("users.password_memory_kib", i64::from(users.password_memory_kib), 64, 65_536)?;
        within("users.password_passes", i64::from(users.password_passes), 1, 10)?;
        within("users.password_lanes", i64::from(users.password_lanes), 1, 4)?;
        self.oidc.check().map_err(anyhow::Error::msg)?;
        self.feed.check().map_err(anyhow::Error::msg)?;
        within("media.max_bytes", number(self.media.max_bytes), 1, 1 << 40)?;
        ensure!(
            PRESETS.contains(&self.media.preset.as_str()),
            "media.preset must be one of {}, not `{}`",
            PRESETS.join(", "),
            self.media.preset
        );
        let data_dir = std::path::absolute(&self.data_dir)?;
        Ok(Settings {
            jwt_key_file: data_dir.join(self.auth.jwt_key_file),
            rpc_key_file: data_dir.join(self.auth.rpc_key_file),
            tls_dir: data_dir.join(self.tls.dir),
            roles,
            rpc: self.rpc,
            discovery: self.discovery,
            data_dir,
            listen,
            admin_listen,
            public_url: public_url(&self.server.public_url)?,
            trusted_proxies: self
                .server
                .trusted_proxies
                .iter()
                .map(|text| proxy(text))
                .collect::<Result<_>>()?,
            grace: Duration::from_secs(self.server.grace_seconds),
            utc_offset_hours: self.server.utc_offset_hours,
            store: self.store,
            blobs: self.blobs,
            users: self.users,
            oidc: self.oidc,
            feed: self.feed,
            webhooks: self.webhooks,
            media: self.media,
            limits_enabled: self.limits.enabled,
            user_bytes: self.limits.user_bytes,
            query_credentials: self.compat.query_credentials,
            telemetry: self.telemetry,
        })
    }
}

fn address(key: &str, text: &str) -> Result<SocketAddr> {
    text.parse().map_err(|_| anyhow::anyhow!("{key} must be an address such as `0.0.0.0:8080`, not `{text}`"))
}

fn proxy(text: &str) -> Result<IpAddr> {
    let wrong = || anyhow::anyhow!("server.trusted_proxies must hold IP addresses, not `{text}`");
    text.parse().map_err(|_| wrong())
}

fn public_url(text: &str) -> Result<String> {
    let text = text.trim_end_matches('/');
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let plain = |rest: &str| !rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ', '"', '<', '\'']);
    ensure!(
        text.is_empty() || rest.is_some_and(plain),
        "server.public_url must be empty or like `https://video.example.org`, not `{text}`"
    );
    Ok(text.to_owned())
}

fn within(key: &str, value: i64, least: i64, most: i64) -> Result<()> {
    ensure!((least..=most).contains(&value), "{key} must be between {least} and {most}, not {value}");
    Ok(())
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
