//! Tokens that hold, and every way in which one does not.

use jsonwebtoken::jwk::{CommonParameters, Jwk};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::*;

const EXPECTED: Expected<'static> =
    Expected { issuer: "https://id.example", client_id: "dytt", nonce: "this login" };

/// An Ed25519 key (RFC 8410) of these bytes, under this name.
fn key(seed: u8, name: &str) -> (EncodingKey, Jwk) {
    let start = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let key = EncodingKey::from_ed_der(&[start.as_slice(), &[seed; 32]].concat());
    let public = Jwk::from_encoding_key(&key, Algorithm::EdDSA).expect("a key");
    let common = CommonParameters { key_id: Some(name.into()), ..public.common };
    (key, Jwk { common, ..public })
}

fn now() -> i64 {
    domain::Timestamp::now().millis() / 1000
}

/// What a token says, with some of it otherwise; null leaves it out.
fn said(otherwise: Value) -> Value {
    let mut said = json!({
        "iss": EXPECTED.issuer, "aud": EXPECTED.client_id, "nonce": EXPECTED.nonce, "sub": "A1",
        "exp": now() + 60, "iat": now(), "preferred_username": "ann",
    });
    for (name, value) in otherwise.as_object().expect("an object") {
        said[name] = value.clone();
    }
    said.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    said
}

fn signed(by: &EncodingKey, name: Option<&str>, said: &Value) -> String {
    let header = Header { kid: name.map(str::to_owned), ..Header::new(Algorithm::EdDSA) };
    encode(&header, said, by).expect("signed")
}

#[test]
fn a_token_of_the_provider_for_this_login_tells_who_it_is() {
    let ((one, one_public), (two, two_public)) = (key(1, "one"), key(2, "two"));
    let keys = [one_public, two_public];
    for (key, name) in [(&one, "one"), (&two, "two")] {
        let claims = verify(&signed(key, Some(name), &said(json!({}))), &keys, &EXPECTED).expect("holds");
        assert_eq!((claims.sub.as_str(), claims.preferred_username.as_deref()), ("A1", Some("ann")));
    }
    let unnamed = signed(&one, None, &said(json!({})));
    assert_eq!(verify(&unnamed, &keys, &EXPECTED), Err(Wrong::Key), "it could be either");
    assert!(verify(&unnamed, &keys[..1], &EXPECTED).is_ok());
    let many = json!({ "aud": ["dytt", "other"], "azp": "dytt" });
    assert!(verify(&signed(&one, Some("one"), &said(many)), &keys, &EXPECTED).is_ok());
}

#[test]
fn whatever_is_wrong_with_a_token_it_holds_for_nobody() {
    let (key, public) = key(1, "one");
    let keys = [public];
    for (otherwise, wrong) in [
        (json!({ "iss": "https://other.example" }), Wrong::Token),
        (json!({ "iss": null }), Wrong::Token),
        (json!({ "aud": "other" }), Wrong::Token),
        (json!({ "exp": now() - 120 }), Wrong::Token),
        (json!({ "exp": null }), Wrong::Token),
        (json!({ "sub": null }), Wrong::Token),
        (json!({ "nonce": "another login" }), Wrong::Nonce),
        (json!({ "nonce": null }), Wrong::Nonce),
        (json!({ "azp": "other" }), Wrong::Party),
        (json!({ "aud": ["dytt", "other"] }), Wrong::Party),
        (json!({ "sub": "" }), Wrong::Subject),
        (json!({ "sub": "a".repeat(256) }), Wrong::Subject),
    ] {
        let token = signed(&key, Some("one"), &said(otherwise.clone()));
        assert_eq!(verify(&token, &keys, &EXPECTED), Err(wrong), "{otherwise}");
    }
}

#[test]
fn only_the_providers_own_signature_counts() {
    let ((key, public), (stranger, _)) = (key(1, "one"), key(2, "two"));
    let claims = said(json!({}));
    let keys = [public];
    let wrong = |token: &str| verify(token, &keys, &EXPECTED).expect_err("does not hold");
    assert_eq!(wrong(&signed(&stranger, Some("one"), &claims)), Wrong::Token);
    assert_eq!(wrong(&signed(&stranger, Some("two"), &claims)), Wrong::Key);
    // What everybody knows of a key signs nothing.
    let jsonwebtoken::jwk::AlgorithmParameters::OctetKeyPair(known) = &keys[0].algorithm else { panic!() };
    let header = Header { kid: Some("one".into()), ..Header::new(Algorithm::HS256) };
    let forged = encode(&header, &claims, &EncodingKey::from_secret(known.x.as_bytes())).expect("signed");
    assert_eq!(wrong(&forged), Wrong::Algorithm);
    let token = signed(&key, Some("one"), &claims);
    let (start, _) = token.rsplit_once('.').expect("three parts");
    // {"alg":"none"}
    let bare = format!("eyJhbGciOiJub25lIn0.{}.", start.split('.').nth(1).expect("a middle"));
    for broken in ["", "a", "a.b.c", start, &format!("{start}."), &bare] {
        assert_eq!(wrong(broken), Wrong::Token, "{broken}");
    }
}
