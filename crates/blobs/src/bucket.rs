//! What only a bucket has: credentials, addresses that are signed, uploads that stay open when they are cut.

mod asking;
mod start;
mod sweep;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{HttpClient, HttpConnector, ReqwestConnector};
use object_store::signer::{SignedUrlOptions, Signer};
use object_store::{BackoffConfig, ClientOptions, MultipartUpload, ObjectStoreExt, RetryConfig};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::config::{Address, setting};
use crate::key::MEDIA_TYPES;
use crate::{Config, Error, Key, QUICK, SIGNED_FOR, SLOW};

/// Parts on their way to the object store at once. Many that share a thin line would each take longer than
/// they may; few finish one after another.
const LANES: usize = 16;
/// Seconds before each try to take an upload back. An object store that was restarted may no longer list an
/// upload it still holds, so that the sweep does not see it (MinIO): here its name is known.
const PAUSES: [u64; 5] = [0, 1, 3, 10, 30];

/// A bucket of an S3 server.
pub(crate) struct Bucket {
    name: String,
    endpoint: String,
    region: String,
    s3: AmazonS3,
    /// Signs for the address that viewers use, which is the next.
    public: AmazonS3,
    public_endpoint: String,
    http: HttpClient,
    lanes: Semaphore,
    /// Uploads that are being taken back.
    given_up: TaskTracker,
}

impl Bucket {
    /// The bucket, made if need be, once it has been written to and found private; and the store over it.
    pub(crate) async fn open(
        config: &Config,
        address: Address<'_>,
        data_dir: &Path,
    ) -> Result<(Self, AmazonS3), Error> {
        let access_key = credential("blobs.access_key_file", &data_dir.join(&config.access_key_file), false)?;
        let secret_key = credential("blobs.secret_key_file", &data_dir.join(&config.secret_key_file), true)?;
        let options = options(address.endpoint);
        // Not `from_env`: what is not in the configuration is not used.
        let builder = AmazonS3Builder::new()
            .with_bucket_name(address.bucket)
            .with_region(address.region)
            .with_access_key_id(access_key)
            .with_secret_access_key(secret_key)
            .with_client_options(options.clone())
            .with_retry(retries())
            .with_disable_bulk_delete(true);
        let s3 = builder.clone().with_endpoint(address.endpoint).build()?;
        let viewers = Some(config.public_endpoint.trim_end_matches('/')).filter(|text| !text.is_empty());
        let viewers = viewers.unwrap_or(address.endpoint);
        let bucket = Self {
            name: address.bucket.to_owned(),
            endpoint: address.endpoint.to_owned(),
            region: address.region.to_owned(),
            s3: s3.clone(),
            public: builder.with_endpoint(viewers).build()?,
            public_endpoint: viewers.to_owned(),
            http: ReqwestConnector::default().connect(&options)?,
            lanes: Semaphore::new(LANES),
            given_up: TaskTracker::new(),
        };
        bucket.prepare().await?;
        Ok((bucket, s3))
    }

    /// The right to send one part; waiting for it does not count as the object store's slowness.
    pub(crate) async fn lane(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Error> {
        let lane = tokio::time::timeout(3 * SLOW, self.lanes.acquire()).await;
        // The semaphore is never closed.
        lane.ok().and_then(Result::ok).ok_or(Error::Late(3 * SLOW))
    }

    /// An address under which a viewer can read an object for [`SIGNED_FOR`].
    pub(crate) async fn address_for_viewers(&self, key: &Key) -> Result<String, Error> {
        signed(&self.public, key).await
    }

    /// The origin of these addresses.
    pub(crate) fn origin_for_viewers(&self) -> &str {
        &self.public_endpoint
    }

    /// Path and query under which a proxy in front of the object store can read an object.
    pub(crate) async fn path_for_proxy(&self, key: &Key) -> Result<String, Error> {
        let address = http::Uri::try_from(signed(&self.s3, key).await?);
        let address = address.map_err(|error| Error::Asking(Box::new(error)))?;
        Ok(address.path_and_query().map(ToString::to_string).unwrap_or_default())
    }

    /// Takes back, in the background, what an upload has left: its parts and, when it was being finished, the
    /// object that may exist. What fails each time is the sweep's.
    pub(crate) fn take_back(&self, mut parts: Option<Box<dyn MultipartUpload>>, finished: Option<&Key>) {
        // Outside of a runtime there is nobody to do it.
        let Ok(runtime) = Handle::try_current() else { return };
        let (s3, path) = (self.s3.clone(), finished.map(Key::path));
        let work = async move {
            for pause in PAUSES {
                tokio::time::sleep(Duration::from_secs(pause)).await;
                let undoing = tokio::time::timeout(QUICK, undo(&s3, parts.as_deref_mut(), path.as_ref()));
                if matches!(undoing.await, Ok(Ok(()))) {
                    return;
                }
            }
        };
        self.given_up.spawn_on(work, &runtime);
    }

    /// Waits until what was given up has been taken back.
    pub(crate) async fn settle(&self) {
        self.given_up.close();
        self.given_up.wait().await;
        self.given_up.reopen();
    }
}

/// Aborts an upload and deletes what it may have become; neither has to be there.
async fn undo(
    s3: &AmazonS3,
    parts: Option<&mut (dyn MultipartUpload + 'static)>,
    path: Option<&object_store::path::Path>,
) -> object_store::Result<()> {
    if let Some(parts) = parts {
        match parts.abort().await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    match path {
        Some(path) => s3.delete(path).await,
        None => Ok(()),
    }
}

/// A signed address. It also says how a browser is told what it gets, whatever the object store would say.
async fn signed(s3: &AmazonS3, key: &Key) -> Result<String, Error> {
    let options = SignedUrlOptions::new().with_query([
        ("response-content-type", key.media_type()),
        ("response-cache-control", "public, max-age=31536000, immutable"),
    ]);
    let address = s3.signed_url_opts(http::Method::GET, &key.path(), SIGNED_FOR, &options).await?;
    Ok(address.into())
}

/// Few and quick: who waits for the answer has ten seconds, and an object store that is down is down for
/// longer than many tries.
fn retries() -> RetryConfig {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_millis(500),
        base: 2.0,
    };
    RetryConfig { backoff, max_retries: 2, retry_timeout: QUICK }
}

fn options(endpoint: &str) -> ClientOptions {
    let options = ClientOptions::new()
        .with_allow_http(endpoint.starts_with("http://"))
        .with_connect_timeout(Duration::from_secs(2))
        .with_timeout(SLOW)
        // Shorter than servers keep an idle connection.
        .with_pool_idle_timeout(Duration::from_secs(20))
        // A proxy that everything is exempt from: otherwise the environment would name one.
        .with_proxy_url("http://127.0.0.1:9")
        .with_proxy_excludes("*,0.0.0.0/0,::/0");
    MEDIA_TYPES
        .iter()
        .fold(options, |options, (end, media_type)| options.with_content_type_for_suffix(*end, *media_type))
}

/// The text of a credential's file.
fn credential(key: &str, path: &Path, secret: bool) -> Result<String, Error> {
    let shown = path.display();
    let failed = |error: std::io::Error| setting(format!("{key}: {shown}: {error}"));
    let mode = path.metadata().map_err(failed)?.permissions().mode();
    if secret && mode & 0o077 != 0 {
        return Err(setting(format!("{key}: {shown} can be read by others; run: chmod 600 {shown}")));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let text = text.trim();
    let plain = |byte: u8| byte.is_ascii_graphic();
    if text.is_empty() || !text.bytes().all(plain) {
        return Err(setting(format!("{key}: {shown} must hold the key and nothing else")));
    }
    Ok(text.to_owned())
}
