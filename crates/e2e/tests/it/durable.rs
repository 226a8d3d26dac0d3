//! An acknowledged change is on the disk: between a request and its success the program has waited for the
//! disk at least once. A power cut at any later moment finds the change.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use e2e::{Answer, Pairs, Platform, clip, eventually, shape, skipped_in_a_cluster};
use rustix::process::{Pid, Signal, kill_process};

const DEADLINE: Duration = Duration::from_secs(30);

/// The program's waits for the disk, written down by strace as each one ends and before the program goes on.
struct Syncs {
    strace: Child,
    record: PathBuf,
}

impl Syncs {
    async fn of(platform: &Platform) -> Self {
        let record = platform.folder().join("syncs");
        let pid = platform.pid().to_string();
        let strace = Command::new("strace")
            .args(["-f", "-qq", "-e", "trace=fsync,fdatasync", "-p", &pid, "-o"])
            .arg(&record)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("strace starts");
        let tasks = PathBuf::from(format!("/proc/{pid}/task"));
        eventually("strace follows every thread", DEADLINE, async || {
            let tasks = std::fs::read_dir(&tasks).ok()?;
            tasks.flatten().all(|task| is_traced(&task.path())).then_some(())
        })
        .await;
        Self { strace, record }
    }

    fn count(&self) -> usize {
        let record = std::fs::read_to_string(&self.record).unwrap_or_default();
        record.lines().filter(|line| line.contains("sync") && line.contains("= 0")).count()
    }
}

impl Drop for Syncs {
    fn drop(&mut self) {
        // On a signal it lets go of the program first.
        let _ended = kill_process(Pid::from_child(&self.strace), Signal::TERM);
        let _status = self.strace.wait();
    }
}

fn is_traced(task: &Path) -> bool {
    let status = std::fs::read_to_string(task.join("status")).unwrap_or_default();
    status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|pid| pid.trim() != "0"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_success_was_synced_to_the_disk_before_it_was_told() {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        assert!(std::env::var_os("CI").is_none(), "strace is missing: install it");
        println!("skipped: strace is missing, install it");
        return;
    }
    if skipped_in_a_cluster("the program that waits for the disk is then the database server") {
        return;
    }
    let platform = Platform::start().await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.video(&ann, "a clip").await;
    let syncs = Syncs::of(&platform).await;
    let told = async |what: &str, answer: Pin<Box<dyn Future<Output = Answer> + '_>>| {
        let before = syncs.count();
        let json = answer.await.ok();
        assert!(syncs.count() > before, "{what} was told before it was synced");
        json
    };
    let eves: Pairs = &[("username", &"eve"), ("password", &"a password")];
    told("a registration", Box::pin(platform.post("/douyin/user/register/", eves))).await;
    told("a like", Box::pin(platform.like(&bob, video, 1))).await;
    told("an unlike", Box::pin(platform.like(&bob, video, 2))).await;
    told("a follow", Box::pin(platform.follow(&bob, &ann, 1))).await;
    told("an unfollow", Box::pin(platform.follow(&bob, &ann, 2))).await;
    let added = told("a comment", Box::pin(platform.comment(&bob, video, "hi"))).await;
    let comment = shape::integer(&added["comment"], "id");
    told("a deletion", Box::pin(platform.uncomment(&bob, video, comment))).await;
    told("a message", Box::pin(platform.message(&bob, &ann, "hi"))).await;
    told("a video", Box::pin(platform.publish(&bob.token, clip::plain(), "of bob"))).await;
    let before = syncs.count();
    platform.get("/douyin/feed/", &[]).await.ok();
    assert_eq!(syncs.count(), before, "reading waits for no disk");
    drop(syncs);
    platform.finish().await;
}
