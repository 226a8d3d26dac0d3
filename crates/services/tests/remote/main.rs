//! The conformance suite once more, with every service behind its port: mutual TLS, all layers, real sockets.

#[path = "../conformance/comment.rs"]
mod comment;
#[path = "../conformance/feed.rs"]
mod feed;
#[path = "../conformance/follow.rs"]
mod follow;
#[path = "../conformance/like.rs"]
mod like;
#[path = "../conformance/message.rs"]
mod message;
#[path = "../conformance/user.rs"]
mod user;
#[path = "../conformance/video.rs"]
mod video;
#[path = "../conformance/world.rs"]
mod world;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use discovery::{Discovery, Instance, Kind};
use proto::*;
use rpc::{Clients, Config, Hosted, Server};
use tls::Identities;
use tls::authority::Authority;
use tls::keys::RpcKeys;
use tokio_util::sync::CancellationToken;

const NOUNS: [&str; 7] = ["user", "feed", "video", "like", "comment", "follow", "message"];

/// The same services, called by the gateway over the wire.
async fn reach(own: world::Services) -> (world::Services, Option<world::Wire>) {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let (now, mut warnings) = (SystemTime::now(), Vec::new());
    let authority = Authority::create(dir, "dytt", None, now, &mut warnings).expect("a root");
    for service in NOUNS.iter().chain(&["gateway"]) {
        let day = Duration::from_secs(86_400);
        authority.issue(service, &[], day, dir, now, &mut warnings).expect("a certificate");
    }
    RpcKeys::make().expect("a key").save(&dir.join("rpc.key")).expect("saves");
    let keys = Arc::new(RpcKeys::open(&dir.join("rpc.key")).expect("a key"));
    let hosted = vec![
        Hosted { service: "user", handler: serve_user(own.user) },
        Hosted { service: "feed", handler: serve_feed(own.feed) },
        Hosted { service: "video", handler: serve_video(own.video) },
        Hosted { service: "like", handler: serve_like(own.like) },
        Hosted { service: "comment", handler: serve_comment(own.comment) },
        Hosted { service: "follow", handler: serve_follow(own.follow) },
        Hosted { service: "message", handler: serve_message(own.message) },
    ];
    let config = Config { listen: "127.0.0.1:0".into(), advertise: String::new(), reflection: false };
    let server = Server::bind(&config).await.expect("listens");
    let endpoints = NOUNS.map(|noun| format!("{noun}={}", server.address())).to_vec();
    let stop = CancellationToken::new();
    let listed = discovery::Config { kind: Kind::Static, endpoints, weight: 100 };
    let discovery = Discovery::open(&listed, dir.join("instances.json"), stop.clone()).expect("a list");
    let described = Instance {
        name: String::new(),
        addr: String::new(),
        version: VERSION.into(),
        weight: 100,
        share: 1.0,
        build: "test".into(),
        started_at: 0,
    };
    let hosting = Identities::load(dir, &NOUNS).expect("identities");
    let serving = server.serve(hosted, hosting, Arc::clone(&keys), &discovery, &described).await;
    let calling = Identities::load(dir, &["gateway"]).expect("identities");
    let clients = Clients::new(calling, keys, discovery, stop.clone());
    let to = |noun| clients.step("gateway", noun);
    let services = world::Services {
        user: Arc::new(RemoteUserService(to("user"))),
        feed: Arc::new(RemoteFeedService(to("feed"))),
        video: Arc::new(RemoteVideoService(to("video"))),
        like: Arc::new(RemoteLikeService(to("like"))),
        comment: Arc::new(RemoteCommentService(to("comment"))),
        follow: Arc::new(RemoteFollowService(to("follow"))),
        message: Arc::new(RemoteMessageService(to("message"))),
    };
    (services, Some(Box::new((serving.expect("serves"), folder, stop.drop_guard()))))
}
