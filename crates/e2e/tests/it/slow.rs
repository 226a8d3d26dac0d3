//! Peers that hold connections without using them: they are sent away, and nobody else notices.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use e2e::{Platform, eventually, raw, shape};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Of each kind.
const CROWD: usize = 100;
/// When the last of them has to be gone: one that the system forgot before it was accepted learns of it last.
const PATIENCE: Duration = Duration::from_secs(150);
/// How often a peer's system asks whether its connection is still one. A busy system forgets some of a crowd
/// that it has not accepted yet, and who says nothing would never learn that.
const ASKS: Duration = Duration::from_secs(5);
/// What all of them together may hold, in KiB: a debug build holds more than a release.
const MAX_GROWTH: u64 = 256 * 1024;

/// What a peer sends, all at once or byte by byte; then it waits.
#[derive(Clone, Copy)]
enum Kind {
    Silent,
    HalfHead,
    DrippedHead,
    DrippedBody,
    /// Asks for more than all buffers hold, and never reads.
    Deaf,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_that_only_hold_a_connection_are_sent_away_and_honest_ones_are_served() {
    // The program inherits it.
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }).expect("many files may be open");
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    let video = platform.watch(&ann, video).await;
    let path = shape::text(&video, "play_url").split_once("/media/").expect("a path").1.to_owned();
    let address: SocketAddr = platform.http().parse().expect("an address");
    let before = held(platform.pid());
    let (began, mut crowd, mut most) = (Instant::now(), JoinSet::new(), before);
    for kind in [Kind::Silent, Kind::HalfHead, Kind::DrippedHead, Kind::DrippedBody, Kind::Deaf] {
        for _ in 0..CROWD {
            crowd.spawn(peer(kind, address, path.clone()));
        }
    }
    let mut left = [CROWD; 5];
    while !crowd.is_empty() {
        assert!(began.elapsed() < PATIENCE, "still there, kind by kind: {left:?}");
        // All deaf ones asking at once are overload, for a moment.
        eventually("an honest answer", Duration::from_secs(10), async || {
            let feed = platform.get("/douyin/feed/", &[]).await;
            (feed.http == 200).then(|| feed.ok())
        })
        .await;
        most = most.max(held(platform.pid()));
        tokio::time::sleep(Duration::from_millis(50)).await;
        while let Some(gone) = crowd.try_join_next() {
            left[gone.expect("a peer is sent away") as usize] -= 1;
        }
    }
    assert!(most - before < MAX_GROWTH, "{before} KiB grew to {most} KiB");
    platform.finish().await;
}

/// Returns when it was sent away.
async fn peer(kind: Kind, address: SocketAddr, path: String) -> Kind {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let asking = TcpKeepalive::new().with_time(ASKS).with_interval(ASKS);
    SockRef::from(&stream).set_tcp_keepalive(&asking).expect("the system can ask");
    let head = "POST /douyin/publish/action/ HTTP/1.1\r\nHost: dytt.test\r\n";
    let start = match kind {
        Kind::Silent => String::new(),
        Kind::HalfHead | Kind::DrippedHead => head.to_owned(),
        Kind::DrippedBody => raw::post("/douyin/user/login/", "application/x-www-form-urlencoded", 5000),
        Kind::Deaf => format!("GET /media/{path} HTTP/1.1\r\nHost: dytt.test\r\n\r\n").repeat(200),
    };
    // Whoever is not let in is away too.
    let _away = stream.write_all(start.as_bytes()).await;
    match kind {
        Kind::Silent | Kind::HalfHead => {
            let mut piece = [0; 512];
            while stream.read(&mut piece).await.is_ok_and(|more| more > 0) {}
        }
        // Without reading, one learns of the end by writing.
        Kind::DrippedHead | Kind::DrippedBody | Kind::Deaf => {
            while stream.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
    kind
}

/// What a process holds in memory, in KiB.
fn held(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
