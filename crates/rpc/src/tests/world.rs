//! A few instances of one service on loopback, with certificates of their own.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use discovery::{Discovery, Instance, Kind};
use domain::{Call, Error, IdempotencyKey, Result, TraceId, UserId};
use futures_util::StreamExt;
use proto::{
    ConversationList, CountNotificationsRequest, Done, Event, LikeService, LikeVideoRequest,
    ListBookmarksRequest, ListConversationsRequest, ListLikedVideosRequest, ListMessagesRequest,
    ListNotificationsRequest, Listening, Message, MessageList, MessageService, NotificationCount,
    NotificationList, ReadMessagesRequest, RemoteLikeService, RemoteMessageService, SeeNotificationsRequest,
    SendMessageRequest, VideoList, WatchRequest,
};
use tls::Identities;
use tls::authority::Authority;
use tls::keys::RpcKeys;
use tokio_util::sync::CancellationToken;

use crate::{Clients, Config, Hosted, Server, Serving};

/// How an instance answers, by the video it is asked about.
pub(crate) const GOOD: i64 = 1;
pub(crate) const PANICS: i64 = 2;
pub(crate) const FAILS: i64 = 3;
pub(crate) const HANGS: i64 = 4;
pub(crate) const MISSING: i64 = 5;
/// Refuses for want of room.
pub(crate) const BUSY: i64 = 7;
/// Answers after a tenth of a second.
pub(crate) const SLOW: i64 = 6;

/// A service that remembers who called it.
#[derive(Default)]
pub(crate) struct Probe {
    pub calls: AtomicU32,
    pub seen: Mutex<Vec<Call>>,
}

impl Probe {
    pub(crate) fn count(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    async fn act(&self, call: &Call, what: i64) -> Result<()> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.seen.lock().expect("no panic").push(*call);
        match what {
            PANICS => panic!("a handler's bug"),
            FAILS => Err(Error::unavailable("the disk is gone")),
            HANGS => std::future::pending().await,
            BUSY => Err(Error::Overloaded),
            SLOW => {
                tokio::time::sleep(Duration::from_millis(100)).await;
                Ok(())
            }
            MISSING => Err(Error::VideoNotFound(domain::VideoId::parse(MISSING)?)),
            _ => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl LikeService for Probe {
    async fn like_video(&self, call: &Call, request: LikeVideoRequest) -> Result<Done> {
        self.act(call, request.video_id).await.map(|()| Done {})
    }

    async fn unlike_video(&self, call: &Call, request: LikeVideoRequest) -> Result<Done> {
        self.act(call, request.video_id).await.map(|()| Done {})
    }

    async fn bookmark_video(&self, call: &Call, request: LikeVideoRequest) -> Result<Done> {
        self.act(call, request.video_id).await.map(|()| Done {})
    }

    async fn unbookmark_video(&self, call: &Call, request: LikeVideoRequest) -> Result<Done> {
        self.act(call, request.video_id).await.map(|()| Done {})
    }

    async fn list_bookmarks(&self, call: &Call, _request: ListBookmarksRequest) -> Result<VideoList> {
        self.act(call, GOOD).await.map(|()| VideoList::default())
    }

    async fn list_liked_videos(&self, call: &Call, request: ListLikedVideosRequest) -> Result<VideoList> {
        self.act(call, request.user_id).await.map(|()| VideoList::default())
    }
}

#[async_trait::async_trait]
impl MessageService for Probe {
    async fn send_message(&self, call: &Call, request: SendMessageRequest) -> Result<Message> {
        self.act(call, request.receiver_id).await.map(|()| Message::default())
    }

    async fn list_messages(&self, call: &Call, request: ListMessagesRequest) -> Result<MessageList> {
        self.act(call, request.peer_id).await.map(|()| MessageList::default())
    }

    async fn list_conversations(
        &self,
        call: &Call,
        _request: ListConversationsRequest,
    ) -> Result<ConversationList> {
        self.act(call, GOOD).await.map(|()| ConversationList::default())
    }

    async fn read_messages(&self, call: &Call, request: ReadMessagesRequest) -> Result<Done> {
        self.act(call, request.peer_id).await.map(|()| Done {})
    }

    async fn list_notifications(
        &self,
        call: &Call,
        _request: ListNotificationsRequest,
    ) -> Result<NotificationList> {
        self.act(call, GOOD).await.map(|()| NotificationList::default())
    }

    async fn count_notifications(
        &self,
        call: &Call,
        _request: CountNotificationsRequest,
    ) -> Result<NotificationCount> {
        self.act(call, GOOD).await.map(|()| NotificationCount::default())
    }

    async fn see_notifications(&self, call: &Call, request: SeeNotificationsRequest) -> Result<Done> {
        self.act(call, request.until).await.map(|()| Done {})
    }

    /// Three messages, then whatever is asked for.
    async fn watch(&self, call: &Call, request: WatchRequest) -> Result<Listening<Event>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.seen.lock().expect("no panic").push(*call);
        if request.after == PANICS {
            panic!("before the first message");
        }
        let what = request.after;
        let messages = futures_util::stream::iter(1..=4).then(move |id| async move {
            match (id, what) {
                (4, FAILS) => Err(Error::unavailable("the disk is gone")),
                (4, SLOW) => {
                    // The first three are on their way by then.
                    tokio::task::yield_now().await;
                    panic!("in mid-stream")
                }
                (4, HANGS) => std::future::pending().await,
                _ => Ok(Event {
                    kind: Some(proto::event::Kind::Message(Message { id, ..Message::default() })),
                }),
            }
        });
        Ok(messages.take(if what == GOOD { 3 } else { 4 }).boxed())
    }
}

/// The number of the message that an event tells.
pub(crate) fn number(event: &Event) -> i64 {
    match &event.kind {
        Some(proto::event::Kind::Message(message)) => message.id,
        other => panic!("{other:?} is no message"),
    }
}

pub(crate) struct Instanced {
    pub probe: Arc<Probe>,
    pub addr: String,
    pub identities: Identities,
    pub serving: Serving,
}

/// Certificates, keys, and the instances that were started.
pub(crate) struct World {
    pub folder: tempfile::TempDir,
    pub instances: Vec<Instanced>,
    pub stop: CancellationToken,
}

const SERVICES: [&str; 5] = ["gateway", "video", "like", "message", "comment"];

impl World {
    /// `count` instances that serve `like` and `message`.
    pub(crate) async fn start(count: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (dir, mut warnings) = (folder.path(), Vec::new());
        let now = SystemTime::now();
        let authority = Authority::create(dir, "dytt", None, now, &mut warnings).expect("a root");
        for service in SERVICES {
            let day = Duration::from_secs(86_400);
            authority.issue(service, &[], day, dir, now, &mut warnings).expect("a certificate");
        }
        RpcKeys::make().expect("a key").save(&dir.join("rpc.key")).expect("saves");
        let mut world = Self { folder, instances: Vec::new(), stop: CancellationToken::new() };
        for _ in 0..count {
            let instance = world.instance("127.0.0.1:0", &["like", "message"]).await;
            world.instances.push(instance);
        }
        world
    }

    pub(crate) fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// One more instance, with the certificates of these services.
    pub(crate) async fn instance(&self, listen: &str, certificates: &[&str]) -> Instanced {
        let config = Config { listen: listen.into(), advertise: String::new(), reflection: true };
        let server = Server::bind(&config).await.expect("listens");
        let addr = server.address().to_string();
        let probe = Arc::new(Probe::default());
        let hosted = vec![
            Hosted { service: "like", handler: proto::serve_like(probe.clone()) },
            Hosted { service: "message", handler: proto::serve_message(probe.clone()) },
        ];
        let identities = Identities::load(self.dir(), certificates).expect("identities");
        let none = self.discovery(&[]);
        let serving = server.serve(hosted, identities.clone(), self.keys(), &none, &described()).await;
        Instanced { probe, addr, identities, serving: serving.expect("serves") }
    }

    /// New certificates for some services, and perhaps one revoked.
    pub(crate) fn renew(&self, services: &[&str], revoked: Option<&str>) {
        let (dir, now) = (self.dir(), SystemTime::now());
        let authority = Authority::open(dir, None).expect("a root");
        if let Some(service) = revoked {
            authority.revoke_file(&dir.join(format!("{service}.pem")), dir, now).expect("revokes");
        }
        let services: Vec<String> = services.iter().map(|service| (*service).to_owned()).collect();
        authority.renew(&services, true, dir, now).expect("renews");
    }

    pub(crate) fn keys(&self) -> Arc<RpcKeys> {
        Arc::new(RpcKeys::open(&self.dir().join("rpc.key")).expect("a key"))
    }

    fn discovery(&self, endpoints: &[String]) -> Discovery {
        let config = discovery::Config { kind: Kind::Static, endpoints: endpoints.to_vec(), weight: 100 };
        Discovery::open(&config, self.dir().join("instances.json"), self.stop.clone()).expect("a list")
    }

    /// The ways to all instances, taken as one of our services.
    pub(crate) fn clients(&self) -> Clients {
        self.clients_of(self.instances.iter().map(|instance| instance.addr.as_str()))
    }

    pub(crate) fn clients_of<'a>(&self, addrs: impl Iterator<Item = &'a str>) -> Clients {
        let of = |addr: &str| ["like", "message"].map(|service| format!("{service}={addr}"));
        let endpoints: Vec<String> = addrs.flat_map(of).collect();
        let identities = Identities::load(self.dir(), &["gateway", "comment"]).expect("identities");
        Clients::new(identities, self.keys(), self.discovery(&endpoints), self.stop.clone())
    }

    pub(crate) fn likes(&self) -> RemoteLikeService {
        RemoteLikeService(self.clients().step("gateway", "like"))
    }

    pub(crate) fn messages(&self) -> RemoteMessageService {
        RemoteMessageService(self.clients().step("gateway", "message"))
    }

    pub(crate) fn calls(&self) -> u32 {
        self.instances.iter().map(|instance| instance.probe.count()).sum()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn described() -> Instance {
    Instance {
        name: String::new(),
        addr: String::new(),
        version: proto::VERSION.into(),
        weight: 100,
        share: 1.0,
        build: "test".into(),
        started_at: 0,
    }
}

pub(crate) fn ann() -> Call {
    let viewer = UserId::parse(41).expect("an id");
    let mut call = Call::within(Duration::from_secs(4), Some(viewer), TraceId(0xabc));
    call.key = Some(IdempotencyKey(0x77));
    call
}

pub(crate) fn nobody() -> Call {
    Call::within(Duration::from_secs(4), None, TraceId(1))
}

pub(crate) fn about(video_id: i64) -> LikeVideoRequest {
    LikeVideoRequest { video_id }
}
