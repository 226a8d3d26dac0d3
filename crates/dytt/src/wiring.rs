//! Which part talks to which: the only place where services meet what they stand on.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use blobs::Blobs;
use gateway::{Gateway, Services, Tokens};
use media::Media;
use services::{Comments, Feed, Follows, Likes, MediaFiles, Messages, Sweep, Transcoder, Users, Videos};
use store::Store;

use crate::config::Settings;

/// What a platform stands on; opening it finds out whether it can start at all.
pub(crate) struct Ground {
    pub store: Store,
    pub blobs: Blobs,
    pub media: Media,
    tokens: Tokens,
}

impl Ground {
    pub(crate) async fn open(settings: &Settings) -> Result<Self> {
        Ok(Self {
            store: Store::open(&settings.store, &settings.data_dir).await.context("store.url")?,
            blobs: open_blobs(settings)?,
            media: Media::new(&settings.media),
            tokens: Tokens::open(&settings.jwt_key_file)?,
        })
    }
}

/// The parts of a platform in one process.
pub(crate) struct Parts {
    pub gateway: Gateway,
    pub transcoder: Transcoder,
    pub sweep: Sweep,
}

/// Puts the services on their ground, and the edge in front of them.
pub(crate) fn wire(settings: &Settings, ground: Ground, tmp: PathBuf, http: SocketAddr) -> Result<Parts> {
    let Ground { store, blobs, media, tokens } = ground;
    let files = MediaFiles { blobs: blobs.clone(), media, folder: tmp };
    let services = Services {
        user: Arc::new(Users::new(store.clone(), &settings.users)?),
        feed: Arc::new(Feed { store: store.clone() }),
        video: Arc::new(Videos {
            store: store.clone(),
            blobs: blobs.clone(),
            media: Arc::new(files.clone()),
        }),
        like: Arc::new(Likes { store: store.clone() }),
        comment: Arc::new(Comments { store: store.clone() }),
        follow: Arc::new(Follows { store: store.clone() }),
        message: Arc::new(Messages { store: store.clone() }),
    };
    let config = gateway::Config {
        public_url: settings.public_url.clone(),
        trusted_proxies: settings.trusted_proxies.clone(),
        query_credentials: settings.query_credentials,
        max_upload_bytes: settings.media.max_bytes,
        limits_enabled: settings.limits_enabled,
        utc_offset_hours: settings.utc_offset_hours,
        lan_url: lan_url(http),
    };
    let gateway = Gateway::new(config, services, blobs.clone(), tokens);
    let transcoder =
        Transcoder { store: store.clone(), files, keep_originals: settings.media.keep_originals };
    let orphan_ttl = Duration::from_secs(settings.blobs.orphan_ttl_seconds);
    let sweep = Sweep { store, blobs, orphan_ttl };
    Ok(Parts { gateway, transcoder, sweep })
}

/// The database of a platform that exists, running or not.
pub(crate) async fn attach_store(settings: &Settings) -> Result<Store> {
    let data_dir = &settings.data_dir;
    let store = Store::attach(&settings.store, data_dir).await;
    store.with_context(|| format!("no usable platform in data_dir {}", data_dir.display()))
}

/// The objects of these settings.
pub(crate) fn open_blobs(settings: &Settings) -> Result<Blobs> {
    Blobs::open(&settings.blobs, &settings.data_dir).context("blobs.url")
}

/// The address under which this machine reaches a port of ours, also one that listens everywhere.
pub(crate) fn local_url(mut http: SocketAddr) -> String {
    if http.ip().is_unspecified() {
        http.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    format!("http://{http}")
}

/// The address under which other devices on this network reach a port of ours, if they can.
pub(crate) fn lan_url(http: SocketAddr) -> Option<String> {
    let address = if http.ip().is_unspecified() { lan_address()? } else { http.ip() };
    (!address.is_loopback()).then(|| format!("http://{}", SocketAddr::new(address, http.port())))
}

/// The address this machine would send from. Connecting a datagram socket sends nothing.
fn lan_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}
