//! The folder store, on a folder of its own.

use std::time::Duration;

use super::*;

fn open() -> (Blobs, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { url: "file:objects".into(), min_free_bytes: 0, orphan_ttl_seconds: 0 };
    (Blobs::open(&config, folder.path()).expect("opens"), folder)
}

fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn what_was_stored_reads_back_in_any_range() {
    let (blobs, _folder) = open();
    let key = Key::random("p", 7, "mp4");
    let content: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let mut upload = blobs.upload(&key).await.expect("begins");
    for piece in content.chunks(70_001) {
        upload.write(Bytes::copy_from_slice(piece)).await.expect("writes");
    }
    let stored = upload.finish().await.expect("finishes");
    assert_eq!(stored.bytes, 3_000_000);
    assert_eq!(stored.sha256, Sha256::digest(&content).to_vec());
    assert_eq!(blobs.sha256(&key).await.expect("hashes"), stored.sha256);
    for range in [0..3_000_000u64, 0..1, 2_999_999..3_000_000, 524_287..1_048_577, 5..5] {
        let read: Vec<Bytes> = blobs.read(&key, range.clone()).try_collect().await.expect("reads");
        let (start, end) = (range.start as usize, range.end as usize);
        assert_eq!(read.concat(), content[start..end], "{range:?}");
    }
}

#[tokio::test]
async fn an_upload_that_is_dropped_or_aborted_leaves_nothing() {
    let (blobs, folder) = open();
    let mut dropped = blobs.upload(&Key::random("o", 1, "bin")).await.expect("begins");
    dropped.write(Bytes::from(vec![1; 2 * 1024 * 1024])).await.expect("writes");
    drop(dropped);
    let mut aborted = blobs.upload(&Key::random("o", 2, "bin")).await.expect("begins");
    aborted.write(Bytes::from(vec![1; 2 * 1024 * 1024])).await.expect("writes");
    aborted.abort().await.expect("aborts");
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while files(folder.path()) > 0 {
        assert!(std::time::Instant::now() < deadline, "{} files left", files(folder.path()));
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_a_crash_leaves_is_swept_and_finished_objects_stay() {
    let (blobs, folder) = open();
    let key = Key::random("p", 3, "mp4");
    let mut upload = blobs.upload(&key).await.expect("begins");
    upload.write(Bytes::from_static(b"whole")).await.expect("writes");
    upload.finish().await.expect("finishes");
    std::fs::write(folder.path().join("objects/p/0001.mp4#1"), b"half").expect("plants a rest");
    assert_eq!(blobs.sweep_unfinished(SystemTime::UNIX_EPOCH).await.expect("sweeps"), 0);
    assert_eq!(blobs.sweep_unfinished(SystemTime::now() + Duration::from_secs(60)).await.expect("sweeps"), 1);
    let left: Vec<Meta> = blobs.list().try_collect().await.expect("lists");
    assert_eq!(left.iter().map(|meta| meta.key.as_str()).collect::<Vec<_>>(), [key.as_str()]);
}

#[tokio::test]
async fn a_missing_object_is_not_found_and_may_be_deleted() {
    let (blobs, folder) = open();
    let key = Key::random("p", 4, "mp4");
    assert!(matches!(blobs.meta(&key).await, Err(Error::NotFound)));
    assert!(matches!(blobs.fetch(&key, &folder.path().join("x")).await, Err(Error::NotFound)));
    blobs.delete(&key).await.expect("is a success");
}

#[tokio::test]
async fn a_nearly_full_store_refuses_before_the_first_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config { url: "file:objects".into(), min_free_bytes: u64::MAX, orphan_ttl_seconds: 0 };
    let blobs = Blobs::open(&config, folder.path()).expect("opens");
    assert!(matches!(blobs.upload(&Key::random("o", 1, "bin")).await, Err(Error::Full { .. })));
}

#[test]
fn keys_cannot_leave_the_folder() {
    for text in
        ["", "/", "p/", "/p", "p//x", "../x", "p/../x", "p/.x", "p/a#1", "p/a%2f", "P/a", "p/a\\b", "p/a\0"]
    {
        assert!(Key::parse(text).is_none(), "{text:?}");
    }
    assert!(Key::parse("p").is_none() && Key::parse("p/x.mp4/y").is_none());
    assert!(Key::parse(&format!("p/{}", "a".repeat(95))).is_none());
    assert!(Key::parse("p/0123abcdef.mp4").is_some());
}
