//! An etcd behind TLS that asks for certificates: reached with ours, and not without them.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;

/// An etcd with certificates; killed at its end.
struct Secured {
    etcd: Child,
    url: String,
    folder: TempDir,
}

impl Drop for Secured {
    fn drop(&mut self) {
        // Either may fail only because it has ended already.
        let _ = self.etcd.kill();
        let _ = self.etcd.wait();
    }
}

impl Secured {
    /// None where etcd or openssl are missing.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        // Says how etcd is had where it is missing.
        drop(servers::or_skip(servers::etcd(&folder.path().join("plain")))?);
        let path = |name: &str| folder.path().join(name).display().to_string();
        for root in ["root", "foreign"] {
            certificate(folder.path(), root, None);
        }
        for (leaf, root) in [("etcd", "root"), ("user", "root"), ("stranger", "foreign")] {
            certificate(folder.path(), leaf, Some(root));
        }
        let [client, peer] = [(); 2].map(|()| servers::free_port());
        let (url, peer) = (format!("https://127.0.0.1:{client}"), format!("http://127.0.0.1:{peer}"));
        let mut command = Command::new("etcd");
        command.args([
            "--name",
            "one",
            "--data-dir",
            &path("data"),
            "--log-level",
            "error",
            "--logger",
            "zap",
        ]);
        command.args(["--listen-client-urls", &url, "--advertise-client-urls", &url]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("one={peer}"), "--client-cert-auth"]);
        command.args(["--cert-file", &path("etcd.pem"), "--key-file", &path("etcd.key")]);
        command.args(["--trusted-ca-file", &path("root.pem")]);
        let etcd = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("etcd");
        Some(Self { etcd, url, folder })
    }

    fn process(&self, roots: &str, leaf: &str) -> Process {
        let path = |name: &str, kind: &str| self.folder.path().join(format!("{name}.{kind}"));
        let tls =
            TlsFiles { roots: path(roots, "pem"), certificate: path(leaf, "pem"), key: path(leaf, "key") };
        let config = Config { kind: Kind::Etcd, endpoints: vec![self.url.clone()], weight: 100 };
        let stop = CancellationToken::new();
        let memory = self.folder.path().join(format!("{roots}-{leaf}"));
        let discovery =
            Discovery::start(&config, Some(tls), memory, stop.clone(), QUICK).expect("a good configuration");
        Process { discovery, _stop: stop.drop_guard() }
    }
}

/// A root, or a leaf of one for 127.0.0.1.
fn certificate(folder: &Path, name: &str, root: Option<&str>) {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ]);
    command.args(["-nodes", "-days", "2", "-subj", &format!("/CN={name}")]);
    command.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")]);
    if let Some(root) = root {
        command.args(["-CA", &format!("{root}.pem"), "-CAkey", &format!("{root}.key")]);
        command.args([
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ]);
    }
    let made = command.output().expect("openssl makes the certificates of this test");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_behind_tls_is_reached_with_our_certificate_alone() {
    let Some(etcd) = Secured::start() else { return };
    let process = etcd.process("root", "user");
    let mut told = process.watch("user", "v1");
    let _kept = process.register(instance("user", 1));
    ports(&mut told, &[1]).await;
    for (roots, leaf) in [("root", "stranger"), ("foreign", "user"), ("root", "missing")] {
        let refused = etcd.process(roots, leaf).list().await;
        assert!(matches!(refused, Err(Error::Away { .. })), "{roots} {leaf}: {refused:?}");
    }
    // A renewed certificate is used at the next connection.
    let renewed = etcd.process("root", "renewed");
    renewed.list().await.expect_err("not there yet");
    certificate(etcd.folder.path(), "renewed", Some("root"));
    becomes(&mut renewed.up(), |&up| up).await;
    assert_eq!(renewed.list().await.expect("etcd is there").len(), 1);
}
