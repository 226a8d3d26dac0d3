//! What a platform of many processes stands on: a database and an object store that all tests of this process
//! share, in each of which a platform has its own part, and a registry of services of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use servers::{Bucket, Kind, Reserved, Server, Tie, mariadb_sql};
use tempfile::TempDir;

use crate::process::{Plan, bare};

/// How many processes run each service.
pub(crate) const INSTANCES: usize = 2;

/// The gateway first: it is what a test talks to.
const SERVICES: [&str; 9] =
    ["gateway", "user", "feed", "video", "like", "comment", "follow", "message", "media"];

/// Whether the suite's platforms are clusters, by `DYTT_E2E`.
///
/// # Panics
/// When that is neither `one` nor `cluster`.
pub fn is_cluster() -> bool {
    match std::env::var("DYTT_E2E").as_deref() {
        Err(_) | Ok("one") => false,
        Ok("cluster") => true,
        Ok(other) => panic!("DYTT_E2E is one or cluster, not `{other}`"),
    }
}

/// Whether a test has to be left out because the suite runs on clusters; a line says which, and why.
pub fn skipped_in_a_cluster(why: &str) -> bool {
    if is_cluster() {
        let thread = std::thread::current();
        let line = format!("skipped in a cluster: {}: {why}\n", thread.name().unwrap_or("a test"));
        // Not `eprintln!`: the test runner hides what a passing test prints.
        // A lost line is no reason to fail.
        let _written = std::io::stderr().lock().write_all(line.as_bytes());
    }
    is_cluster()
}

/// What all clusters of this process share. It ends, and its folder goes, when the process ends.
struct Shared {
    mariadb: Server,
    s3: Server,
    /// Certificates, keys and passwords.
    secrets: PathBuf,
    tie: Tie,
    _caretaker: Child,
}

impl Shared {
    fn get() -> &'static Self {
        static STARTED: OnceLock<Shared> = OnceLock::new();
        STARTED.get_or_init(Self::start)
    }

    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("dytt-e2e-servers-").tempdir().expect("a folder");
        let needed = |started: Result<Server, servers::Error>| {
            started.unwrap_or_else(|error| panic!("DYTT_E2E=cluster stands on real servers: {error}"))
        };
        let s3 = if Kind::Minio.is_installed() { servers::minio } else { servers::seaweedfs };
        let mariadb = needed(servers::mariadb(&folder.path().join("mariadb")));
        let s3 = needed(s3(&folder.path().join("s3")));
        let secrets = folder.path().join("secrets");
        make_secrets(&secrets);
        let caretaker = remove_afterwards(folder, [mariadb.pid(), s3.pid()]);
        Self { mariadb, s3, secrets, tie: Tie::new().expect("a group"), _caretaker: caretaker }
    }
}

/// Removes the folder once this process and these of its servers have ended: statics are not dropped.
fn remove_afterwards(folder: TempDir, servers: [u32; 2]) -> Child {
    use std::os::unix::process::CommandExt;
    const SCRIPT: &str = "read -r end; while kill -0 $1 || kill -0 $2; do sleep 0.1; done; rm -rf -- \"$3\"";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT, "sh"]).args(servers.map(|pid| pid.to_string())).arg(folder.keep());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.process_group(0).spawn().expect("a caretaker")
}

fn make_secrets(folder: &Path) {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    let create = |folder: &Path| std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    create(&folder.join("tls")).and_then(|()| create(&folder.join("rpc"))).expect("folders");
    let cert = |words: &[&str]| {
        let output = bare(folder, &[]).arg("cert").args(words).output();
        let output = output.expect("dytt starts");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    cert(&["init", "--dir", "tls"]);
    cert(&[&["issue"], &SERVICES[..], &["--dir", "tls"]].concat());
    cert(&["rpc-key", "--out", "rpc/gateway"]);
    for service in &SERVICES[1..] {
        let out = format!("rpc/{service}");
        cert(&["rpc-key", "--from", "rpc/gateway", "--service", service, "--out", &out]);
    }
    for (name, secret) in [
        ("mariadb", servers::MARIADB_PASSWORD),
        ("s3.access", servers::S3_ACCESS_KEY),
        ("s3.secret", servers::S3_SECRET_KEY),
    ] {
        let mut options = std::fs::File::options();
        let file = options.write(true).create_new(true).mode(0o600).open(folder.join(name));
        file.and_then(|mut file| file.write_all(secret.as_bytes())).expect("a secret");
    }
}

/// What one cluster has for itself; it goes with this handle.
pub(crate) struct Ground {
    shared: &'static Shared,
    etcd: Server,
    name: String,
    /// Of every process, so that a restart finds its ports free.
    _ports: Vec<Reserved>,
    plans: Vec<Plan>,
}

impl Ground {
    /// For a platform that lives in this folder.
    pub(crate) fn new(folder: &Path) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let shared = Shared::get();
        let name = format!("dytt-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        mariadb_sql(shared.mariadb.port(), &format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4"))
            .expect("a database");
        let etcd = servers::etcd(&folder.join("etcd")).expect("etcd starts");
        let (mut ports, mut plans) = (Vec::new(), Vec::new());
        std::fs::create_dir_all(folder.join("log")).expect("a folder");
        for service in SERVICES {
            for number in 1..=INSTANCES {
                plans.push(plan(shared, folder, service, number, &mut ports));
            }
        }
        Self { shared, etcd, name, _ports: ports, plans }
    }

    /// The processes to be started, the gateways first.
    pub(crate) fn take_plans(&mut self) -> Vec<Plan> {
        std::mem::take(&mut self.plans)
    }

    /// The settings all processes share.
    pub(crate) fn settings(&self, data_dir: &Path) -> Vec<(String, String)> {
        let secret = |name: &str| self.shared.secrets.join(name).display().to_string();
        let (mariadb, s3) = (self.shared.mariadb.port(), self.shared.s3.port());
        let (user, name) = (servers::MARIADB_USER, &self.name);
        [
            ("DISCOVERY__KIND", "etcd".to_owned()),
            ("DISCOVERY__ENDPOINTS", format!("http://127.0.0.1:{}", self.etcd.port())),
            ("TLS__DIR", secret("tls")),
            ("STORE__URL", format!("mysql://{user}@127.0.0.1:{mariadb}/{name}")),
            ("STORE__PASSWORD_FILE", secret("mariadb")),
            ("BLOBS__URL", format!("s3://{name}?endpoint=http://127.0.0.1:{s3}&region=us-east-1")),
            ("BLOBS__ACCESS_KEY_FILE", secret("s3.access")),
            ("BLOBS__SECRET_KEY_FILE", secret("s3.secret")),
            ("AUTH__JWT_KEY_FILE", data_dir.join("keys/jwt.key").display().to_string()),
            ("AUTH__RPC_KEY_FILE", secret("rpc/gateway")),
        ]
        .map(|(key, value)| (format!("DYTT_{key}"), value))
        .into()
    }

    /// Where the objects are.
    pub(crate) fn bucket(&self) -> Bucket {
        Bucket::new(self.shared.s3.port(), &self.name)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // What is left goes with the servers at the end of this process.
        let _left = self.bucket().remove();
        let drop = format!("DROP DATABASE IF EXISTS `{}`", self.name);
        let _left = mariadb_sql(self.shared.mariadb.port(), &drop);
    }
}

fn plan(shared: &Shared, folder: &Path, service: &str, number: usize, ports: &mut Vec<Reserved>) -> Plan {
    let name = format!("{service}-{number}");
    let called = if service == "gateway" { "--listen" } else { "--rpc-listen" };
    let mut words = vec!["--services".to_owned(), service.to_owned()];
    for flag in [called, "--admin-listen"] {
        let port = Reserved::any();
        words.extend([flag.to_owned(), format!("127.0.0.1:{}", port.port())]);
        ports.push(port);
    }
    let key = shared.secrets.join("rpc").join(service).display().to_string();
    Plan {
        words,
        settings: vec![("DYTT_AUTH__RPC_KEY_FILE".into(), key)],
        data_dir: folder.join("data").join(&name),
        log: folder.join("log").join(format!("{name}.txt")),
        group: Some(shared.tie.group()),
    }
}
