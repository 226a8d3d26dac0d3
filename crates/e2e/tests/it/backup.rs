//! A backup made while people are busy, and what becomes of it elsewhere.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::{Ended, Pairs, Platform, User, clip, eventually, is_cluster, shape, skipped_in_a_cluster};
use reqwest::Method;
use serde_json::{Value, json};

/// A platform that nobody has used yet, and that is not running.
async fn empty() -> Platform {
    let mut platform = Platform::start().await;
    platform.stop().await;
    if !is_cluster() {
        std::fs::remove_dir_all(platform.data_dir()).expect("removed");
    }
    platform
}

/// A backup of a platform, made now.
async fn backup(platform: &Platform) -> PathBuf {
    let folder = platform.folder().join("backup");
    let ended = platform.command(&["backup", &folder.display().to_string()]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    folder
}

async fn restore(platform: &Platform, backup: &Path) -> Ended {
    platform.command(&["restore", "--verify", &backup.display().to_string()]).await
}

/// Everything below a folder, the folder included.
fn all(folder: &Path) -> Vec<PathBuf> {
    let below = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = below.flat_map(|path| all(&path)).collect();
    paths.push(folder.to_owned());
    paths.sort_unstable();
    paths
}

/// What stands in the feed under this title.
#[derive(Debug, PartialEq)]
struct Seen {
    id: i64,
    title: String,
    author: String,
    likes: i64,
    comments: i64,
    clip: Vec<u8>,
    cover: Vec<u8>,
}

/// The feed's videos that have one of these titles.
async fn seen(platform: &Platform, titles: &[&str]) -> Vec<Seen> {
    let mut seen = Vec::new();
    for video in platform.get("/douyin/feed/", &[]).await.list("video_list") {
        shape::video(&video);
        let title = shape::text(&video, "title").to_owned();
        if titles.contains(&title.as_str()) {
            seen.push(Seen {
                id: shape::integer(&video, "id"),
                author: shape::text(&video["author"], "name").to_owned(),
                likes: shape::integer(&video, "favorite_count"),
                comments: shape::integer(&video, "comment_count"),
                clip: bytes(platform, &video, "play_url").await,
                cover: bytes(platform, &video, "cover_url").await,
                title,
            });
        }
    }
    seen
}

async fn bytes(platform: &Platform, video: &Value, field: &str) -> Vec<u8> {
    let response = platform.fetch(shape::text(video, field)).await;
    assert_eq!(response.status().as_u16(), 200, "{video}");
    response.bytes().await.expect("the bytes").to_vec()
}

/// Publishes, likes, comments, deletes, and never ends.
async fn be_busy(platform: &Platform, busy: &User, video: i64) {
    for number in 0.. {
        let published = platform.video(busy, &format!("busy {number}")).await;
        platform.like(busy, video, 1 + number % 2).await.ok();
        platform.comment(busy, published, "busy").await.ok();
        let deleted =
            platform.api(Some(busy), Method::DELETE, &format!("/videos/{published}"), Value::Null).await;
        assert!((200..300).contains(&deleted.status), "{deleted:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_while_people_are_busy_plays_the_same_feed_elsewhere() {
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let (busy, busy_video) = {
        let busy = platform.register("busy").await;
        let video = platform.video(&busy, "always there").await;
        (busy, video)
    };
    let (first, second) = (platform.video(&ann, "first").await, platform.video(&bob, "第二 \"🎬\"").await);
    let titles = ["first", "第二 \"🎬\""];
    platform.like(&bob, first, 1).await.ok();
    platform.like(&ann, first, 1).await.ok();
    platform.like(&ann, second, 1).await.ok();
    platform.comment(&bob, first, "nice\n一条").await.ok();
    platform.follow(&bob, &ann, 1).await.ok();
    platform.message(&bob, &ann, "hello").await.ok();
    platform.rendered(&ann, first).await;
    platform.rendered(&bob, second).await;
    let before = seen(&platform, &titles).await;
    assert_eq!(before.len(), 2, "{before:?}");
    let made = tokio::select! {
        made = backup(&platform) => made,
        () = be_busy(&platform, &busy, busy_video) => unreachable!("it never ends"),
    };
    for path in all(&made) {
        let mode = std::fs::metadata(&path).expect("is there").permissions().mode() & 0o777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
    let mut other = empty().await;
    let ended = restore(&other, &made).await;
    assert_eq!((ended.code, ended.stdout.lines().last()), (Some(0), Some("clean")), "{ended:?}");
    other.restart().await;
    assert_eq!(seen(&other, &titles).await, before);
    other.see(&ann, "/douyin/user/", &[("user_id", &ann.id)]).await.refused(100_004);
    let (ann, bob) = (other.login("ann").await, other.login("bob").await);
    assert_eq!(other.profile(&ann, &bob).await["is_follow"], false);
    assert_eq!(other.profile(&bob, &ann).await["is_follow"], true);
    assert_eq!(other.profile(&bob, &ann).await["total_favorited"], 2);
    assert_eq!(other.chat(&ann, &bob, 0).await.len(), 1);
    let comments: Pairs = &[("video_id", &first)];
    let comments = other.see(&ann, "/douyin/comment/list/", comments).await.list("comment_list");
    assert_eq!((comments.len(), shape::text(&comments[0], "content")), (1, "nice\n一条"));
    // It goes on as if nothing had happened.
    let third = other.video(&ann, "third").await;
    assert!(third > first.max(second).max(busy_video));
    other.rendered(&ann, third).await;
    other.finish().await;
    platform.finish().await;
}

#[tokio::test]
async fn a_platform_that_has_something_is_left_as_it_is() {
    let mut platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    platform.rendered(&ann, video).await;
    let made = backup(&platform).await;
    let objects = platform.objects();
    let again = platform.command(&["backup", &made.display().to_string()]).await;
    assert!(again.code == Some(1) && again.stderr.contains("is not empty"), "{again:?}");
    let running = restore(&platform, &made).await;
    assert!(running.code == Some(1) && running.stderr.contains("in use"), "{running:?}");
    platform.stop().await;
    let used = restore(&platform, &made).await;
    assert!(used.code == Some(1) && used.stderr.contains("holds a platform already"), "{used:?}");
    assert_eq!(platform.objects(), objects);
    platform.restart().await;
    assert_eq!(seen(&platform, &["clip"]).await.len(), 1);

    let other = empty().await;
    other.put_object("p/00000000000000000000000000000001.mp4", b"orphan");
    let littered = restore(&other, &made).await;
    assert!(littered.code == Some(1) && littered.stderr.contains("holds objects already"), "{littered:?}");
    assert_eq!(other.objects(), ["p/00000000000000000000000000000001.mp4"]);
    other.delete_object("p/00000000000000000000000000000001.mp4");
    let restored = restore(&other, &made).await;
    assert_eq!(restored.code, Some(0), "{restored:?}");
    // All but what was replaced and waits to be deleted.
    assert!(other.objects().iter().all(|key| objects.contains(key)));
    other.finish().await;
    platform.finish().await;
}

#[tokio::test]
async fn a_damaged_or_half_backup_is_refused_and_leaves_nothing() {
    if skipped_in_a_cluster("a backup is read the same whatever it is restored to") {
        return;
    }
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    platform.video(&ann, "clip").await;
    let made = backup(&platform).await;
    let object = platform.objects().into_iter().find(|key| key.ends_with(".mp4")).expect("an object");
    let elsewhere = platform.folder().join("elsewhere").display().to_string();
    let set = made.display().to_string();
    let refused = async |name: &str| {
        let words = ["restore", "--verify", &set, "--data-dir", &elsewhere];
        let restored = e2e::run(platform.folder(), platform.settings(), &words).await;
        let checked = platform.command(&["restore", "--check-only", &set]).await;
        for ended in [restored, checked] {
            assert!(ended.code == Some(1) && ended.stderr.contains(name), "{name}: {ended:?}");
        }
        assert!(!Path::new(&elsewhere).exists(), "{name}");
    };
    for name in ["rows/user.jsonl", "objects.jsonl", &format!("objects/{object}"), "manifest.json"] {
        let path = made.join(name);
        let whole = std::fs::read(&path).expect("read");
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        for bytes in [Some(&changed[..]), Some(&whole[..whole.len() / 2]), None] {
            match bytes {
                Some(bytes) => std::fs::write(&path, bytes).expect("written"),
                None => std::fs::remove_file(&path).expect("removed"),
            }
            refused(name).await;
        }
        std::fs::write(&path, whole).expect("written");
    }
    let whole = platform.command(&["restore", "--check-only", &set]).await;
    assert_eq!(whole.code, Some(0), "{whole:?}");
    platform.finish().await;
}

/// The SHA-256 of a file, as the usual tool tells it.
fn sha256(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().expect("sha256sum starts");
    String::from_utf8_lossy(&output.stdout)[..64].to_owned()
}

#[tokio::test]
async fn a_restore_that_fails_half_way_leaves_an_empty_platform() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    platform.video(&ann, "clip").await;
    let made = backup(&platform).await;
    let [rows, manifest, hash] =
        ["rows/user.jsonl", "manifest.json", "manifest.sha256"].map(|name| made.join(name));
    let read = |path: &Path| std::fs::read_to_string(path).expect("read");
    let (whole, sealed, right) = (read(&rows), read(&manifest), read(&hash));
    // Every hash is right, and one row is not: nobody finds out before it is loaded.
    let before = sha256(&rows);
    assert!(whole.contains("\"name_key\"") && sealed.contains(&before));
    std::fs::write(&rows, whole.replace("\"name_key\"", "\"name_kee\"")).expect("written");
    std::fs::write(&manifest, sealed.replace(&before, &sha256(&rows))).expect("written");
    std::fs::write(&hash, format!("{}  manifest.json\n", sha256(&manifest))).expect("written");
    let mut other = empty().await;
    let failed = restore(&other, &made).await;
    assert!(failed.code == Some(1) && failed.stderr.contains("no column `name_kee`"), "{failed:?}");
    assert_eq!(other.objects(), [""; 0]);
    for (path, text) in [(rows, whole), (manifest, sealed), (hash, right)] {
        std::fs::write(path, text).expect("written");
    }
    let restored = restore(&other, &made).await;
    assert_eq!(restored.code, Some(0), "{restored:?}");
    other.restart().await;
    assert_eq!(seen(&other, &["clip"]).await.len(), 1);
    other.finish().await;
    platform.finish().await;
}

#[tokio::test]
async fn an_object_that_is_lost_or_changed_is_named_and_there_is_no_backup() {
    let mut platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    platform.rendered(&ann, video).await;
    let plays = shape::text(&platform.watch(&ann, video).await, "play_url").to_owned();
    platform.stop().await;
    let key = platform.objects().into_iter().find(|key| plays.contains(key)).expect("an object");
    let whole = platform.object(&key);
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    // What SQLite keeps beside a database goes when the last process has closed it, which a busy machine puts off.
    let kept = |platform: &Platform| {
        let mut all = all(platform.folder());
        all.retain(|path| path.extension().is_none_or(|kind| kind != "sqlite-wal" && kind != "sqlite-shm"));
        all
    };
    let around = kept(&platform);
    let folder = platform.folder().join("backup").display().to_string();
    for (bytes, told) in [(None, "is missing"), (Some(changed), "has other content")] {
        match bytes {
            Some(bytes) => platform.put_object(&key, &bytes),
            None => platform.delete_object(&key),
        }
        let ended = platform.command(&["backup", &folder]).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains(&key) && ended.stderr.contains(told), "{ended:?}");
        platform.put_object(&key, &whole);
        assert_eq!(kept(&platform), around);
    }
    let nowhere = platform.command(&["backup", "/nowhere/at/all"]).await;
    assert!(nowhere.code == Some(1) && nowhere.stderr.contains("/nowhere/at"), "{nowhere:?}");
    backup(&platform).await;
    platform.finish().await;
}

#[tokio::test]
async fn what_is_under_way_goes_on_elsewhere() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    platform.publish(&ann.token, clip::long_webm(), "webm").await.ok();
    let (whole, half) = (clip::plain(), clip::plain().len() / 2);
    let upload = platform.begin_upload(&ann, whole.len()).await;
    platform.append(&ann, &upload, 0, &whole[..half], &[]).await.ok(204);
    let made = backup(&platform).await;
    let mut other = empty().await;
    let ended = restore(&other, &made).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    other.restart().await;
    let ann = other.login("ann").await;
    let list = other.see(&ann, "/douyin/publish/list/", &[]).await.list("video_list");
    other.rendered(&ann, shape::integer(&list[0], "id")).await;
    // In a cluster a feed learns within a second of what was published elsewhere.
    let plays = async |title: &str| {
        let shown = async || (seen(&other, &[title]).await.len() == 1).then_some(());
        eventually(&format!("{title} plays"), Duration::from_secs(10), shown).await;
    };
    plays("webm").await;
    assert_eq!(other.arrived(&ann, &upload).await, Some(half));
    other.append(&ann, &upload, half, &whole[half..], &[]).await.ok(204);
    let body =
        json!({ "upload": upload.strip_prefix("/uploads/"), "title": "resumed", "visibility": "public" });
    other.api(Some(&ann), Method::POST, "/videos", body).await.ok(201);
    plays("resumed").await;
    other.finish().await;
    platform.finish().await;
}
