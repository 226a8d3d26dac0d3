//! Certificates good and bad, and what a service answers to a raw call made with one, as any gRPC client would
//! make it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::cluster::{Cluster, run};

pub const CHECK: &str = "grpc.health.v1.Health/Check";
pub const LIKE: &str = "dytt.v1.LikeService/LikeVideo";
/// gRPC's codes, as they are written.
pub const GRPC_OK: &str = "0";
pub const GRPC_DENIED: &str = "7";
pub const GRPC_UNKNOWN_CALLER: &str = "16";
/// Asks for everything's health, as gRPC frames it.
const EVERYTHING: &[u8] = &[0, 0, 0, 0, 0];
/// Names the video 1.
const VIDEO: &[u8] = &[0, 0, 0, 0, 2, 8, 1];

/// How a raw call ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Raw {
    /// A gRPC status.
    Answered(String),
    /// The connection was refused before any call; what curl makes of that.
    Shut(Option<i32>),
}

impl Raw {
    pub fn is_shut(&self) -> bool {
        // How curl says that the handshake failed, or that the other side hung up after it; not that nobody
        // listened or answered in time.
        matches!(self, Self::Shut(Some(16 | 35 | 52 | 55 | 56 | 92)))
    }
}

/// A call with a small message and this certificate, as any gRPC client would make it. Who is refused before
/// the message was read has the rest of it reset, and curl may see that before the refusal: then it asks again.
pub async fn call(cluster: &Cluster, name: &str, method: &str, pair: Option<&Path>) -> Raw {
    const RESET: Raw = Raw::Shut(Some(92));
    for _ in 0..5 {
        let ended = call_once(cluster, name, method, pair).await;
        if ended != RESET {
            return ended;
        }
    }
    RESET
}

async fn call_once(cluster: &Cluster, name: &str, method: &str, pair: Option<&Path>) -> Raw {
    let body = cluster.dir().join("message");
    std::fs::write(&body, if method == CHECK { EVERYTHING } else { VIDEO }).expect("a message");
    let mut command = Command::new("curl");
    // Services are known by their URI, which curl does not look at.
    command.args(["--silent", "--insecure", "--http2", "--max-time", "5", "--output", "/dev/null"]);
    command.args(["--dump-header", "-", "--header", "content-type: application/grpc"]);
    command.args(["--header", "te: trailers", "--header", "grpc-timeout: 2S"]);
    command.arg("--data-binary").arg(format!("@{}", body.display()));
    if let Some(pair) = pair {
        command.arg("--cert").arg(pair.with_extension("pem")).arg("--key").arg(pair.with_extension("key"));
    }
    command.arg(format!("https://{}/{method}", cluster.address(name)));
    let ended = run(command).await;
    let mut status = ended.stdout.lines().filter_map(|line| line.strip_prefix("grpc-status: "));
    status.next_back().map_or(Raw::Shut(ended.code), |status| Raw::Answered(status.trim().to_owned()))
}

/// Pairs that no service may believe, by what is wrong with them.
pub async fn bad_certificates(cluster: &Cluster, dir: &Path) -> BTreeMap<&'static str, Option<PathBuf>> {
    let foreign = dir.join("foreign");
    cert(cluster, &["init", "--dir", &text(&foreign)]).await;
    cert(cluster, &["issue", "gateway", "--dir", &text(&foreign)]).await;
    let ours = "URI:spiffe://dytt/service/gateway";
    let domain = domain(cluster).await;
    let uri = ours.replace("spiffe://dytt/", &format!("spiffe://{domain}/"));
    let both = "extendedKeyUsage=clientAuth,serverAuth";
    let mut bad =
        BTreeMap::from([("no certificate", None), ("a foreign root", Some(foreign.join("gateway")))]);
    for (what, days, names, usage) in [
        ("an expired one", "-1", uri.clone(), both),
        ("two names", "10", format!("{uri},{}", uri.replace("gateway", "video")), both),
        ("no name", "10", "DNS:gateway".to_owned(), both),
        ("another domain", "10", uri.replace(&domain, "elsewhere.example"), both),
        ("one for code", "10", uri.clone(), "extendedKeyUsage=codeSigning"),
    ] {
        let pair = dir.join(what.replace(' ', "-"));
        sign(
            cluster,
            &pair,
            days,
            &format!("subjectAltName={names}\n{usage}\nkeyUsage=critical,digitalSignature\n"),
        )
        .await;
        bad.insert(what, Some(pair));
    }
    // That what openssl signs is believed shows that the others are refused for what is wrong with them.
    let good = dir.join("good");
    sign(
        cluster,
        &good,
        "10",
        &format!("subjectAltName={uri}\n{both}\nkeyUsage=critical,digitalSignature\n"),
    )
    .await;
    assert_eq!(
        call(cluster, "like-1", CHECK, Some(&good)).await,
        Raw::Answered(GRPC_OK.into()),
        "a good one"
    );
    bad
}

/// The domain of trust, as a leaf says it.
async fn domain(cluster: &Cluster) -> String {
    let mut command = Command::new("openssl");
    command
        .args(["x509", "-noout", "-ext", "subjectAltName", "-in"])
        .arg(cluster.dir().join("tls/gateway.pem"));
    let shown = run(command).await.stdout;
    let domain = shown.split("spiffe://").nth(1).and_then(|rest| rest.split('/').next());
    domain.unwrap_or_else(|| panic!("no name in {shown}")).to_owned()
}

/// Signs a leaf with the cluster's root by openssl, with these extensions.
async fn sign(cluster: &Cluster, pair: &Path, days: &str, extensions: &str) {
    let (tls, file) = (cluster.dir().join("tls"), |end: &str| text(&pair.with_extension(end)));
    std::fs::write(pair.with_extension("ext"), extensions).expect("extensions");
    let key = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &file("key")];
    let request = ["req", "-new", "-key", &file("key"), "-subj", "/CN=gateway", "-out", &file("csr")];
    let (root, root_key) = (text(&tls.join("ca.pem")), text(&tls.join("ca.key")));
    let (csr, pem, ext) = (file("csr"), file("pem"), file("ext"));
    let leaf = [
        "x509", "-req", "-in", &csr, "-CA", &root, "-CAkey", &root_key, "-days", days, "-extfile", &ext,
        "-out", &pem,
    ];
    for words in [&key[..], &request[..], &leaf[..]] {
        let mut command = Command::new("openssl");
        command.args(words);
        let ended = run(command).await;
        assert_eq!(ended.code, Some(0), "openssl {words:?}: {}", ended.stderr);
    }
}

/// The number of the leaf a service shows.
pub async fn serial(cluster: &Cluster, name: &str) -> String {
    let mut command = Command::new("sh");
    let shown = "openssl s_client -connect \"$0\" </dev/null 2>/dev/null | openssl x509 -noout -serial";
    command.args(["-c", shown, &cluster.address(name)]);
    let ended = run(command).await;
    assert!(ended.stdout.starts_with("serial="), "{ended:?}");
    ended.stdout
}

/// Runs `dytt cert`.
///
/// # Panics
/// When it fails.
pub async fn cert(cluster: &Cluster, words: &[&str]) {
    let mut command = cluster.beside();
    command.arg("cert").args(words);
    let ended = run(command).await;
    assert_eq!(ended.code, Some(0), "dytt cert {words:?}: {}", ended.stderr);
}

pub fn text(path: &Path) -> String {
    path.display().to_string()
}
