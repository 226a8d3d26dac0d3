//! Objects that go while a backup is made, on a database and a folder of their own.

use domain::{Title, UserId, UserName, VideoId, Visibility};
use store::{Entry, NewObject, NewVideo, REMUX};
use tempfile::TempDir;

use super::super::Set;
use super::*;

struct World {
    folder: TempDir,
    store: Store,
    blobs: Blobs,
    author: UserId,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = store::Config {
            url: "sqlite:dytt.sqlite".into(),
            password_file: String::new(),
            write_wait_ms: 60_000,
            read_wait_ms: 60_000,
        };
        let store = Store::open(&config, folder.path()).await.expect("a store");
        let config = blobs::Config {
            url: "file:objects".into(),
            access_key_file: String::new(),
            secret_key_file: String::new(),
            redirect: blobs::Redirect::Off,
            public_endpoint: String::new(),
            min_free_bytes: 0,
            orphan_ttl_seconds: 3600,
        };
        let blobs = Blobs::open(&config, folder.path()).await.expect("objects");
        let name = UserName::parse("ann", 64).expect("a name");
        let author = store.create_user(name, "hash".into(), Entry::Open, Timestamp::now()).await;
        Self { folder, store, blobs, author: author.expect("a user") }
    }

    async fn video(&self, key: &str) -> VideoId {
        let stored =
            self.blobs.store_text(key.to_owned(), &Key::parse(key).expect("a key")).await.expect("stored");
        let object = NewObject {
            key: key.to_owned(),
            role: REMUX.into(),
            bytes: i64::try_from(stored.bytes).expect("few"),
            sha256: stored.sha256,
            ..NewObject::default()
        };
        let video = NewVideo {
            author: self.author,
            title: Title::parse("clip").expect("a title"),
            play_key: key.to_owned(),
            cover_key: None,
            objects: vec![object],
            visibility: Visibility::Public,
            duration_ms: 1000,
            received_at: Timestamp::now(),
            upload: None,
        };
        self.store.publish(video, Timestamp::now()).await.expect("published")
    }

    async fn delete(&self, video: VideoId, key: &str) {
        self.store.delete_video(self.author, video, Timestamp::now()).await.expect("deleted");
        self.blobs.delete(&Key::parse(key).expect("a key")).await.expect("deleted");
    }

    fn half(&self) -> std::path::PathBuf {
        self.folder.path().join("half")
    }

    async fn read_rows(&self) -> Manifest {
        read_rows(&self.store, &self.half()).await.expect("reads")
    }

    async fn copy_objects(&self) -> Vec<String> {
        copy_objects(&self.blobs, &self.half()).await.expect("copies").into_iter().collect()
    }
}

#[tokio::test]
async fn what_is_deleted_before_it_was_copied_is_in_no_later_reading() {
    let world = World::new().await;
    world.video("p/kept").await;
    let (copied, missed) = (world.video("p/copied").await, world.video("p/missed").await);
    world.read_rows().await;
    world.delete(missed, "p/missed").await;
    assert_eq!(world.copy_objects().await, ["p/missed"]);
    world.delete(copied, "p/copied").await;
    world.video("p/new").await;
    // It is not copied again.
    let kept = Key::parse("p/kept").expect("a key");
    world.blobs.delete(&kept).await.expect("deleted");
    let manifest = world.read_rows().await;
    assert_eq!(world.copy_objects().await, [""; 0]);
    seal(&world.half(), &manifest).expect("sealed");
    let set = Set::open(&world.half()).expect("opens");
    assert_eq!(set.check().expect("reads"), [""; 0]);
    let mut files: Vec<_> = std::fs::read_dir(world.half().join(OBJECTS).join("p"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    files.sort_unstable();
    assert_eq!(files, ["kept", "new"]);
    assert!(!world.half().join(BEFORE).exists());
}

#[tokio::test]
async fn a_backup_that_cannot_be_whole_leaves_nothing() {
    let world = World::new().await;
    world.video("p/lost").await;
    world.blobs.delete(&Key::parse("p/lost").expect("a key")).await.expect("deleted");
    let destination = world.folder.path().join("backups/first");
    let error = make(&world.store, &world.blobs, &destination).await.expect_err("no such folder");
    assert!(format!("{error:#}").contains("backups, which must be there"), "{error:#}");
    std::fs::create_dir(world.folder.path().join("backups")).expect("created");
    let error = make(&world.store, &world.blobs, &destination).await.expect_err("lacks an object");
    assert!(format!("{error:#}").contains("object p/lost is missing"), "{error:#}");
    let left = std::fs::read_dir(world.folder.path().join("backups")).expect("a folder");
    assert_eq!(left.count(), 0);
}
