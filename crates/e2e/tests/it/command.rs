//! The operator's commands, on a platform that runs and on one that does not.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use e2e::{Platform, clip, eventually, is_cluster, run, shape, skipped_in_a_cluster};
use serde_json::Value;

fn faults(ended: &e2e::Ended) -> Vec<Value> {
    let json: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("no JSON: {ended:?}"));
    json.as_array().expect("a list").clone()
}

#[tokio::test]
async fn fsck_finds_a_lost_a_changed_and_a_cut_object() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    platform.video(&ann, "clip").await;
    let key = platform.objects().into_iter().find(|key| key.ends_with(".mp4")).expect("an object");
    let whole = platform.object(&key);
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    for (bytes, words, found) in [
        (Some(&changed[..]), &["fsck", "--json"][..], false),
        (Some(&changed[..]), &["fsck", "--json", "--deep"], true),
        (Some(&whole[..whole.len() - 1]), &["fsck", "--json"], true),
        (None, &["fsck", "--json"], true),
        (Some(&whole[..]), &["fsck", "--json", "--deep"], false),
    ] {
        match bytes {
            Some(bytes) => platform.put_object(&key, bytes),
            None => platform.delete_object(&key),
        }
        let ended = platform.command(words).await;
        assert_eq!(
            (ended.code, faults(&ended).len()),
            (Some(i32::from(found)), usize::from(found)),
            "{words:?} {ended:?}"
        );
        assert!(!found || ended.stdout.contains(&key), "{ended:?}");
    }
    platform.finish().await;
}

#[tokio::test]
async fn repair_removes_orphans_when_nobody_serves_the_folder() {
    // The least there is.
    const ORPHANS_LIVE: &str = "120";
    let mut platform = Platform::with(&[("DYTT_BLOBS__ORPHAN_TTL_SECONDS", ORPHANS_LIVE)]).await;
    let ann = platform.register("ann").await;
    platform.video(&ann, "clip").await;
    let files = platform.files();
    let long_ago = SystemTime::now() - Duration::from_secs(48 * 3600);
    let orphans = ["p/00000000000000000000000000000001.mp4", "o/00000000000000000000000000000002.bin"];
    let refused = platform.command(&["fsck", "--repair"]).await;
    assert!(refused.code != Some(0) && refused.stderr.contains("in use"), "{refused:?}");
    platform.stop().await;
    for orphan in orphans {
        platform.put_object(orphan, b"orphan");
    }
    platform.begin_object("o/00000000000000000000000000000003.bin");
    // Objects in a bucket cannot be made older than they are.
    for file in platform.files().iter().filter(|file| !is_cluster() && !files.contains(file)) {
        let file = std::fs::File::options().write(true).open(file).expect("opened");
        file.set_modified(long_ago).expect("aged");
    }
    let mut waits = tokio::time::interval(Duration::from_secs(2));
    eventually("the orphans are old enough to be found", Duration::from_secs(180), async || {
        waits.tick().await;
        let found = platform.command(&["fsck", "--json"]).await;
        let count = faults(&found).len();
        assert!(count <= orphans.len() && found.code == Some(i32::from(count > 0)), "{found:?}");
        (count == orphans.len()).then_some(())
    })
    .await;
    let repaired = platform.command(&["fsck", "--repair"]).await;
    assert_eq!(repaired.code, Some(0), "{repaired:?}");
    assert_eq!(platform.files(), files);
    platform.restart().await;
    platform.finish().await;
}

/// What a crash left goes at the next start; what arrives from then on stays.
#[tokio::test]
async fn a_start_removes_what_belongs_to_nothing() {
    if skipped_in_a_cluster("what a process of many finds at its start may be another's work") {
        return;
    }
    let mut platform = Platform::start().await;
    platform.stop().await;
    let folder = platform.data_dir().join("objects/o");
    std::fs::create_dir_all(&folder).expect("a folder");
    let left = ["00000000000000000000000000000001.bin", "00000000000000000000000000000002.bin#1"];
    let left = left.map(|name| folder.join(name));
    for path in &left {
        std::fs::write(path, "orphan").expect("written");
    }
    platform.restart().await;
    let arriving = folder.join("00000000000000000000000000000003.bin");
    std::fs::write(&arriving, "arriving").expect("written");
    eventually("what was left is gone", Duration::from_secs(20), async || {
        left.iter().all(|path| !path.exists()).then_some(())
    })
    .await;
    assert!(arriving.exists());
    platform.finish().await;
}

#[tokio::test]
async fn a_revocation_ends_every_login_within_seconds() {
    let platform = Platform::start().await;
    let (ann, again, bob) =
        (platform.register("ann").await, platform.login("ann").await, platform.register("bob").await);
    let ended = platform.command(&["user", "revoke", "ANN"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for login in [&ann, &again] {
        eventually("the login has ended", Duration::from_secs(5), async || {
            let code = platform.see(login, "/douyin/user/", &[]).await.code();
            assert!(matches!(code, 0 | 100_004), "{code}");
            (code == 100_004).then_some(())
        })
        .await;
    }
    platform.profile(&bob, &ann).await;
    let fresh = platform.login("ann").await;
    platform.profile(&fresh, &ann).await;
    let unknown = platform.command(&["user", "revoke", "nobody"]).await;
    assert!(unknown.code != Some(0) && unknown.stderr.contains("no user"), "{unknown:?}");
    platform.finish().await;
}

/// Revoked stays revoked when the platform starts anew.
#[tokio::test]
async fn a_revocation_holds_after_a_restart_from_the_first_request_on() {
    let mut platform = Platform::start().await;
    let ann = platform.register("ann").await;
    platform.stop().await;
    let ended = platform.command(&["user", "revoke", "ann"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    platform.restart().await;
    platform.see(&ann, "/douyin/user/", &[]).await.refused(100_004);
    platform.finish().await;
}

#[tokio::test]
async fn the_schema_is_shown_as_applied() {
    let platform = Platform::start().await;
    let shown = platform.command(&["migrate", "status"]).await;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.stdout.contains("applied") && !shown.stdout.contains("pending"), "{shown:?}");
    platform.finish().await;
}

#[tokio::test]
async fn help_is_given_and_an_unknown_command_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let help = e2e::run(folder.path(), &[], &["--help"]).await;
    assert_eq!(help.code, Some(0));
    for command in ["serve", "fsck", "config", "demo", "migrate", "user", "backup", "restore"] {
        assert!(help.stdout.contains(command), "{command}");
    }
    let unknown = e2e::run(folder.path(), &[], &["srve"]).await;
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.stderr.contains("serve"), "{unknown:?}");
}

/// The titles and what happened to each video.
async fn story(platform: &Platform) -> BTreeMap<String, (String, i64, i64)> {
    let feed = platform.get("/douyin/feed/", &[]).await.list("video_list");
    let tell = |video: &Value| {
        shape::video(video);
        let author = shape::text(&video["author"], "name").to_owned();
        let counts = (shape::integer(video, "favorite_count"), shape::integer(video, "comment_count"));
        (shape::text(video, "title").to_owned(), (author, counts.0, counts.1))
    };
    feed.iter().map(tell).collect()
}

/// One with a platform that runs, one without.
#[tokio::test]
async fn the_demo_tells_the_same_story_for_the_same_seed() {
    let (live, mut asleep) = (Platform::start().await, Platform::start().await);
    asleep.stop().await;
    for platform in [&live, &asleep] {
        let ended = platform.command(&["demo", "--seed", "7"]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    asleep.restart().await;
    let (told, retold) = (story(&live).await, story(&asleep).await);
    assert_eq!(told, retold);
    assert_eq!(told.len(), 24);
    assert_eq!(live.register("thirteenth").await.id, 13, "after twelve people");
    let again = live.command(&["demo", "--seed", "8"]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(story(&live).await, told, "a second demo changes nothing");
    live.finish().await;
    asleep.finish().await;
}

#[tokio::test]
async fn a_job_is_listed_while_it_is_not_done_and_leaves_nothing_when_cancelled() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let nothing = platform.command(&["jobs", "list"]).await;
    assert_eq!(nothing.stdout, "no job waits, runs or was given up\n", "{nothing:?}");
    platform.publish(&ann.token, clip::long_webm(), "webm").await.ok();
    let listed = jobs(&platform).await;
    let number = listed[0]["job"].to_string();
    assert!(
        listed.len() == 1 && ["queued", "leased"].contains(&shape::text(&listed[0], "state")),
        "{listed:?}"
    );
    let early = platform.command(&["jobs", "retry", &number]).await;
    assert!(early.code == Some(1) && early.stderr.contains("only a dead one"), "{early:?}");
    let cancelled = platform.command(&["jobs", "cancel", &number]).await;
    assert!(cancelled.code == Some(0) && cancelled.stdout.contains("is cancelled"), "{cancelled:?}");
    let listed = jobs(&platform).await;
    assert_eq!((&listed[0]["state"], &listed[0]["error"]), (&"dead".into(), &"cancelled".into()));
    let shown = platform.command(&["jobs", "list"]).await;
    assert!(shown.stdout.lines().count() == 2 && shown.stdout.contains("cancelled"), "{shown:?}");
    let late = platform.command(&["jobs", "retry", &number]).await;
    assert!(late.code == Some(1) && late.stderr.contains("is gone"), "{late:?}");
    let unknown = platform.command(&["jobs", "cancel", "999999"]).await;
    assert!(unknown.code == Some(1) && unknown.stderr.contains("there is no job 999999"), "{unknown:?}");
    if !is_cluster() {
        let address = format!("http://{}/metrics", platform.admin());
        eventually("the metrics tell of it", Duration::from_secs(30), async || {
            let metrics = platform.fetch(&address).await.text().await.expect("text");
            metrics.contains("dytt_media_jobs{state=\"dead\"} 1").then_some(())
        })
        .await;
    }
    // The worker that had it notices, and what it was making goes too.
    eventually("nothing of the upload is left", Duration::from_secs(30), async || {
        platform.files().is_empty().then_some(())
    })
    .await;
    platform.finish().await;
}

async fn jobs(platform: &Platform) -> Vec<Value> {
    let ended = platform.command(&["jobs", "list", "--json"]).await;
    let json: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("no JSON: {ended:?}"));
    json.as_array().expect("a list").clone()
}

#[tokio::test]
async fn the_doctor_finds_a_running_platform_well_and_leaves_nothing() {
    let platform = Platform::start().await;
    let before = platform.files();
    let ended = platform.command(&["doctor"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for what in ["ffmpeg", "disk", "database", "clock", "objects"] {
        assert!(
            ended.stdout.lines().any(|line| line.starts_with(&format!("ok   {what} "))),
            "{}",
            ended.stdout
        );
    }
    assert!(ended.stdout.contains(", confined"), "{}", ended.stdout);
    assert_eq!(platform.files(), before);
    platform.finish().await;
}

#[tokio::test]
async fn the_doctor_says_what_is_wrong_and_what_helps() {
    let folder = tempfile::tempdir().expect("a folder");
    let check = async |name: &str, value: &str, said: &[&str]| {
        let settings = [(name.to_owned(), value.to_owned())];
        let ended = run(folder.path(), &settings, &["doctor"]).await;
        assert_eq!(ended.code, Some(1), "{name}: {ended:?}");
        let line = ended.stdout.lines().find(|line| line.starts_with("BAD")).unwrap_or_default();
        assert!(said.iter().all(|word| line.contains(word)), "{name}: {ended:?}");
    };
    check("DYTT_MEDIA__FFMPEG", "no-such-ffmpeg", &["no-such-ffmpeg", "apt-get install ffmpeg"]).await;
    check("DYTT_BLOBS__MIN_FREE_BYTES", "1000000000000000", &["GiB free", "make room"]).await;
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "it makes nothing");
}
