//! What every store must do alike.

use std::time::{Duration, SystemTime};

use blobs::{Error, Key};
use bytes::Bytes;
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};

use crate::world::{World, content, until};

/// Each of these, on each store.
macro_rules! on_every_store {
    ($($test:ident)*) => { on_every_store!(@ folder [$($test)*] seaweedfs [$($test)*] minio [$($test)*]); };
    (@ $($store:ident [$($test:ident)*])*) => {
        $(mod $store {
            $(#[tokio::test]
            async fn $test() {
                if let Some(world) = crate::world::$store().await {
                    super::$test(world).await;
                }
            })*
        })*
    };
}

on_every_store! {
    what_was_stored_reads_back_in_any_range
    a_large_upload_arrives_whole_and_unseen_until_then
    an_empty_object_is_an_object
    an_upload_that_is_dropped_or_aborted_leaves_nothing
    what_a_crash_leaves_is_swept_and_finished_objects_stay
    a_slow_upload_is_not_taken_for_a_dead_one
    a_file_goes_in_and_comes_out
    a_missing_object_is_not_found_and_may_be_deleted
    a_store_that_is_there_is_ready
}

fn far() -> SystemTime {
    SystemTime::now() + Duration::from_secs(3600)
}

async fn what_was_stored_reads_back_in_any_range(world: World) {
    let blobs = &world.blobs;
    let key = Key::random("p", 7, "mp4");
    let content = content(3_000_000);
    let mut upload = blobs.upload(&key).await.expect("begins");
    for piece in content.chunks(70_001) {
        upload.write(Bytes::copy_from_slice(piece)).await.expect("writes");
    }
    let stored = upload.finish().await.expect("finishes");
    assert_eq!(stored.bytes, 3_000_000);
    assert_eq!(stored.sha256, Sha256::digest(&content).to_vec());
    assert_eq!(blobs.sha256(&key).await.expect("hashes"), stored.sha256);
    let object = blobs.object(&key).await.expect("is there");
    assert_eq!(object.bytes(), 3_000_000);
    for range in [0..3_000_000u64, 0..1, 2_999_999..3_000_000, 524_287..1_048_577, 5..5] {
        let read: Vec<Bytes> = object.read(range.clone()).try_collect().await.expect("reads");
        assert!(read.iter().all(|window| window.len() <= 512 * 1024), "{range:?}");
        let (start, end) = (range.start as usize, range.end as usize);
        assert_eq!(read.concat(), content[start..end], "{range:?}");
    }
}

async fn a_large_upload_arrives_whole_and_unseen_until_then(world: World) {
    let key = Key::random("p", 8, "mp4");
    let content = content(40 * 1024 * 1024);
    let mut upload = world.blobs.upload(&key).await.expect("begins");
    // A piece of more than one part, then small ones.
    upload.write(content.slice(..12_000_000)).await.expect("writes");
    for piece in content[12_000_000..].chunks(300_007) {
        upload.write(Bytes::copy_from_slice(piece)).await.expect("writes");
    }
    assert!(matches!(world.blobs.meta(&key).await, Err(Error::NotFound)), "seen before it was finished");
    assert_eq!(world.objects().await, [] as [&str; 0]);
    let stored = upload.finish().await.expect("finishes");
    assert_eq!(world.blobs.meta(&key).await.expect("is there").bytes, 40 * 1024 * 1024);
    assert_eq!(stored.sha256, Sha256::digest(&content).to_vec());
    assert_eq!(world.blobs.sha256(&key).await.expect("hashes"), stored.sha256);
    assert_eq!(world.rests().await, 1);
}

async fn an_empty_object_is_an_object(world: World) {
    let key = Key::random("o", 9, "bin");
    let stored = world.blobs.upload(&key).await.expect("begins").finish().await.expect("finishes");
    assert_eq!(stored.bytes, 0);
    assert_eq!(world.blobs.meta(&key).await.expect("is there").bytes, 0);
}

async fn an_upload_that_is_dropped_or_aborted_leaves_nothing(world: World) {
    let blobs = &world.blobs;
    let begun = async |bits, bytes| {
        let mut upload = blobs.upload(&Key::random("o", bits, "bin")).await.expect("begins");
        upload.write(content(bytes)).await.expect("writes");
        upload
    };
    let (small, large) = (100_000, 11 * 1024 * 1024);
    drop((begun(1, small).await, begun(2, large).await));
    begun(3, small).await.abort().await.expect("aborts");
    let upload = begun(4, large).await;
    assert!(world.rests().await > 0, "nothing was there to remove");
    upload.abort().await.expect("aborts");
    let part = 5 * 1024 * 1024;
    for (bits, bytes) in (10..).zip([0, 1, part - 1, part, part + 1, 2 * part - 1, 2 * part]) {
        drop(begun(bits, bytes).await);
    }
    // Cut while a part is on its way.
    let mut cut = begun(5, large).await;
    let late = tokio::time::timeout(Duration::from_millis(1), cut.write(content(5_000_000))).await;
    drop((late, cut));
    blobs.settle().await;
    until("something is left", async || world.rests().await == 0).await;
}

async fn what_a_crash_leaves_is_swept_and_finished_objects_stay(world: World) {
    let key = Key::random("p", 3, "mp4");
    let mut upload = world.blobs.upload(&key).await.expect("begins");
    upload.write(Bytes::from_static(b"whole")).await.expect("writes");
    upload.finish().await.expect("finishes");
    for bits in [1, 2] {
        let mut upload = world.blobs.upload(&Key::random("o", bits, "bin")).await.expect("begins");
        upload.write(content(6 * 1024 * 1024)).await.expect("writes");
        // As when the process ends: nobody cleans up.
        std::mem::forget(upload);
    }
    assert_eq!(world.rests().await, 3);
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    assert_eq!(world.blobs.sweep_unfinished(hour_ago).await.expect("sweeps"), 0);
    assert_eq!(world.rests().await, 3);
    assert_eq!(world.blobs.sweep_unfinished(far()).await.expect("sweeps"), 2);
    assert_eq!(world.rests().await, 1);
    assert_eq!(world.objects().await, [key.as_str()]);
    assert_eq!(world.blobs.sweep_unfinished(far()).await.expect("sweeps"), 0);
}

async fn a_slow_upload_is_not_taken_for_a_dead_one(world: World) {
    let mut upload = world.blobs.upload(&Key::random("o", 6, "bin")).await.expect("begins");
    let begun = SystemTime::now();
    upload.write(content(6 * 1024 * 1024)).await.expect("writes");
    // Object stores tell the time in seconds: it has to pass.
    tokio::time::sleep(Duration::from_secs(2)).await;
    upload.write(content(6 * 1024 * 1024)).await.expect("writes");
    let between = begun + Duration::from_secs(1);
    assert_eq!(world.blobs.sweep_unfinished(between).await.expect("sweeps"), 0);
    assert_eq!(world.rests().await, 1);
    assert_eq!(world.blobs.sweep_unfinished(far()).await.expect("sweeps"), 1);
    assert!(upload.finish().await.is_err(), "what was swept is no object");
    world.blobs.settle().await;
    assert_eq!(world.rests().await, 0);
}

async fn a_file_goes_in_and_comes_out(world: World) {
    let (from, to) = (world.folder.path().join("from"), world.folder.path().join("to"));
    let content = content(9_000_001);
    std::fs::write(&from, &content).expect("writes");
    let key = Key::random("p", 5, "mp4");
    let stored = world.blobs.store_file(&from, &key).await.expect("stores");
    assert_eq!((stored.bytes, stored.sha256), (9_000_001, Sha256::digest(&content).to_vec()));
    world.blobs.fetch(&key, &to).await.expect("fetches");
    assert_eq!(std::fs::read(&to).expect("reads"), content);
    assert!(world.blobs.meta(&key).await.expect("is there").modified < far());
}

async fn a_missing_object_is_not_found_and_may_be_deleted(world: World) {
    let key = Key::random("p", 4, "mp4");
    let path = world.folder.path().join("x");
    assert!(matches!(world.blobs.meta(&key).await, Err(Error::NotFound)));
    assert!(matches!(world.blobs.fetch(&key, &path).await, Err(Error::NotFound)));
    assert!(!path.exists());
    assert!(matches!(world.blobs.object(&key).await, Err(Error::NotFound)));
    world.blobs.delete(&key).await.expect("is a success");
    let mut upload = world.blobs.upload(&key).await.expect("begins");
    upload.write(Bytes::from_static(b"here")).await.expect("writes");
    upload.finish().await.expect("finishes");
    world.blobs.delete(&key).await.expect("deletes");
    assert_eq!(world.rests().await, 0);
}

async fn a_store_that_is_there_is_ready(world: World) {
    world.blobs.check().await.expect("is ready");
    // It can be opened again, by another process or after a restart.
    let again = blobs::Blobs::open(&world.config, world.folder.path()).await.expect("opens");
    again.check().await.expect("is ready");
    assert_eq!(world.objects().await, [] as [&str; 0]);
}
