//! Which part talks to which: the only place where services meet what they stand on, and where it is decided
//! whether a service is reached in this process or over the wire.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use blobs::Blobs;
use domain::Timestamp;
use gateway::{Fleet, Gateway, Instance, Services, Tokens};
use media::Media;
use proto::{
    CommentService, FeedService, FollowService, LikeService, MediaService, MessageService, Step, UserService,
    VideoService,
};
use rpc::Hosted;
use services::{
    Admins, Caller, Comments, Feed, Follows, Likes, MediaFiles, Messages, Provider, Settler, Sweep,
    Transcoder, UploadLimits, Users, Videos, Words,
};
use store::Store;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::mesh::Mesh;

/// The services that keep something in the database.
const ON_STORE: [&str; 8] = ["user", "feed", "video", "like", "comment", "follow", "message", "media"];
/// Those that move bytes.
const ON_BLOBS: [&str; 3] = ["gateway", "video", "media"];

/// What this process stands on; opening it finds out whether it can start at all.
pub(crate) struct Ground {
    pub store: Option<Store>,
    pub blobs: Option<Blobs>,
    pub media: Option<Media>,
    tokens: Option<Tokens>,
    /// Nothing when this process runs everything.
    pub mesh: Option<Mesh>,
}

impl Ground {
    pub(crate) async fn open(settings: &Settings, stop: &CancellationToken) -> Result<Self> {
        let roles = &settings.roles;
        // What costs nothing to check comes first: nothing is opened for a process that cannot be.
        let mesh = if roles.is_whole() { None } else { Some(Mesh::open(settings, stop)?) };
        let tokens = if roles.runs("gateway") { Some(Tokens::open(&settings.jwt_key_file)?) } else { None };
        let blobs = if roles.runs_any(&ON_BLOBS) { Some(open_blobs(settings).await?) } else { None };
        let store = if roles.runs_any(&ON_STORE) {
            Some(Store::open(&settings.store, &settings.data_dir).await.context("store.url")?)
        } else {
            None
        };
        let media = roles.runs("media").then(|| Media::new(&settings.media));
        Ok(Self { store, blobs, media, tokens, mesh })
    }
}

/// The parts of this process.
pub(crate) struct Parts {
    pub gateway: Option<Gateway>,
    /// What answers the calls of other processes; unused when this one runs everything.
    pub hosted: Vec<Hosted>,
    pub workers: Option<Workers>,
}

/// What works in the background, beside the media service.
pub(crate) struct Workers {
    pub transcoder: Transcoder,
    pub settler: Settler,
    pub caller: Caller,
    pub sweep: Sweep,
}

/// Puts the services on their ground, and the edge in front of them.
pub(crate) fn wire(
    settings: &Settings,
    ground: Ground,
    tmp: PathBuf,
    http: Option<SocketAddr>,
) -> Result<Parts> {
    let store = || ground.store.clone().context("the database was not opened");
    let blobs = || ground.blobs.clone().context("the objects were not opened");
    let files = match &ground.media {
        Some(media) => Some(MediaFiles { blobs: blobs()?, media: media.clone(), folder: tmp }),
        None => None,
    };
    let mut place = Placing { settings, mesh: ground.mesh.as_ref(), hosted: Vec::new() };
    let media = place.of::<dyn MediaService>(
        ("video", "media"),
        || Ok(Arc::new(files.clone().context("media was not set up")?)),
        |step| Arc::new(proto::RemoteMediaService(step)),
        proto::serve_media,
    )?;
    let admins =
        || -> Result<Admins> { Ok(Admins { store: store()?, two_factor: settings.users.admin_two_factor }) };
    let words = || -> Result<Words> { Ok(Words::new(store()?)) };
    let uploads = UploadLimits { max_bytes: settings.media.max_bytes, user_bytes: settings.user_bytes };
    let services = Services {
        user: place.of::<dyn UserService>(
            ("gateway", "user"),
            || Ok(Arc::new(Users::new(store()?, &settings.users, settings.webhooks, provider(settings)?)?)),
            |step| Arc::new(proto::RemoteUserService(step)),
            proto::serve_user,
        )?,
        feed: place.of::<dyn FeedService>(
            ("gateway", "feed"),
            || Ok(Arc::new(Feed { store: store()?, weights: settings.feed })),
            |step| Arc::new(proto::RemoteFeedService(step)),
            proto::serve_feed,
        )?,
        video: place.of::<dyn VideoService>(
            ("gateway", "video"),
            || {
                Ok(Arc::new(Videos {
                    store: store()?,
                    blobs: blobs()?,
                    media,
                    uploads,
                    admins: admins()?,
                    words: words()?,
                }))
            },
            |step| Arc::new(proto::RemoteVideoService(step)),
            proto::serve_video,
        )?,
        like: place.of::<dyn LikeService>(
            ("gateway", "like"),
            || Ok(Arc::new(Likes { store: store()? })),
            |step| Arc::new(proto::RemoteLikeService(step)),
            proto::serve_like,
        )?,
        comment: place.of::<dyn CommentService>(
            ("gateway", "comment"),
            || Ok(Arc::new(Comments { store: store()?, admins: admins()?, words: words()? })),
            |step| Arc::new(proto::RemoteCommentService(step)),
            proto::serve_comment,
        )?,
        follow: place.of::<dyn FollowService>(
            ("gateway", "follow"),
            || Ok(Arc::new(Follows { store: store()? })),
            |step| Arc::new(proto::RemoteFollowService(step)),
            proto::serve_follow,
        )?,
        message: place.of::<dyn MessageService>(
            ("gateway", "message"),
            || Ok(Arc::new(Messages { store: store()? })),
            |step| Arc::new(proto::RemoteMessageService(step)),
            proto::serve_message,
        )?,
    };
    let hosted = place.hosted;
    let workers = match files {
        Some(files) => {
            let keep_originals = settings.media.keep_originals;
            let orphan_ttl = Duration::from_secs(settings.blobs.orphan_ttl_seconds);
            Some(Workers {
                transcoder: Transcoder { store: store()?, files, keep_originals },
                caller: Caller::new(store()?, settings.webhooks)?,
                settler: Settler { store: store()?, blobs: blobs()? },
                sweep: Sweep { store: store()?, blobs: blobs()?, orphan_ttl },
            })
        }
        None => None,
    };
    let fleet = match &ground.mesh {
        Some(mesh) => mesh.fleet(),
        None => alone(hosted.iter().map(|hosted| hosted.service).collect()),
    };
    let gateway = match (ground.tokens, http, ground.blobs) {
        (Some(tokens), Some(http), Some(blobs)) => Some(edge(settings, services, blobs, tokens, http, fleet)),
        (_, _, _) => None,
    };
    Ok(Parts { gateway, hosted, workers })
}

/// The identity provider, with what proves to it that this is the site it knows.
fn provider(settings: &Settings) -> Result<Option<Provider>> {
    let file = &settings.oidc.client_secret_file;
    let secret = if file.is_empty() {
        None
    } else {
        let how = "oidc.client_secret_file names it: put into it what the provider has given you";
        let secret = tls::read_secret(&settings.data_dir.join(file), how)?;
        Some(String::from_utf8(secret).context("oidc.client_secret_file must hold text")?.trim().to_owned())
    };
    Ok(Provider::new(&settings.oidc, secret)?)
}

/// Finds each service its place.
struct Placing<'a> {
    settings: &'a Settings,
    mesh: Option<&'a Mesh>,
    hosted: Vec<Hosted>,
}

impl Placing<'_> {
    /// The service itself when it runs here, else the way to it from the one that calls it.
    fn of<S: ?Sized>(
        &mut self,
        (caller, noun): (&'static str, &'static str),
        local: impl FnOnce() -> Result<Arc<S>>,
        remote: impl FnOnce(Step) -> Arc<S>,
        serve: impl FnOnce(Arc<S>) -> Step,
    ) -> Result<Arc<S>> {
        if self.settings.roles.runs(noun) {
            let service = local()?;
            self.hosted.push(Hosted { service: noun, handler: serve(Arc::clone(&service)) });
            return Ok(service);
        }
        let mesh = self.mesh.context("a service runs neither here nor elsewhere")?;
        Ok(remote(mesh.clients.step(caller, noun)))
    }
}

fn edge(
    settings: &Settings,
    services: Services,
    blobs: Blobs,
    tokens: Tokens,
    http: SocketAddr,
    fleet: Fleet,
) -> Gateway {
    let config = gateway::Config {
        public_url: settings.public_url.clone(),
        trusted_proxies: settings.trusted_proxies.clone(),
        query_credentials: settings.query_credentials,
        max_upload_bytes: settings.media.max_bytes,
        limits_enabled: settings.limits_enabled,
        utc_offset_hours: settings.utc_offset_hours,
        lan_url: lan_url(http),
    };
    Gateway::new(config, services, blobs, tokens, fleet)
}

/// The only process there is.
fn alone(services: Vec<&'static str>) -> Fleet {
    let started_at = Timestamp::now().millis();
    let instance = move |service: &&str| Instance {
        service: (*service).to_owned(),
        address: None,
        version: proto::VERSION.into(),
        build: env!("CARGO_PKG_VERSION").into(),
        weight: 100,
        health: 1.0,
        started_at,
    };
    Arc::new(move || {
        let instances = services.iter().map(instance).collect();
        Box::pin(async move { Ok(instances) })
    })
}

/// The database of a platform that exists, running or not.
pub(crate) async fn attach_store(settings: &Settings) -> Result<Store> {
    Store::attach(&settings.store, &settings.data_dir).await.with_context(|| {
        if settings.store.url.starts_with("sqlite:") {
            format!("no usable platform in data_dir {}", settings.data_dir.display())
        } else {
            "store.url".to_owned()
        }
    })
}

/// The objects of these settings.
pub(crate) async fn open_blobs(settings: &Settings) -> Result<Blobs> {
    Ok(Blobs::open(&settings.blobs, &settings.data_dir).await?)
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
