//! `dytt cert`: roots, services' certificates and requests, checked with the tools others would use.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use e2e::{Ended, run};

/// The seed project's request and profiles, as they are.
const CSR: &str = r#"{"CN":"dytt","key":{"algo":"rsa","size":2048},"names":[{"C":"CN",
    "L":"Beijing","ST":"Beijing","O":"dytt","OU":"api"}],"hosts":["127.0.0.1","localhost"]}"#;
const CONFIG: &str = r#"{"signing":{"default":{"expiry":"876000h"},"profiles":{
    "server":{"usages":["signing","key encipherment","server auth"],"expiry":"876000h"},
    "client":{"usages":["signing","key encipherment","client auth"],"expiry":"876000h"},
    "peer":{"usages":["signing","key encipherment","server auth","client auth"],"expiry":"876000h"}}}}"#;

/// `dytt cert` with these words, divided by spaces.
async fn cert(folder: &Path, words: &str) -> Ended {
    let words: Vec<&str> = ["cert"].into_iter().chain(words.split_whitespace()).collect();
    run(folder, &[], &words).await
}

/// What it printed; it has to succeed.
async fn made(folder: &Path, words: &str) -> Ended {
    let ended = cert(folder, words).await;
    assert_eq!(ended.code, Some(0), "{words}: {ended:?}");
    ended
}

/// The one line it refused with.
async fn refused(folder: &Path, words: &str) -> String {
    let ended = cert(folder, words).await;
    let line = ended.stderr.trim();
    assert!(ended.code == Some(1) && !line.is_empty() && !line.contains('\n'), "{words}: {ended:?}");
    line.to_owned()
}

/// An outside program's success and all it said; none when it is not there, which CI does not allow.
fn tool(folder: &Path, program: &'static str, words: &str) -> Option<(bool, String)> {
    let mut command = Command::new(program);
    command.args(words.split_whitespace()).current_dir(folder).stdin(Stdio::null());
    let Ok(output) = command.output() else {
        let how_to_get = "apt-get install openssl golang-cfssl";
        let missing = servers::Error::Missing { name: program, how_to_get };
        let _skipped = servers::or_skip(Err(missing));
        return None;
    };
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

/// As [`tool`]; if the program is there it has to succeed.
fn agrees(folder: &Path, program: &'static str, words: &str) -> bool {
    let Some((well, said)) = tool(folder, program, words) else { return false };
    assert!(well, "{program} {words}: {said}");
    true
}

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("written");
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect("read")
}

#[tokio::test]
async fn certificates_of_services_live_in_the_configured_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let settings = [("DYTT_DATA_DIR".to_owned(), "data".to_owned())];
    let in_data = async |words: &[&str]| {
        let ended = run(here, &settings, &[&["cert"], words].concat()).await;
        assert_eq!(ended.code, Some(0), "{words:?}: {ended:?}");
        ended.stdout
    };
    in_data(&["init"]).await;
    in_data(&["issue", "user", "feed", "--host", "127.0.0.1", "--host", "localhost"]).await;
    for name in ["ca.key", "user.key", "feed.key"] {
        let meta = here.join("data/tls").join(name).metadata().expect("is there");
        assert_eq!(meta.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let shown = in_data(&["show"]).await;
    for part in
        ["spiffe://dytt/service/user", "spiffe://dytt/service/feed", "user.dytt", "127.0.0.1", "ECDSA 256"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("PRIVATE") && !shown.contains(".key"), "{shown}");
    for purpose in ["sslserver", "sslclient"] {
        let words =
            format!("verify -x509_strict -purpose {purpose} -CAfile data/tls/ca.pem data/tls/user.pem");
        agrees(here, "openssl", &words);
    }
}

#[tokio::test]
async fn a_root_and_a_request_are_made_from_the_seed_projects_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    put(here, "csr.json", &CSR.replace("\"hosts\"", "\"ca\":{\"expiry\":\"876000h\"},\"hosts\""));
    put(here, "config.json", CONFIG);
    let root = made(here, "init --dir ca --domain video.example --csr csr.json").await;
    assert!(root.stderr.contains("warning") && root.stderr.contains("876000h"), "{root:?}");
    assert!(refused(here, "init --dir ca").await.contains("never overwritten"));
    made(here, "request csr.json --out plain").await;
    made(here, "request csr.json --service user --domain video.example --out user").await;
    assert!(refused(here, "request csr.json --out user").await.contains("not overwritten"));
    let sign = "sign plain.csr --profile peer --config config.json --dir ca --out plain.pem";
    let line = refused(here, sign).await;
    assert!(line.contains("plain.csr") && line.contains("--service"), "{line}");
    assert!(!here.join("plain.pem").exists());
    for (words, file) in
        [(format!("{sign} --service feed"), "plain"), (sign.replace("plain", "user"), "user")]
    {
        let signed = made(here, &words).await;
        assert!(signed.stderr.contains("876000h") && signed.stderr.contains("720h"), "{signed:?}");
        agrees(here, "openssl", &format!("verify -x509_strict -CAfile ca/ca.pem {file}.pem"));
    }
    made(here, "verify user.pem --ca ca/ca.pem --service user").await;
    let line = refused(here, "verify plain.pem --ca ca/ca.pem --service user").await;
    assert!(line.contains("`feed`"), "{line}");
    let line = refused(here, &sign.replace("peer", "perr")).await;
    assert!(line.contains("perr") && line.contains("peer"), "{line}");
}

#[tokio::test]
async fn roots_of_cfssl_sign_and_certificates_of_cfssl_are_judged() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    put(here, "config.json", CONFIG);
    for (kind, csr) in
        [("rsa", CSR.to_owned()), ("ecdsa", CSR.replace("\"rsa\",\"size\":2048", "\"ecdsa\",\"size\":256"))]
    {
        let dir = here.join(kind);
        std::fs::create_dir(&dir).expect("made");
        put(&dir, "csr.json", &csr);
        let Some((true, root)) = tool(&dir, "cfssl", "gencert -loglevel 5 -initca csr.json") else { return };
        put(&dir, "root.json", &root);
        if !agrees(&dir, "cfssljson", "-f root.json -bare ca") {
            return;
        }
        let Some((true, request)) = tool(&dir, "cfssl", "genkey -loglevel 5 csr.json") else { return };
        put(&dir, "request.json", &request);
        agrees(&dir, "cfssljson", "-f request.json -bare user");
        made(here, &format!("issue feed --dir {kind}")).await;
        let signed = format!(
            "sign {kind}/user.csr --profile peer --config config.json --dir {kind} --out {kind}/user.pem"
        );
        refused(here, &signed).await;
        made(here, &format!("{signed} --service user")).await;
        for service in ["feed", "user"] {
            agrees(
                here,
                "openssl",
                &format!("verify -x509_strict -CAfile {kind}/ca.pem {kind}/{service}.pem"),
            );
            made(here, &format!("verify {kind}/{service}.pem --ca {kind}/ca.pem --service {service}")).await;
        }
        let root = format!("-ca {kind}/ca.pem -ca-key {kind}/ca-key.pem");
        let own = format!("gencert -loglevel 5 {root} -config config.json -profile peer {kind}/csr.json");
        let (well, own) = tool(here, "cfssl", &own).expect("cfssl is there");
        assert!(well, "{own}");
        put(&dir, "own.json", &own);
        agrees(&dir, "cfssljson", "-f own.json -bare own");
        let line = refused(here, &format!("verify {kind}/own.pem --ca {kind}/ca.pem")).await;
        assert!(line.contains("0 URI names"), "{line}");
    }
}

#[tokio::test]
async fn a_new_root_is_believed_through_the_old_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    made(here, "init --dir old").await;
    made(here, "init --dir new").await;
    made(here, "issue user --dir new --out services").await;
    made(here, "cross-sign --dir new --by old --out cross.pem").await;
    agrees(here, "openssl", "verify -x509_strict -CAfile new/ca.pem services/user.pem");
    agrees(here, "openssl", "verify -x509_strict -untrusted cross.pem -CAfile old/ca.pem services/user.pem");
    refused(here, "verify services/user.pem --ca old/ca.pem").await;
    put(here, "services/user.pem", &(read(here, "services/user.pem") + &read(here, "cross.pem")));
    for root in ["old", "new"] {
        made(here, &format!("verify services/user.pem --ca {root}/ca.pem --service user")).await;
    }
    assert!(refused(here, "cross-sign --dir new --by new --out x.pem").await.contains("the same folder"));
}

#[tokio::test]
async fn what_is_revoked_stays_revoked_and_what_ends_is_renewed() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    made(here, "init --dir ca").await;
    made(here, "issue user feed like --dir ca --out services").await;
    let long = made(here, "issue comment --dir ca --out services --days 365").await;
    assert!(long.stderr.contains("8760h") && long.stderr.contains("720h"), "{long:?}");
    made(here, "issue comment --dir ca --out services --days 9").await;
    made(here, "revoke services/user.pem --dir ca --out services").await;
    let shown = made(here, "show services/feed.pem").await.stdout;
    let serial = shown
        .lines()
        .find_map(|line| line.trim().strip_prefix("serial"))
        .expect("a number")
        .trim()
        .to_owned();
    made(here, &format!("revoke --serial {serial} --dir ca --out services")).await;
    for (service, revoked) in [("user", true), ("feed", true), ("like", false)] {
        let words = format!("verify services/{service}.pem --ca ca/ca.pem --crl services/crl.pem");
        assert_eq!(cert(here, &words).await.code == Some(1), revoked, "{service}");
        let words = format!(
            "verify -x509_strict -crl_check -CRLfile ca/crl.pem -CAfile ca/ca.pem services/{service}.pem"
        );
        if let Some((well, said)) = tool(here, "openssl", &words) {
            assert_eq!(!well, revoked, "{said}");
        }
    }
    let before = ["like", "comment"].map(|service| read(here, &format!("services/{service}.pem")));
    made(here, "renew --dir ca --out services").await;
    let after = ["like", "comment"].map(|service| read(here, &format!("services/{service}.pem")));
    assert!(before[0] == after[0] && before[1] != after[1]);
    made(here, "renew like --dir ca --out services").await;
    assert_ne!(read(here, "services/like.pem"), before[0]);
    made(here, "verify services/like.pem --ca ca/ca.pem --crl services/crl.pem --service like").await;
    let shown = made(here, "show ca/crl.pem").await.stdout;
    assert_eq!(shown.matches("revoked ").count(), 2, "{shown}");
}

#[tokio::test]
async fn keys_for_calls_are_derived_and_never_printed() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let mut said = String::new();
    for words in [
        "rpc-key --out master",
        "rpc-key --from master --service user feed --out own",
        "rpc-key --from master --service user --out user",
    ] {
        let ended = made(here, words).await;
        said.push_str(&(ended.stdout + &ended.stderr));
    }
    let (master, own, user) = (read(here, "master"), read(here, "own"), read(here, "user"));
    assert!(master.starts_with("master ") && master.trim().len() == 71, "a name and 64 digits");
    assert_eq!((own.lines().count(), user.lines().count()), (2, 1));
    assert!(own.contains(user.trim()) && !own.contains(&master[7..71]));
    for key in [&master[7..71], &user[5..69]] {
        assert!(!said.contains(key));
    }
    for name in ["master", "own"] {
        assert_eq!(here.join(name).metadata().expect("is there").permissions().mode() & 0o777, 0o600);
    }
    assert!(refused(here, "rpc-key --out master").await.contains("not overwritten"));
    assert!(refused(here, "rpc-key --from user --service feed --out x").await.contains("`feed`"));
    std::fs::set_permissions(here.join("master"), std::fs::Permissions::from_mode(0o644)).expect("set");
    let line = refused(here, "rpc-key --from master --service user --out x").await;
    assert!(line.contains("0644") && line.contains("0600") && !line.contains(&master[7..71]), "{line}");
}
