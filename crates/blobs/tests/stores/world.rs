//! A store of a test's own: a folder, or a bucket on the S3 server that the tests of this process share.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use blobs::{Blobs, Config, Meta, Redirect};
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::client::{HttpConnector, HttpRequestBody, ReqwestConnector};
use object_store::path::Path as ObjectPath;
use object_store::signer::{SignedUrlOptions, Signer};
use servers::{S3_ACCESS_KEY, S3_SECRET_KEY, Server};

/// How to start a server.
pub type Start = fn(&Path) -> Result<Server, servers::Error>;

/// A server and its folder.
pub struct Running {
    // Fields are dropped in order: the server before its folder.
    pub server: Server,
    _folder: tempfile::TempDir,
}

pub struct World {
    pub blobs: Blobs,
    pub config: Config,
    pub folder: tempfile::TempDir,
    /// None for the folder.
    pub running: Option<Arc<Running>>,
}

static SEAWEEDFS: Mutex<Weak<Running>> = Mutex::new(Weak::new());
static MINIO: Mutex<Weak<Running>> = Mutex::new(Weak::new());

pub async fn folder() -> Option<World> {
    let folder = tempfile::tempdir().expect("a folder");
    let config = config_of("file:objects");
    let blobs = Blobs::open(&config, folder.path()).await.expect("opens");
    Some(World { blobs, config, folder, running: None })
}

pub async fn seaweedfs() -> Option<World> {
    Some(bucket(shared_seaweedfs()?).await)
}

pub async fn minio() -> Option<World> {
    Some(bucket(shared_minio()?).await)
}

/// A server of this test's own.
pub fn own(start: Start) -> Option<Running> {
    let folder = tempfile::tempdir().expect("a folder");
    let server = servers::or_skip(start(folder.path()))?;
    Some(Running { server, _folder: folder })
}

/// The server that tests share while one of them runs.
pub fn shared(slot: &Mutex<Weak<Running>>, start: Start) -> Option<Arc<Running>> {
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(running) = slot.upgrade() {
        return Some(running);
    }
    let running = Arc::new(own(start)?);
    *slot = Arc::downgrade(&running);
    Some(running)
}

pub fn shared_minio() -> Option<Arc<Running>> {
    shared(&MINIO, servers::minio)
}

pub fn shared_seaweedfs() -> Option<Arc<Running>> {
    shared(&SEAWEEDFS, servers::seaweedfs)
}

/// A world in a fresh bucket.
pub async fn bucket(running: Arc<Running>) -> World {
    let (config, folder) = settings(running.server.port(), &fresh_name());
    let blobs = Blobs::open(&config, folder.path()).await.expect("opens");
    World { blobs, config, folder, running: Some(running) }
}

pub fn fresh_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("dytt-test-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Settings for a bucket on a local port, and a data folder with the right credentials in it.
pub fn settings(port: u16, bucket: &str) -> (Config, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    write_keys(folder.path(), S3_ACCESS_KEY, S3_SECRET_KEY);
    (config_of(&format!("s3://{bucket}?endpoint=http://127.0.0.1:{port}&region=us-east-1")), folder)
}

pub fn write_keys(folder: &Path, access_key: &str, secret_key: &str) {
    std::fs::write(folder.join("access"), format!("{access_key}\n")).expect("writes");
    std::fs::write(folder.join("secret"), format!("{secret_key}\n")).expect("writes");
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(folder.join("secret"), private).expect("changes the mode");
}

fn config_of(url: &str) -> Config {
    Config {
        url: url.into(),
        access_key_file: "access".into(),
        secret_key_file: "secret".into(),
        redirect: Redirect::Off,
        public_endpoint: String::new(),
        min_free_bytes: 0,
        orphan_ttl_seconds: 3600,
    }
}

impl World {
    pub async fn objects(&self) -> Vec<String> {
        let mut keys: Vec<String> =
            self.blobs.list().map_ok(|meta: Meta| meta.key).try_collect().await.expect("lists");
        keys.sort();
        keys
    }

    /// Everything that takes space, finished or not.
    pub async fn rests(&self) -> usize {
        match &self.running {
            None => files(&self.folder.path().join("objects")),
            Some(running) => {
                let open = open_uploads(running.server.port(), self.bucket(), "").await;
                open + self.objects().await.len()
            }
        }
    }

    pub fn bucket(&self) -> &str {
        self.config.url.trim_start_matches("s3://").split('?').next().expect("a bucket")
    }
}

/// What the server itself says about uploads to keys that begin so: not asked through the code under test.
pub async fn open_uploads(port: u16, bucket: &str, prefix: &str) -> usize {
    let (_, body) = ask(port, bucket, http::Method::GET, &[("uploads", ""), ("prefix", prefix)], "").await;
    assert!(body.contains("ListMultipartUploadsResult"), "{body}");
    body.matches("<UploadId>").count()
}

/// A signed request about the bucket; its status and body.
pub async fn ask(
    port: u16,
    bucket: &str,
    method: http::Method,
    query: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let s3 = AmazonS3Builder::new()
        .with_endpoint(format!("http://127.0.0.1:{port}"))
        .with_bucket_name(bucket)
        .with_access_key_id(S3_ACCESS_KEY)
        .with_secret_access_key(S3_SECRET_KEY)
        .build()
        .expect("is complete");
    let minute = Duration::from_secs(60);
    let options = SignedUrlOptions::new().with_query(query.iter().copied());
    let url = s3.signed_url_opts(method.clone(), &ObjectPath::default(), minute, &options).await;
    send(method, url.expect("signs").as_str(), body).await
}

/// Any request; its status and body.
pub async fn send(method: http::Method, url: &str, body: &str) -> (u16, String) {
    let (head, body) = fetch(method, url, body, &[]).await;
    (head.status.as_u16(), body)
}

/// Any request with headers of its own; what came back.
pub async fn fetch(
    method: http::Method,
    url: &str,
    body: &str,
    headers: &[(&'static str, &str)],
) -> (http::response::Parts, String) {
    let options = object_store::ClientOptions::new().with_allow_http(true);
    let client = ReqwestConnector::default().connect(&options).expect("a client");
    let body = HttpRequestBody::from(Bytes::copy_from_slice(body.as_bytes()));
    let request = http::Request::builder().method(method).uri(url);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let request = request.body(body).expect("a request");
    let (head, body) = client.execute(request).await.expect("answers").into_parts();
    let body = body.bytes().await.expect("a body");
    (head, String::from_utf8_lossy(&body).into_owned())
}

/// Waits for what happens in the background.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Content in which every window differs from the next.
pub fn content(bytes: u32) -> Bytes {
    (0..bytes).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

pub fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}
