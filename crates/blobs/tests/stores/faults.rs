//! An object store that dies, hangs and comes back.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use blobs::{Blobs, Error, Key, Upload};
use bytes::Bytes;
use futures_util::TryStreamExt;

use crate::world::{self, Start, content, fresh_name, open_uploads, settings, until};

#[tokio::test]
async fn a_killed_seaweedfs_is_told_at_once_and_nothing_is_left() {
    killed(servers::seaweedfs).await;
}

#[tokio::test]
async fn a_killed_minio_is_told_at_once_and_nothing_is_left() {
    killed(servers::minio).await;
}

#[tokio::test]
async fn a_frozen_seaweedfs_is_told_in_time_and_goes_on() {
    frozen(servers::seaweedfs).await;
}

#[tokio::test]
async fn a_frozen_minio_is_told_in_time_and_goes_on() {
    frozen(servers::minio).await;
}

async fn begun(blobs: &Blobs, bits: u128) -> Upload {
    let mut upload = blobs.upload(&Key::random("o", bits, "bin")).await.expect("begins");
    upload.write(content(11 * 1024 * 1024)).await.expect("writes");
    upload
}

async fn stored(blobs: &Blobs, bits: u128) -> Key {
    let key = Key::random("p", bits, "mp4");
    let mut upload = blobs.upload(&key).await.expect("begins");
    upload.write(content(1_000_000)).await.expect("writes");
    upload.finish().await.expect("finishes");
    key
}

/// How long something took to fail.
async fn failing<T>(what: impl Future<Output = Result<T, Error>>) -> Duration {
    let began = Instant::now();
    let failed = what.await.err().expect("cannot work");
    assert!(!matches!(failed, Error::NotFound | Error::Setting(_)), "{failed:?}");
    began.elapsed()
}

async fn killed(start: Start) {
    let Some(mut running) = world::own(start) else { return };
    let port = running.server.port();
    let bucket = fresh_name();
    let (config, folder) = settings(port, &bucket);
    let blobs = Blobs::open(&config, folder.path()).await.expect("opens");
    let key = stored(&blobs, 1).await;
    let object = blobs.object(&key).await.expect("is there");
    let (mut cut, to_finish) = (begun(&blobs, 2).await, begun(&blobs, 3).await);
    running.server.kill();
    let (quick, second) = (Duration::from_secs(3), Duration::from_secs(1));
    assert!(failing(cut.write(content(5 * 1024 * 1024))).await < quick);
    drop(cut);
    assert!(failing(to_finish.finish()).await < quick);
    assert!(failing(blobs.meta(&key)).await < quick);
    assert!(failing(object.read(0..10).try_collect::<Vec<Bytes>>()).await < quick);
    assert!(failing(blobs.check()).await < 2 * second);
    let mut small = blobs.upload(&Key::random("o", 4, "bin")).await.expect("begins");
    small.write(Bytes::from_static(b"few")).await.expect("is held");
    assert!(failing(small.finish()).await < quick);
    running.server.start_again().expect("starts again");
    until("it is not ready again", async || blobs.check().await.is_ok()).await;
    let later = SystemTime::now() + Duration::from_secs(3600);
    until("uploads are left", async || {
        drop(blobs.sweep_unfinished(later).await);
        // Asked for by key: MinIO forgets to list at a restart what it still holds.
        let mut open = 0;
        for bits in [2, 3] {
            open += open_uploads(port, &bucket, Key::random("o", bits, "bin").as_str()).await;
        }
        open == 0
    })
    .await;
    let left: Vec<blobs::Meta> = blobs.list().try_collect().await.expect("lists");
    assert_eq!(left.iter().map(|meta| meta.key.as_str()).collect::<Vec<_>>(), [key.as_str()]);
    assert_eq!(left[0].bytes, 1_000_000);
    stored(&blobs, 5).await;
}

async fn frozen(start: Start) {
    let Some(running) = world::own(start) else { return };
    let running = Arc::new(running);
    let world = world::bucket(Arc::clone(&running)).await;
    let blobs = &world.blobs;
    let key = stored(blobs, 1).await;
    let object = blobs.object(&key).await.expect("is there");
    let mut upload = begun(blobs, 2).await;
    running.server.freeze();
    let second = Duration::from_secs(1);
    let (meta, ready, read, written) = tokio::join!(
        failing(blobs.meta(&key)),
        failing(blobs.check()),
        failing(object.read(0..10).try_collect::<Vec<Bytes>>()),
        failing(upload.write(content(5 * 1024 * 1024))),
    );
    drop(upload);
    println!("frozen: meta {meta:?}, ready {ready:?}, read {read:?}, written {written:?}");
    assert!(meta < 4 * second && ready < 2 * second && read < 11 * second && written < 11 * second);
    running.server.thaw();
    until("it is not ready again", async || blobs.check().await.is_ok()).await;
    assert_eq!(blobs.sha256(&key).await.expect("reads").len(), 32);
    blobs.settle().await;
    let later = SystemTime::now() + Duration::from_secs(3600);
    until("something is left", async || {
        drop(blobs.sweep_unfinished(later).await);
        world.rests().await == 1
    })
    .await;
}
