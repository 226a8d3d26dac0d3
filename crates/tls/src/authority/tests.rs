//! What the authority makes, as openssl, cfssl and the loading of a folder see it.

use super::*;
use crate::tests::{CFSSL, DAY, Leaf, OPENSSL, folder, has, issue, open, put, ran, run};
use crate::{Identities, Identity, show, verify};

/// The seed project's request and profiles, as they are.
const CSR: &str = r#"{"CN":"dytt","key":{"algo":"rsa","size":2048},"names":[{"C":"CN",
    "L":"Beijing","ST":"Beijing","O":"dytt","OU":"api"}],"hosts":["127.0.0.1","localhost"]}"#;
const CONFIG: &str = r#"{"signing":{"default":{"expiry":"876000h"},"profiles":{
    "server":{"usages":["signing","key encipherment","server auth"],"expiry":"876000h"},
    "client":{"usages":["signing","key encipherment","client auth"],"expiry":"876000h"},
    "peer":{"usages":["signing","key encipherment","server auth","client auth"],"expiry":"876000h"}}}}"#;

/// One moment for all, so that days can be counted.
fn now() -> SystemTime {
    static BEGAN: std::sync::OnceLock<SystemTime> = std::sync::OnceLock::new();
    *BEGAN.get_or_init(SystemTime::now)
}

/// What openssl finds of a certificate, as strictly as it can.
fn openssl(dir: &Path, root: &str, more: &[&str], leaf: &str) {
    for purpose in ["sslserver", "sslclient"] {
        let words =
            [&["verify", "-x509_strict", "-purpose", purpose, "-CAfile", root], more, &[leaf]].concat();
        let said = ran(dir, "openssl", &words);
        assert!(said.contains(": OK"), "{said}");
    }
}

#[test]
fn openssl_believes_what_is_issued() {
    if !has("openssl", OPENSSL) {
        return;
    }
    let dir = folder(&["user"]);
    openssl(dir.path(), "ca.pem", &["-verify_hostname", "user.dytt"], "user.pem");
    openssl(dir.path(), "ca.pem", &["-verify_ip", "127.0.0.1"], "user.pem");
    let text = ran(dir.path(), "openssl", &["x509", "-in", "user.pem", "-noout", "-text"]);
    assert_eq!(text.matches("URI:").count(), 1, "{text}");
    for part in ["URI:spiffe://dytt/service/user", "prime256v1", "CA:FALSE", "X509v3 Key Usage: critical"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let root = ran(dir.path(), "openssl", &["x509", "-in", "ca.pem", "-noout", "-text"]);
    for part in ["CA:TRUE", "Certificate Sign, CRL Sign", "URI:spiffe://dytt", "Subject Key Identifier"] {
        assert!(root.contains(part), "{part}: {root}");
    }
}

#[test]
fn a_root_is_never_overwritten_and_nothing_outlives_it_or_thirty_days() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut warnings = Vec::new();
    let past = now() - MAX_ROOT + 5 * DAY;
    let root = Authority::create(dir.path(), "dytt", None, past, &mut warnings).expect("a root");
    let second = Authority::open(dir.path(), None).err().expect("refused").to_string();
    assert!(second.contains("in use"), "{second}");
    let again = Authority::create(dir.path(), "dytt", None, now(), &mut warnings).err().expect("refused");
    assert!(again.to_string().contains("never overwritten"), "{again}");
    root.issue("user", &[], 365 * DAY, dir.path(), now(), &mut warnings).expect("issued");
    assert!(
        warnings.iter().any(|warning| warning.contains("8760h") && warning.contains("720h")),
        "{warnings:?}"
    );
    let shown = show(&dir.path().join("user.pem"), now()).expect("shown");
    assert!(shown.contains("(5 days left)"), "{shown}");
    let late = root.issue("user", &[], DAY, dir.path(), now() + 9 * DAY, &mut warnings).expect_err("refused");
    assert!(late.to_string().contains("has expired"), "{late}");
}

#[test]
fn a_root_that_has_expired_is_believed_no_more() {
    let dir = folder(&[]);
    let here = dir.path();
    Leaf { until: now() + 2 * MAX_ROOT, ..Leaf::of("user") }.put(here, "user");
    let check = |at| verify(&here.join("user.pem"), &here.join("ca.pem"), None, Some("user"), at);
    check(now() + MAX_ROOT - DAY).expect("the root is valid");
    let refused = check(now() + MAX_ROOT + DAY).expect_err("only the leaf is").to_string();
    assert!(refused.contains("UnknownIssuer"), "{refused}");
}

#[test]
fn names_that_cannot_be_are_refused() {
    let dir = folder(&[]);
    let root = open(dir.path());
    let mut warnings = Vec::new();
    for service in ["", "User", "us er", "../user", "a.b", "-user"] {
        let refused = root.issue(service, &[], DAY, dir.path(), now(), &mut warnings).expect_err(service);
        assert!(refused.to_string().contains("a service's name"), "{refused}");
    }
    for host in ["", "ho st", "a/b", "spiffe://dytt/service/feed"] {
        root.issue("user", &[host.to_owned()], DAY, dir.path(), now(), &mut warnings).expect_err(host);
    }
    let other = tempfile::tempdir().expect("a folder");
    Authority::create(other.path(), "no domain", None, now(), &mut warnings).err().expect("refused");
    drop(root);
    let refused = Authority::open(dir.path(), Some("other")).err().expect("refused").to_string();
    assert!(refused.contains("`dytt`") && refused.contains("`other`"), "{refused}");
}

#[test]
fn a_request_is_made_signed_and_loaded() {
    let dir = folder(&[]);
    let here = dir.path();
    let (csr_json, config) = (put(here, "csr.json", CSR), put(here, "config.json", CONFIG));
    let identity = Identity::new("dytt", "user").expect("valid");
    let (key, csr) = Request::open(&csr_json).expect("read").make(Some(&identity)).expect("made");
    file::write(&here.join("user.key"), key.as_bytes(), true).expect("written");
    let csr = put(here, "user.csr", &csr);
    let (root, profile) = (open(here), Profile::open(&config, "peer").expect("read"));
    let mut warnings = Vec::new();
    let signed = root.sign(&csr, &profile, None, now(), &mut warnings).expect("signed");
    assert!(
        warnings.len() == 1 && warnings[0].contains("876000h") && warnings[0].contains("720h"),
        "{warnings:?}"
    );
    put(here, "user.pem", &signed);
    Identities::load(here, &["user"]).expect("loaded");
    let shown = show(here, now()).expect("shown");
    for part in ["(30 days left)", "OU=api", "RSA 2048", "127.0.0.1", "spiffe://dytt/service/user", "request"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains("PRIVATE"), "{shown}");
    if has("openssl", OPENSSL) {
        openssl(here, "ca.pem", &[], "user.pem");
        ran(here, "openssl", &["req", "-in", "user.csr", "-noout", "-verify"]);
    }
    let server = Profile::open(&config, "server").expect("read");
    root.sign(&csr, &server, None, now(), &mut warnings).expect("signed");
    assert!(warnings.iter().any(|warning| warning.contains("client auth")), "{warnings:?}");
}

#[test]
fn a_request_is_signed_for_exactly_one_service_of_this_domain() {
    let dir = folder(&[]);
    let here = dir.path();
    let (root, config) = (open(here), put(here, "config.json", CONFIG));
    let peer = Profile::open(&config, "peer").expect("read");
    let csr = |hosts: &[&str]| {
        let json = format!(r#"{{"CN":"x","hosts":{hosts:?}}}"#);
        let (_, csr) = Request::open(&put(here, "csr.json", &json)).expect("read").make(None).expect("made");
        put(here, "x.csr", &csr)
    };
    let sign = |hosts: &[&str], service| root.sign(&csr(hosts), &peer, service, now(), &mut Vec::new());
    let user = "spiffe://dytt/service/user";
    for (hosts, service) in [(&["a.b"][..], Some("user")), (&[user], None), (&[user], Some("user"))] {
        put(here, "x.pem", &sign(hosts, service).expect("signed"));
        verify(&here.join("x.pem"), &here.join("ca.pem"), None, Some("user"), now()).expect("whose it is");
    }
    for (hosts, service, wrong) in [
        (&["a.b"][..], None, "--service"),
        (&[user, "spiffe://dytt/service/feed"], None, "2 URI names"),
        (&[user, "https://a.b"], Some("user"), "2 URI names"),
        (&[user], Some("feed"), "is of the service `user`"),
        (&["spiffe://other/service/user"], None, "spiffe://dytt/service/NAME"),
        (&["https://a.b"], Some("user"), "spiffe://dytt/service/NAME"),
    ] {
        let refused = sign(hosts, service).expect_err(wrong).to_string();
        assert!(refused.contains("x.csr") && refused.contains(wrong) && !refused.contains('\n'), "{refused}");
    }
    let whole = std::fs::read_to_string(csr(&[user])).expect("read");
    let forged = whole.replacen("\n", "\nMII", 1);
    for (text, wrong) in
        [("nothing", "no whole"), (&whole[..whole.len() / 2], "no whole"), (&forged, "request")]
    {
        let refused =
            root.sign(&put(here, "x.csr", text), &peer, None, now(), &mut Vec::new()).expect_err(wrong);
        assert!(refused.to_string().contains(wrong), "{refused}");
    }
}

#[test]
fn what_lives_long_enough_is_not_renewed() {
    let dir = folder(&["user", "feed"]);
    let here = dir.path();
    let root = open(here);
    root.issue("like", &["like.example".to_owned()], 9 * DAY, here, now(), &mut Vec::new()).expect("issued");
    let read = |name: &str| std::fs::read(here.join(name)).expect("read");
    let (user, like) = (read("user.pem"), read("like.pem"));
    let renewed = |services: &[&str], all, at| {
        let services: Vec<String> = services.iter().map(|service| (*service).to_owned()).collect();
        let done = root.renew(&services, all, here, at).expect("renewed");
        done.into_iter().filter(|one| one.renewed).map(|one| one.service).collect::<Vec<_>>()
    };
    assert_eq!(renewed(&[], false, now()), ["like"]);
    assert!(read("user.pem") == user && read("like.pem") != like);
    let shown = show(&here.join("like.pem"), now()).expect("shown");
    assert!(shown.contains("like.example") && shown.contains("(30 days left)"), "{shown}");
    assert_eq!(renewed(&["user"], false, now()), ["user"]);
    assert_eq!(renewed(&[], true, now()), ["feed", "like", "user"]);
    assert_eq!(renewed(&[], false, now() + 19 * DAY), Vec::<String>::new());
    assert_eq!(renewed(&[], false, now() + 21 * DAY).len(), 3);
    Identities::load(here, &["user", "feed", "like"]).err().expect("not valid yet: made 21 days from now");
    let absent = root.renew(&["gateway".to_owned()], false, here, now()).expect_err("absent").to_string();
    assert!(absent.contains("gateway.pem") && absent.contains("dytt cert issue gateway"), "{absent}");
}

#[test]
fn a_list_keeps_what_was_revoked_before() {
    let dir = folder(&["user", "feed", "like"]);
    let here = dir.path();
    let out = tempfile::tempdir().expect("a folder");
    issue(&open(here), &["user"], out.path());
    let root = open(here);
    let user = root.revoke_file(&here.join("user.pem"), here, now()).expect("revoked");
    let feed = root.revoke_file(&here.join("feed.pem"), out.path(), now()).expect("revoked");
    root.revoke_file(&here.join("feed.pem"), here, now()).expect("once more is no fault");
    root.revoke_serial("00:0A:bc", here, now()).expect("revoked");
    root.revoke_serial("abc", here, now()).expect("the same number");
    for wrong in ["", "xyz", "-1", &"1".repeat(41)] {
        root.revoke_serial(wrong, here, now()).expect_err(wrong);
    }
    let other = folder(&["user"]);
    let foreign =
        root.revoke_file(&other.path().join("user.pem"), here, now()).expect_err("foreign").to_string();
    assert!(foreign.contains("not signed by this root"), "{foreign}");
    let shown = show(&here.join("crl.pem"), now()).expect("shown");
    assert_eq!(shown.matches("revoked ").count(), 3, "{shown}");
    for serial in [user, feed, "0abc".to_owned()] {
        assert!(shown.contains(&serial.replace(':', "")), "{serial}: {shown}");
    }
    assert!(out.path().join("crl.pem").exists(), "the list goes where the certificates are");
    let [ca, crl] = ["ca.pem", "crl.pem"].map(|name| here.join(name));
    let revoked =
        verify(&here.join("user.pem"), &ca, Some(&crl), None, now()).expect_err("revoked").to_string();
    assert!(revoked.contains("Revoked"), "{revoked}");
    verify(&here.join("like.pem"), &ca, Some(&crl), None, now()).expect("not revoked");
    if has("openssl", OPENSSL) {
        ran(here, "openssl", &["crl", "-in", "crl.pem", "-CAfile", "ca.pem", "-noout"]);
        let words = ["verify", "-x509_strict", "-crl_check", "-CRLfile", "crl.pem", "-CAfile", "ca.pem"];
        assert!(run(here, "openssl", &[&words[..], &["like.pem"]].concat()).0);
        let (well, said) = run(here, "openssl", &[&words[..], &["user.pem"]].concat());
        assert!(!well && said.contains("revoked"), "{said}");
    }
    root.renew(&[], false, here, now() + 3 * DAY).expect("renewed");
    let again = show(&here.join("crl.pem"), now()).expect("shown");
    assert!(
        again != shown && again.matches("revoked ").count() == 3,
        "made anew, nothing forgotten: {again}"
    );
}

#[test]
fn a_leaf_of_the_new_root_is_believed_through_both_roots() {
    let (old, new) = (folder(&["gateway"]), folder(&["user"]));
    let here = new.path();
    let cross = open(old.path()).cross_sign(&open(here), now()).expect("certified");
    put(here, "cross.pem", &cross);
    std::fs::copy(old.path().join("ca.pem"), here.join("old.pem")).expect("copied");
    if has("openssl", OPENSSL) {
        openssl(here, "ca.pem", &[], "user.pem");
        openssl(here, "old.pem", &["-untrusted", "cross.pem"], "user.pem");
        assert!(!run(here, "openssl", &["verify", "-CAfile", "old.pem", "user.pem"]).0);
    }
    let leaf = std::fs::read_to_string(here.join("user.pem")).expect("read");
    verify(&here.join("user.pem"), &here.join("old.pem"), None, None, now())
        .expect_err("alone it is unknown");
    put(here, "user.pem", &format!("{leaf}{cross}"));
    for root in ["ca.pem", "old.pem"] {
        verify(&here.join("user.pem"), &here.join(root), None, Some("user"), now()).expect(root);
    }
    Identities::load(here, &["user"]).expect("loaded");
    open(here).renew(&["user".to_owned()], false, here, now()).expect("renewed");
    verify(&here.join("user.pem"), &here.join("old.pem"), None, None, now())
        .expect("renewing keeps the chain");
    // A list of the old root that takes back the cross-signed key ends that way.
    let crl = old.path().join("crl.pem");
    open(old.path()).revoke_file(&here.join("cross.pem"), old.path(), now()).expect("revoked");
    verify(&here.join("user.pem"), &here.join("old.pem"), Some(&crl), None, now()).expect_err("revoked");
}

#[test]
fn roots_and_requests_of_cfssl_work() {
    if !has("cfssl", CFSSL) || !has("cfssljson", CFSSL) || !has("openssl", OPENSSL) {
        return;
    }
    let ecdsa = CSR.replace(r#""algo":"rsa","size":2048"#, r#""algo":"ecdsa","size":384"#);
    for (csr, form) in [(CSR, "RSA PRIVATE KEY"), (&ecdsa, "EC PRIVATE KEY")] {
        let dir = tempfile::tempdir().expect("a folder");
        let here = dir.path();
        let (_, config) = (put(here, "csr.json", csr), put(here, "config.json", CONFIG));
        ran(here, "sh", &["-c", "cfssl gencert -initca csr.json | cfssljson -bare ca"]);
        ran(here, "sh", &["-c", "cfssl genkey csr.json | cfssljson -bare user && mv user-key.pem user.key"]);
        assert!(std::fs::read_to_string(here.join("ca-key.pem")).expect("read").contains(form));
        for named in ["ca-key.pem", "ca.key"] {
            if named == "ca.key" {
                std::fs::rename(here.join("ca-key.pem"), here.join("ca.key")).expect("renamed");
            }
            let root = open(here);
            assert_eq!(root.domain(), DEFAULT_DOMAIN);
            issue(&root, &["feed"], here);
            let peer = Profile::open(&config, "peer").expect("read");
            let refused =
                root.sign(&here.join("user.csr"), &peer, None, now(), &mut Vec::new()).expect_err("no URI");
            assert!(
                refused.to_string().contains("user.csr") && !refused.to_string().contains('\n'),
                "{refused}"
            );
            let signed = root
                .sign(&here.join("user.csr"), &peer, Some("user"), now(), &mut Vec::new())
                .expect("signed");
            put(here, "user.pem", &signed);
            for service in ["feed", "user"] {
                openssl(here, "ca.pem", &[], &format!("{service}.pem"));
            }
            Identities::load(here, &["feed", "user"]).expect("loaded");
            root.revoke_file(&here.join("feed.pem"), here, now()).expect("revoked");
            ran(here, "openssl", &["crl", "-in", "crl.pem", "-CAfile", "ca.pem", "-noout"]);
            Identities::load(here, &["feed"]).err().expect("revoked");
        }
        // A leaf CFSSL itself signs, as the seed project did, has no URI and is refused in one line.
        let own = "cfssl gencert -ca ca.pem -ca-key ca.key -config config.json -profile peer csr.json";
        let own = format!("{own} | cfssljson -bare like && mv like-key.pem like.key");
        ran(here, "sh", &["-c", &own]);
        let refused = Identities::load(here, &["like"]).err().expect("no URI").to_string();
        assert!(refused.contains("like.pem") && refused.contains("0 URI names"), "{refused}");
        // CFSSL 1.2 knows no URIs: one among the hosts becomes a DNS name, and is taken for what was meant.
        put(here, "csr.json", &csr.replace("\"localhost\"", "\"localhost\",\"spiffe://dytt/service/like\""));
        ran(here, "sh", &["-c", "cfssl genkey csr.json | cfssljson -bare like && mv like-key.pem like.key"]);
        let peer = Profile::open(&config, "peer").expect("read");
        let signed =
            open(here).sign(&here.join("like.csr"), &peer, None, now(), &mut Vec::new()).expect("signed");
        put(here, "like.pem", &signed);
        Identities::load(here, &["like"]).expect("loaded");
    }
}

#[test]
fn a_root_may_be_asked_for_as_cfssl_does() {
    let dir = tempfile::tempdir().expect("a folder");
    let json = CSR.replace("\"hosts\"", "\"ca\":{\"expiry\":\"876000h\",\"pathlen\":1},\"hosts\"");
    let request = Request::open(&put(dir.path(), "csr.json", &json)).expect("read");
    let mut warnings = Vec::new();
    let root =
        Authority::create(&dir.path().join("ca"), "video.example", Some(&request), now(), &mut warnings);
    let root = root.expect("a root");
    assert!(warnings.len() == 1 && warnings[0].contains("876000h"), "{warnings:?}");
    assert_eq!(root.domain(), "video.example");
    let shown = show(&dir.path().join("ca/ca.pem"), now()).expect("shown");
    assert!(
        shown.contains("RSA 2048") && shown.contains("O=dytt") && shown.contains("(3653 days left)"),
        "{shown}"
    );
    issue(&root, &["user"], &dir.path().join("ca"));
    assert_eq!(
        Identities::load(&dir.path().join("ca"), &["user"]).expect("loaded").domain(),
        "video.example"
    );
    for (json, wrong) in [
        (r#"{"CN":"x","key":{"algo":"rsa","size":1024}}"#, "rsa 1024"),
        (r#"{"CN":"x","names":[{"O":"a"},{"O":"b"}]}"#, "more than once"),
        (r#"{"hosts":["a"]}"#, "CN"),
        (r#"{"CN":"x","hosts":["a b"]}"#, "`a b`"),
    ] {
        let refused =
            Request::open(&put(dir.path(), "x.json", json)).expect("read").make(None).expect_err(wrong);
        assert!(refused.to_string().contains(wrong), "{refused}");
    }
    assert!(Request::open(&put(dir.path(), "x.json", "{")).expect_err("cut").to_string().contains("x.json"));
}
