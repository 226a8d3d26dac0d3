//! Folders as they must not be, each with its line.

use std::os::unix::fs::PermissionsExt;

use rcgen::ExtendedKeyUsagePurpose;

use super::*;
use crate::Identities;
use crate::tests::{DAY, Leaf, OPENSSL, folder, has, open, put, ran};

/// The one line that says why a folder is not loaded.
fn refused(dir: &Path, services: &[&str]) -> String {
    let refused = Identities::load(dir, services).err().expect("must be refused").to_string();
    assert!(!refused.contains('\n') && !refused.is_empty(), "one line: {refused}");
    refused
}

/// Each part must be in the line.
fn names(line: &str, parts: &[&str]) {
    for part in parts {
        assert!(line.contains(part), "`{part}` is not in: {line}");
    }
}

#[test]
fn a_whole_folder_is_loaded() {
    let dir = folder(&["user", "feed"]);
    let loaded = Identities::load(dir.path(), &["user", "feed"]).expect("loaded");
    assert_eq!(loaded.domain(), "dytt");
    Identities::load(dir.path(), &["feed"]).expect("what is not wanted does not matter");
}

#[test]
fn a_missing_file_is_named_with_the_command_that_makes_it() {
    let empty = tempfile::tempdir().expect("a folder");
    names(&refused(empty.path(), &["user"]), &["ca.pem", "dytt cert init"]);
    let dir = folder(&["user"]);
    names(&refused(dir.path(), &["user", "feed"]), &["feed.pem", "dytt cert issue feed"]);
    std::fs::remove_file(dir.path().join("user.key")).expect("removed");
    names(&refused(dir.path(), &["user"]), &["user.key", "dytt cert issue user"]);
    names(&refused(dir.path(), &[]), &["no service"]);
}

#[test]
fn a_file_cut_off_anywhere_is_refused_and_named() {
    for name in ["ca.pem", "user.pem", "user.key", "crl.pem"] {
        let dir = folder(&["user", "feed"]);
        open(dir.path())
            .revoke_file(&dir.path().join("feed.pem"), dir.path(), std::time::SystemTime::now())
            .expect("a list");
        let path = dir.path().join(name);
        let whole = std::fs::read(&path).expect("read");
        for length in [0, 1, 20, whole.len() / 2, whole.len() - 10] {
            std::fs::write(&path, &whole[..length]).expect("cut");
            names(&refused(dir.path(), &["user"]), &[name]);
        }
        std::fs::write(&path, "this is no PEM file\n").expect("garbage");
        names(&refused(dir.path(), &["user"]), &[name]);
        std::fs::write(&path, &whole).expect("mended");
        Identities::load(dir.path(), &["user"]).expect("loaded");
    }
}

#[test]
fn a_key_others_may_use_is_refused() {
    let dir = folder(&["user"]);
    let path = dir.path().join("user.key");
    for mode in [0o640, 0o604, 0o620, 0o644, 0o601] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
        names(&refused(dir.path(), &["user"]), &["user.key", &format!("{mode:04o}"), "0600"]);
    }
    for mode in [0o600, 0o400] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
        Identities::load(dir.path(), &["user"]).expect("loaded");
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let dir = folder(&["user", "feed"]);
    std::fs::copy(dir.path().join("feed.key"), dir.path().join("user.key")).expect("copied");
    names(&refused(dir.path(), &["user"]), &["user.key", "not the key of", "user.pem"]);
}

#[test]
fn a_certificate_that_is_not_this_services_is_refused_with_the_reason() {
    use ExtendedKeyUsagePurpose::{CodeSigning, ServerAuth};
    let good = || Leaf::of("user");
    let uris = |uris: &[&str]| Leaf { uris: uris.iter().map(|uri| (*uri).to_owned()).collect(), ..good() };
    let now = std::time::SystemTime::now();
    for (leaf, wrong) in [
        (uris(&[]), "0 URI names"),
        (uris(&["spiffe://dytt/service/user", "spiffe://dytt/service/feed"]), "2 URI names"),
        (uris(&["spiffe://dytt/service/*"]), "not spiffe://DOMAIN/service/NAME"),
        (uris(&["https://user.dytt"]), "not spiffe://DOMAIN/service/NAME"),
        (uris(&["spiffe://dytt/service/comment"]), "is of the service `comment`"),
        (Leaf { dns: vec!["*.dytt".to_owned()], ..good() }, "wildcard"),
        (Leaf { from: now - 9 * DAY, until: now - DAY, ..good() }, "expired"),
        (Leaf { from: now + DAY, until: now + 9 * DAY, ..good() }, "not valid before"),
        (Leaf { purposes: vec![CodeSigning], ..good() }, "neither"),
        (Leaf { purposes: Vec::new(), ..good() }, "neither"),
    ] {
        let dir = folder(&[]);
        leaf.put(dir.path(), "user");
        names(&refused(dir.path(), &["user"]), &["user.pem", wrong]);
    }
    let dir = folder(&[]);
    Leaf { purposes: vec![ServerAuth], ..good() }.put(dir.path(), "user");
    Identities::load(dir.path(), &["user"]).expect("a service that only answers needs no more");
}

#[test]
fn services_of_two_domains_are_refused() {
    let dir = folder(&["user"]);
    Leaf { uris: vec!["spiffe://other/service/feed".to_owned()], ..Leaf::of("feed") }.put(dir.path(), "feed");
    names(&refused(dir.path(), &["user", "feed"]), &["user.pem", "feed.pem", "`other`", "`dytt`"]);
}

#[test]
fn a_foreign_root_and_one_that_is_no_root_are_refused() {
    let (dir, other) = (folder(&["user"]), folder(&["user"]));
    std::fs::copy(other.path().join("ca.pem"), dir.path().join("ca.pem")).expect("copied");
    names(&refused(dir.path(), &["user"]), &["user.pem", "not signed by a valid root of ca.pem"]);
    std::fs::copy(dir.path().join("user.pem"), dir.path().join("ca.pem")).expect("copied");
    names(&refused(dir.path(), &["user"]), &["ca.pem", "no authority"]);
}

#[test]
fn a_revoked_certificate_and_a_list_of_a_wrong_signature_are_refused() {
    let (dir, other) = (folder(&["user", "feed"]), folder(&["user"]));
    let now = std::time::SystemTime::now();
    open(dir.path()).revoke_file(&dir.path().join("feed.pem"), dir.path(), now).expect("revoked");
    names(&refused(dir.path(), &["user", "feed"]), &["feed.pem", "revoked"]);
    Identities::load(dir.path(), &["user"]).expect("the others are not touched");
    open(other.path()).revoke_file(&other.path().join("user.pem"), other.path(), now).expect("revoked");
    std::fs::copy(other.path().join("crl.pem"), dir.path().join("crl.pem")).expect("copied");
    Identities::load(dir.path(), &["user"]).expect("the list of a root that is not here says nothing");
    // The right name, and the wrong signature.
    let whole = std::fs::read_to_string(other.path().join("crl.pem")).expect("read");
    let text: Vec<&str> = whole.lines().collect();
    let mut lines: Vec<String> = text.iter().map(|line| (*line).to_owned()).collect();
    let last = lines.len() - 2;
    lines[last] = lines[last]
        .chars()
        .map(|letter| {
            if letter == 'A' {
                'B'
            } else if letter.is_ascii_uppercase() {
                'A'
            } else {
                letter
            }
        })
        .collect();
    put(other.path(), "crl.pem", &lines.join("\n"));
    Leaf::of("feed").put(other.path(), "feed");
    names(&refused(other.path(), &["feed"]), &["crl.pem"]);
}

#[test]
fn keys_of_every_form_and_kind_are_loaded() {
    if !has("openssl", OPENSSL) {
        return;
    }
    let dir = folder(&[]);
    let here = dir.path();
    for (kind, options) in [("EC", "ec_paramgen_curve:P-384"), ("RSA", "rsa_keygen_bits:2048")] {
        ran(here, "openssl", &["genpkey", "-algorithm", kind, "-pkeyopt", options, "-out", "pkcs8.key"]);
        ran(here, "openssl", &["pkey", "-in", "pkcs8.key", "-out", "old.key", "-traditional"]);
        let head = std::fs::read_to_string(here.join("old.key")).expect("read");
        assert!(head.contains(&format!("BEGIN {kind} PRIVATE KEY")), "{head}");
        ran(here, "openssl", &["req", "-new", "-key", "pkcs8.key", "-subj", "/CN=user", "-out", "user.csr"]);
        put(
            here,
            "names",
            "subjectAltName=URI:spiffe://dytt/service/user\nextendedKeyUsage=serverAuth,clientAuth\n",
        );
        ran(
            here,
            "openssl",
            &[
                "x509",
                "-req",
                "-in",
                "user.csr",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-days",
                "5",
                "-extfile",
                "names",
                "-out",
                "user.pem",
            ],
        );
        for form in ["pkcs8.key", "old.key"] {
            let key = std::fs::read(here.join(form)).expect("read");
            file::write(&here.join("user.key"), &key, true).expect("written");
            Identities::load(here, &["user"]).unwrap_or_else(|error| panic!("{kind} {form}: {error}"));
        }
    }
}
