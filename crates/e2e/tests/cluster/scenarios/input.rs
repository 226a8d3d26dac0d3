//! What a process is told wrongly: it ends at once with one line that names the thing, opens nothing and is
//! not registered. And what others write wrongly into etcd: nobody minds.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, run};
use crate::front::{Front, How};

const REFUSED_WITHIN: Duration = Duration::from_secs(2);
const LIKES: usize = 100;

/// A wrong start: what is wrong, who is started with which settings and words, and what the line must name.
struct Wrong {
    what: &'static str,
    service: &'static str,
    settings: Vec<(&'static str, String)>,
    words: Vec<String>,
    named: &'static str,
}

fn wrong(
    what: &'static str,
    service: &'static str,
    key: &'static str,
    value: impl ToString,
    named: &'static str,
) -> Wrong {
    Wrong { what, service, settings: vec![(key, value.to_string())], words: Vec::new(), named }
}

pub async fn a_wrong_start_is_refused_in_one_line(cluster: Arc<Cluster>) {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let file = |name: &str, text: &str| -> PathBuf {
        private(&at(name), text.as_bytes());
        at(name)
    };
    let tls = |name: &str, change: &dyn Fn(&Path)| -> String {
        certificates(&cluster, &at(name), change);
        at(name).display().to_string()
    };
    let database = cluster.port("mariadb");
    let statements =
        format!("CREATE USER IF NOT EXISTS 'stranger'@'%' IDENTIFIED BY '{}'", servers::MARIADB_PASSWORD);
    servers::mariadb_sql(database, &statements).expect("a user without rights");
    let comments = cluster.dir().join("tls/comment.key");
    let mut all = vec![
        wrong(
            "no key beside the certificate",
            "like",
            "DYTT_TLS__DIR",
            tls("half", &|dir| {
                std::fs::remove_file(dir.join("like.key")).expect("it was there");
            }),
            "like.key",
        ),
        wrong(
            "half a certificate",
            "like",
            "DYTT_TLS__DIR",
            tls("cut", &|dir| {
                let whole = std::fs::read(dir.join("like.pem")).expect("it is there");
                std::fs::write(dir.join("like.pem"), &whole[..whole.len() / 2]).expect("it is cut");
            }),
            "like.pem",
        ),
        wrong(
            "a key all may read",
            "like",
            "DYTT_TLS__DIR",
            tls("loose", &|dir| {
                let mode = std::fs::Permissions::from_mode(0o644);
                std::fs::set_permissions(dir.join("like.key"), mode).expect("it is loosened");
            }),
            "like.key",
        ),
        wrong(
            "another's key",
            "like",
            "DYTT_TLS__DIR",
            tls("mixed", &|dir| {
                std::fs::copy(&comments, dir.join("like.key")).expect("it is copied");
            }),
            "like.key",
        ),
        wrong("no RPC key", "like", "DYTT_AUTH__RPC_KEY_FILE", "/nowhere/like.key", "auth.rpc_key_file"),
        wrong(
            "another's RPC key",
            "like",
            "DYTT_AUTH__RPC_KEY_FILE",
            cluster.dir().join("keys/rpc/comment.key").display(),
            "auth.rpc_key_file",
        ),
        wrong(
            "a wrong database password",
            "like",
            "DYTT_STORE__PASSWORD_FILE",
            file("password", "wrong").display(),
            "store",
        ),
        wrong(
            "a database user without rights",
            "like",
            "DYTT_STORE__URL",
            format!("mysql://stranger@127.0.0.1:{database}/dytt"),
            "store",
        ),
        wrong(
            "wrong credentials of the bucket",
            "media",
            "DYTT_BLOBS__SECRET_KEY_FILE",
            file("secret", "wrong-secret-of-tests").display(),
            "blobs",
        ),
        wrong("a database of one process", "user", "DYTT_STORE__URL", "sqlite:dytt.sqlite", "store.url"),
        wrong("no such service", "likes", "DYTT_LIMITS__ENABLED", "false", "`likes`"),
        wrong("no such key", "like", "DYTT_RPC__LISTNE", "127.0.0.1:0", "rpc.listen"),
    ];
    for (what, word, taken, named) in [
        ("another's port for calls", "--rpc-listen", "like-1", "rpc.listen"),
        ("another's port for operators", "--admin-listen", "gateway-1", "server.admin_listen"),
    ] {
        let words = vec![word.to_owned(), cluster.address(taken)];
        all.push(Wrong { what, service: "like", settings: Vec::new(), words, named });
    }
    let before = cluster.registered().await;
    let (mut slowest, mut faults) = (Duration::ZERO, Vec::new());
    for one in &all {
        let began = Instant::now();
        let (code, said) = refused(&cluster, one, &folder.path().join("data")).await;
        let took = began.elapsed();
        slowest = slowest.max(took);
        println!("  {} ({} ms): {said}", one.what, took.as_millis());
        // Beside the line for whoever started it there may be lines of its log.
        let lines = said.lines().filter(|line| !line.starts_with('{')).count();
        if code.is_none_or(|code| code == 0)
            || lines != 1
            || !said.contains(one.named)
            || took > REFUSED_WITHIN
        {
            faults.push(format!("{}: exit {code:?} after {took:?}, {lines} lines: {said}", one.what));
        }
    }
    servers::mariadb_sql(database, "DROP USER 'stranger'@'%'").expect("the user is gone");
    println!(
        "input: {} wrong starts refused, the slowest in {} ms",
        all.len() - faults.len(),
        slowest.as_millis()
    );
    assert_eq!(cluster.registered().await, before, "none of them was registered");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

pub async fn broken_keys_in_etcd_bother_nobody(cluster: Arc<Cluster>) {
    let front = Front::new(&cluster);
    let ann = front.join("keys ann").await;
    let video = front.video(&ann, "keys").await;
    let keys = ["/like/v1/127.0.0.1:1", "/like/v1/", "/like/v1/x/y", "/like/v1/127.0.0.1:2"];
    let values =
        ["{broken", "{}", "[]", r#"{"name":"user","addr":"127.0.0.1:2","version":"v1","weight":100}"#];
    for (key, value) in keys.iter().zip(values) {
        cluster.etcdctl(&["put", key, value]).await;
    }
    let mut failed = 0;
    for _ in 0..LIKES {
        let pairs =
            [("token", ann.token.clone()), ("video_id", video.to_string()), ("action_type", "1".into())];
        failed +=
            usize::from(!matches!(front.post("/douyin/favorite/action/", &pairs).await.how, How::Done(_)));
    }
    let listed = cluster.dytt(&["services", "list"]).await;
    for key in keys {
        cluster.etcdctl(&["del", key]).await;
    }
    println!("keys: {} broken keys in etcd, {failed} of {LIKES} likes failed", keys.len());
    assert_eq!(failed, 0);
    assert!(listed.code == Some(0) && listed.stdout.contains(&cluster.address("like-1")), "{listed:?}");
}

/// The exit code and what was complained of.
async fn refused(cluster: &Cluster, wrong: &Wrong, data: &Path) -> (Option<i32>, String) {
    let mut command = cluster.beside();
    command.env("DYTT_AUTH__RPC_KEY_FILE", cluster.dir().join(format!("keys/rpc/{}.key", wrong.service)));
    command.envs(wrong.settings.iter().map(|(key, value)| (key, value)));
    command.args(["serve", "--services", wrong.service, "--config"]);
    command.arg(cluster.dir().join("dytt.toml")).arg("--data-dir").arg(data).args(&wrong.words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = tokio::time::timeout(REFUSED_WITHIN * 10, run(command)).await;
    let Ok(ended) = ended else { return (None, "it did not end".into()) };
    assert!(!data.join("serve.json").exists(), "{}: nothing is announced", wrong.what);
    (ended.code, ended.stderr.trim().to_owned())
}

/// A folder of certificates like the cluster's, changed.
fn certificates(cluster: &Cluster, dir: &Path, change: &dyn Fn(&Path)) {
    std::fs::create_dir(dir).expect("a folder");
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)).expect("it is private");
    for name in ["ca.pem", "like.pem", "like.key"] {
        std::fs::copy(cluster.dir().join("tls").join(name), dir.join(name)).expect("it is copied");
    }
    change(dir);
}

fn private(file: &Path, bytes: &[u8]) {
    std::fs::write(file, bytes).expect("it is written");
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).expect("it is private");
}
