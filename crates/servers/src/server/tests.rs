//! What each server has to do here: start, answer, come back with its data, and never stay behind.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::*;
use crate::probe::{http, http_get};
use crate::{MARIADB_ADMIN, MARIADB_USER, or_skip};

const DEADLINE: Duration = Duration::from_secs(30);
/// Tells a copy of this test program to be the process that is killed, in this folder.
const ROLE: &str = "SERVERS_TEST_HOLDER";

fn temporary() -> TempDir {
    tempfile::Builder::new().prefix("dytt-servers-").tempdir().expect("a folder")
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < DEADLINE, "{what}: not within {} s", DEADLINE.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process runs; one that has ended and waits to be reaped does not.
fn runs(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    let state = state.and_then(|stat| stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned()));
    state.is_some_and(|rest| !rest.starts_with(['Z', 'X']))
}

fn etcd_keys(port: u16) -> Option<String> {
    http(port, "POST", "/v3/kv/range", br#"{"key":"AA==","range_end":"AA=="}"#).map(|(_, text)| text)
}

fn query(port: u16, user: &str, sql: &str) -> Option<String> {
    crate::mariadb::ask(port, user, sql).ok()
}

#[test]
fn etcd_keeps_its_keys_over_a_kill_and_forgets_them_when_wiped() {
    let dir = temporary();
    let Some(mut server) = or_skip(crate::etcd(dir.path())) else { return };
    let (port, first) = (server.port(), server.pid());
    let put = http(port, "POST", "/v3/kv/put", br#"{"key":"Zm9v","value":"YmFy"}"#).expect("an answer");
    assert_eq!(put.0, 200, "{}", put.1);
    server.kill();
    assert_eq!(http_get(port, "/health"), None);
    server.start_again().expect("it starts");
    assert_eq!(server.port(), port);
    assert_ne!(server.pid(), first);
    assert!(etcd_keys(port).expect("an answer").contains("YmFy"));
    assert!(server.wipe().is_err(), "not while it runs");
    server.stop();
    server.wipe().expect("it is wiped");
    server.start_again().expect("it starts");
    assert!(!etcd_keys(port).expect("an answer").contains("YmFy"));
}

#[test]
fn a_frozen_server_answers_nothing_until_it_is_thawed() {
    let dir = temporary();
    let Some(mut server) = or_skip(crate::etcd(dir.path())) else { return };
    assert!(!stands(server.pid()));
    server.freeze();
    assert!(stands(server.pid()));
    assert_eq!(http_get(server.port(), "/health"), None);
    assert!(runs(server.pid()));
    server.thaw();
    eventually("it answers again", || http_get(server.port(), "/health").is_some());
    server.freeze();
    server.stop();
    assert!(!runs(server.pid()));
}

#[test]
fn mariadb_keeps_what_was_committed_over_a_kill() {
    let dir = temporary();
    let Some(mut server) = or_skip(crate::mariadb(dir.path())) else { return };
    let port = server.port();
    let sql = "CREATE DATABASE dytt_a; CREATE TABLE dytt_a.t (n INT); INSERT INTO dytt_a.t VALUES (7)";
    assert!(query(port, MARIADB_USER, sql).is_some());
    server.kill();
    server.start_again().expect("it starts");
    assert_eq!(query(port, MARIADB_USER, "SELECT n FROM dytt_a.t").as_deref(), Some("7"));
    assert_eq!(query(port, MARIADB_USER, "CREATE DATABASE other"), None, "it has no rights there");
    assert!(query(port, MARIADB_ADMIN, "CREATE DATABASE other").is_some());
    let settings = "SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@collation_server";
    assert_eq!(query(port, MARIADB_USER, settings).as_deref(), Some("1\t0\tutf8mb4_bin"));
    server.stop();
    server.wipe().expect("it is wiped");
    server.start_again().expect("it starts");
    assert_eq!(query(port, MARIADB_USER, "SELECT n FROM dytt_a.t"), None);
}

#[test]
fn seaweedfs_keeps_its_objects_over_a_kill() {
    let dir = temporary();
    let Some(mut server) = or_skip(crate::seaweedfs(dir.path())) else { return };
    let filer = server.ports[6];
    assert_eq!(http(filer, "PUT", "/kept", b"bytes").map(|(status, _)| status), Some(201));
    let refused = http_get(server.port(), "/").expect("an answer");
    assert_eq!(refused.0, 403, "without credentials: {}", refused.1);
    server.kill();
    server.start_again().expect("it starts");
    let kept = || http_get(filer, "/kept").is_some_and(|(_, text)| text.ends_with("bytes"));
    eventually("the object is back", kept);
    let socket = std::path::PathBuf::from(format!("/tmp/seaweedfs-filer-grpc-{}.sock", server.ports[7]));
    assert!(socket.exists());
    server.kill();
    assert!(!socket.exists());
}

#[test]
fn minio_comes_back_on_its_port() {
    let dir = temporary();
    let Some(mut server) = or_skip(crate::minio(dir.path())) else { return };
    let port = server.port();
    assert_eq!(http_get(port, "/").map(|(status, _)| status), Some(403), "without credentials");
    server.kill();
    assert_eq!(http_get(port, "/"), None);
    server.start_again().expect("it starts");
    assert_eq!(http_get(server.port(), "/").map(|(status, _)| status), Some(403));
    assert_eq!(server.port(), port);
}

#[test]
fn zipkin_takes_spans() {
    let dir = temporary();
    let Some(mut server) = or_skip(crate::zipkin(dir.path())) else { return };
    let span = br#"[{"traceId":"00000000000000aa","id":"00000000000000bb","name":"walk",
        "timestamp":1,"duration":2,"localEndpoint":{"serviceName":"test"}}]"#;
    let port = server.port();
    assert_eq!(http(port, "POST", "/api/v2/spans", span).map(|(status, _)| status), Some(202));
    let seen = || http_get(port, "/api/v2/trace/00000000000000aa").is_some_and(|(status, _)| status == 200);
    eventually("the span is found", seen);
    server.stop();
    assert_eq!(http_get(port, "/health"), None);
}

#[test]
fn a_server_outlives_the_thread_that_started_it() {
    let dir = temporary();
    let path = dir.path().to_owned();
    let started = std::thread::spawn(move || or_skip(crate::etcd(&path))).join().expect("no panic");
    let Some(server) = started else { return };
    assert!(http_get(server.port(), "/health").is_some());
    let pid = server.pid();
    drop(server);
    assert!(!runs(pid));
}

#[test]
fn a_taken_port_is_said() {
    let dir = temporary();
    if !Kind::Etcd.is_installed() {
        return assert!(or_skip(Err(Kind::Etcd.missing())).is_none());
    }
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let refused = crate::etcd_on(dir.path(), port).err().expect("it is refused").to_string();
    assert_eq!(refused, format!("etcd fails: port {port} is taken"));
}

#[test]
fn a_server_that_ends_at_once_shows_its_log() {
    let dir = temporary();
    // A file stands where its data folder has to be.
    std::fs::write(dir.path().join("data"), "").expect("a file");
    match crate::etcd(dir.path()).err().expect("it does not start") {
        missing @ Error::Missing { .. } => assert!(or_skip(Err(missing)).is_none()),
        failed @ Error::Failed { .. } => {
            let text = failed.to_string();
            assert!(text.contains("it ended with exit status") && text.contains("/data"), "{text}");
        }
    }
}

#[test]
fn a_server_dies_with_a_killed_process() {
    if let Some(dir) = std::env::var_os(ROLE) {
        let server = crate::etcd(Path::new(&dir)).expect("it starts");
        tell(Path::new(&dir), &[server.pid(), server.tie.group().cast_unsigned()]);
        loop {
            std::thread::park();
        }
    }
    let dir = temporary();
    let Some(mut holder) = holder("a_server_dies_with_a_killed_process", dir.path()) else { return };
    let pids = told(dir.path(), &mut holder);
    assert!(pids.iter().all(|&pid| runs(pid)), "{pids:?}");
    holder.kill().and_then(|()| holder.wait()).expect("it is killed");
    eventually("server and watchdog are gone", || !pids.iter().any(|&pid| runs(pid)));
}

#[test]
fn a_detached_server_outlives_the_process_that_started_it() {
    if let Some(dir) = std::env::var_os(ROLE) {
        let port = crate::free_port();
        let dir = Path::new(&dir);
        let pid = Kind::Etcd.spawn_detached(dir, port, &dir.join("log")).expect("it starts");
        return tell(dir, &[pid, u32::from(port)]);
    }
    let dir = temporary();
    let Some(mut holder) = holder("a_detached_server_outlives_the_process_that_started_it", dir.path())
    else {
        return;
    };
    let told = told(dir.path(), &mut holder);
    assert!(holder.wait().expect("it ends").success());
    let pid = Pid::from_raw(told[0].cast_signed()).expect("not zero");
    // It has no handle here that would end it when a check fails.
    let ready = std::panic::catch_unwind(|| eventually("it is ready", || Kind::Etcd.is_ready(dir.path())));
    let session = rustix::process::getsid(Some(pid));
    kill_process(pid, Signal::KILL).expect("it runs");
    assert!(ready.is_ok());
    assert_eq!(session, Ok(pid), "a session of its own");
    eventually("it is gone", || !runs(told[0]));
    assert_eq!(http_get(told[1] as u16, "/health"), None);
}

/// This test program again, with one test, which then plays the other role.
fn holder(test: &str, dir: &Path) -> Option<Child> {
    if !Kind::Etcd.is_installed() {
        assert!(or_skip(Err(Kind::Etcd.missing())).is_none());
        return None;
    }
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command.args(["--exact", &format!("server::tests::{test}")]).env(ROLE, dir);
    Some(command.stdout(Stdio::null()).spawn().expect("it starts"))
}

fn tell(dir: &Path, numbers: &[u32]) {
    let words: Vec<String> = numbers.iter().map(u32::to_string).collect();
    std::fs::write(dir.join("told.new"), words.join(" ")).expect("it is written");
    std::fs::rename(dir.join("told.new"), dir.join("told")).expect("it is renamed");
}

fn told(dir: &Path, holder: &mut Child) -> Vec<u32> {
    let mut text = String::new();
    eventually("the holder tells its numbers", || {
        text = std::fs::read_to_string(dir.join("told")).unwrap_or_default();
        let ended = holder.try_wait().expect("a state");
        assert!(ended.is_none_or(|status| status.success()), "the holder failed");
        !text.is_empty()
    });
    text.split(' ').map(|word| word.parse().expect("a number")).collect()
}
