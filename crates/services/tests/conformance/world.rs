//! A platform without its edge, on a folder of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use blobs::{Blobs, Key};
use domain::{Call, TraceId, UserId};
use media::{Clip, Media};
use proto::{
    CommentService, Credentials, FeedService, FollowService, LikeService, MessageService, PublishRequest,
    PublishResponse, StoredObject, UserService, VideoService,
};
use services::{
    Admins, Comments, Feed, Follows, Fsck, Likes, MediaFiles, Messages, Registration, Settler, Transcoder,
    UploadLimits, UserConfig, Users, Videos, WebhookConfig, Weights, Words,
};
use store::Store;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// What counts when videos are chosen, without chance.
const WEIGHTS: Weights = Weights {
    fresh: 1.0,
    half_life_hours: 48.0,
    popular: 1.0,
    followed: 1.0,
    network: 1.0,
    tag: 1.0,
    author: 1.0,
    similar: 1.0,
    explore: 0.0,
    same_author: 0.5,
};

/// Every service by its noun.
pub struct Services {
    pub user: Arc<dyn UserService>,
    pub feed: Arc<dyn FeedService>,
    pub video: Arc<dyn VideoService>,
    pub like: Arc<dyn LikeService>,
    pub comment: Arc<dyn CommentService>,
    pub follow: Arc<dyn FollowService>,
    pub message: Arc<dyn MessageService>,
}

/// What keeps the way to services elsewhere open.
pub type Wire = Box<dyn std::any::Any + Send + Sync>;

pub struct World {
    services: Services,
    _wire: Option<Wire>,
    pub blobs: Blobs,
    store: Store,
    files: MediaFiles,
    folder: tempfile::TempDir,
}

impl World {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = store::Config {
            url: "sqlite:dytt.sqlite".into(),
            password_file: String::new(),
            write_wait_ms: 60_000,
            read_wait_ms: 60_000,
        };
        let store = Store::open(&config, folder.path()).await.expect("opens the database");
        let config = blobs::Config {
            url: "file:objects".into(),
            access_key_file: String::new(),
            secret_key_file: String::new(),
            redirect: blobs::Redirect::Off,
            public_endpoint: String::new(),
            min_free_bytes: 0,
            orphan_ttl_seconds: 0,
        };
        let blobs = Blobs::open(&config, folder.path()).await.expect("opens the objects");
        let tmp = folder.path().join("tmp");
        std::fs::create_dir(&tmp).expect("a folder");
        let files = MediaFiles { blobs: blobs.clone(), media: tools(), folder: tmp };
        let users = UserConfig {
            registration: Registration::Open,
            admin_two_factor: false,
            name_max_chars: 64,
            password_memory_kib: 64,
            password_passes: 1,
            password_lanes: 1,
        };
        let words = Words::new(store.clone());
        let admins = Admins { store: store.clone(), two_factor: false };
        let own = Services {
            user: Arc::new(
                Users::new(store.clone(), &users, WebhookConfig { allow_private: true }, None)
                    .expect("hashes"),
            ),
            feed: Arc::new(Feed { store: store.clone(), weights: WEIGHTS }),
            video: Arc::new(Videos {
                store: store.clone(),
                blobs: blobs.clone(),
                media: Arc::new(files.clone()),
                uploads: UploadLimits { max_bytes: 64 << 20, user_bytes: 0 },
                admins: admins.clone(),
                words: words.clone(),
            }),
            like: Arc::new(Likes { store: store.clone() }),
            comment: Arc::new(Comments { store: store.clone(), admins, words }),
            follow: Arc::new(Follows { store: store.clone() }),
            message: Arc::new(Messages { store: store.clone() }),
        };
        let (services, wire) = crate::reach(own).await;
        Self { services, _wire: wire, blobs, store, files, folder }
    }

    /// Somebody's call.
    pub async fn somebody(&self, name: &str) -> Call {
        let request =
            Credentials { name: name.into(), password: "secret-1".into(), ..Credentials::default() };
        let account = self.user.register(&nobody(), request).await.expect("registers");
        let viewer = UserId::parse(account.user_id).expect("is an id");
        Call::within(Duration::from_secs(60), Some(viewer), TraceId(1))
    }

    /// Publishes a clip that can be played as it is; gives its number.
    pub async fn clip(&self, author: &Call, title: &str) -> i64 {
        let bytes = clip().await;
        self.publish(author, title, bytes).await.expect("publishes").video_id
    }

    pub async fn publish(&self, author: &Call, title: &str, bytes: &[u8]) -> domain::Result<PublishResponse> {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).expect("random bits");
        let key = Key::random("o", u128::from_ne_bytes(bits), "bin");
        let mut upload = self.blobs.upload(&key).await.expect("begins");
        upload.write(bytes.to_vec().into()).await.expect("writes");
        let stored = upload.finish().await.expect("finishes");
        let source = StoredObject { key: key.to_string(), bytes: bytes.len() as i64, sha256: stored.sha256 };
        let request = PublishRequest {
            title: title.into(),
            source: Some(source),
            upload: String::new(),
            visibility: "public".into(),
            cover_ms: None,
        };
        self.video.publish(author, request).await
    }

    /// Lets workers finish what is queued.
    pub async fn work_until(&self, mut done: impl AsyncFnMut() -> bool) {
        let stop = CancellationToken::new();
        let worker =
            Transcoder { store: self.store.clone(), files: self.files.clone(), keep_originals: false };
        let settler = Settler { store: self.store.clone(), blobs: self.blobs.clone() };
        let settling = tokio::spawn(settler.run(stop.clone()));
        let working = tokio::spawn(worker.run(stop.clone()));
        let patience = tokio::time::timeout(Duration::from_secs(120), async {
            while !done().await {
                tokio::task::yield_now().await;
            }
        });
        patience.await.expect("is done in time");
        stop.cancel();
        working.await.expect("ends");
        settling.await.expect("ends");
    }

    /// How many objects there are.
    pub async fn objects(&self) -> usize {
        use futures_util::TryStreamExt;
        self.blobs.list().try_fold(0, |count, _| async move { Ok(count + 1) }).await.expect("lists")
    }

    /// Every test ends with a clean check, orphans and hashes included.
    pub async fn finish(self) {
        let faults = Fsck::new(self.store.clone(), self.blobs.clone(), Duration::ZERO).check(true).await;
        assert_eq!(faults.expect("checks"), []);
        let left = std::fs::read_dir(self.folder.path().join("tmp")).expect("a folder").count();
        assert_eq!(left, 0, "files in tmp/");
        self.store.close().await;
    }
}

impl std::ops::Deref for World {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}

pub fn nobody() -> Call {
    Call::within(Duration::from_secs(60), None, TraceId(1))
}

/// A file made by ffmpeg, in a shape of the test's choice.
pub async fn made(arguments: &[&str], extension: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let file: PathBuf = folder.path().join(format!("clip.{extension}"));
    let mut command = tokio::process::Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc2=s=128x96:r=10:d=1"]);
    let status = command.args(arguments).arg(&file).status().await.expect("ffmpeg runs");
    assert!(status.success());
    std::fs::read(&file).expect("reads")
}

async fn clip() -> &'static [u8] {
    static CLIP: OnceCell<Vec<u8>> = OnceCell::const_new();
    CLIP.get_or_init(|| async {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("clip.mp4");
        let clip =
            Clip { seed: 1, width: 64, height: 112, seconds: 1, caption: String::new(), silent: false };
        tools().draw(&clip, &file).await.expect("draws");
        std::fs::read(file).expect("reads")
    })
    .await
}

fn tools() -> Media {
    Media::new(&media::Config {
        max_bytes: 64 << 20,
        keep_originals: false,
        sandbox: media::Sandbox::Off,
        ffmpeg: "ffmpeg".into(),
        ffprobe: "ffprobe".into(),
        preset: "ultrafast".into(),
        transcriber: String::new(),
    })
}
