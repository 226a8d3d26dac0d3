//! Tokens that are ours, and everything that is not.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;

const KEY: [u8; 32] = [7; 32];

fn user() -> UserId {
    UserId::parse(42).expect("is an id")
}

/// A token like ours but for one change.
fn forged(change: impl FnOnce(&mut Header, &mut Value), key: &[u8]) -> String {
    let now = Timestamp::now().millis() / 1000;
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(Tokens::with_key(&KEY).kid);
    let mut claims = json!({ "iss": "dytt", "aud": "dytt-douyin", "sub": "42", "iat": now, "nbf": now,
                             "exp": now + 600, "jti": "x", "epoch": 0 });
    change(&mut header, &mut claims);
    let key = EncodingKey::from_secret(key);
    jsonwebtoken::encode(&header, &claims, &key).expect("signs")
}

#[test]
fn a_token_proves_its_user_and_can_stand_in_a_url() {
    let tokens = Tokens::with_key(&KEY);
    let token = tokens.issue(user(), 3, Timestamp::now()).expect("issues");
    assert_eq!(
        tokens.check(&token).expect("is valid"),
        Proof { user: user(), epoch: 3, session: 0, generation: 0 }
    );
    assert!(token.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c)), "{token}");
    assert!(tokens.check(&forged(|_, _| {}, &KEY)).is_ok(), "the forger itself works");
}

#[test]
fn of_a_sessions_two_tokens_each_does_its_own_work_alone() {
    let tokens = Tokens::with_key(&KEY);
    let proof = Proof { user: user(), epoch: 3, session: 7, generation: 2 };
    let (access, renewal) = tokens.issue_pair(proof, Timestamp::now()).expect("issues");
    assert_eq!(tokens.check(&access).expect("is valid"), proof);
    assert_eq!(tokens.check_renewal(&renewal).expect("is valid"), proof);
    assert!(tokens.check(&renewal).is_err() && tokens.check_renewal(&access).is_err());
    let then = Timestamp::now().before(ACCESS + Duration::from_secs(60));
    let (old, renewal) = tokens.issue_pair(proof, then).expect("issues");
    assert!(matches!(tokens.check(&old), Err(Error::TokenExpired)));
    assert!(tokens.check_renewal(&renewal).is_ok());
}

#[test]
fn a_place_in_a_list_is_none_in_another() {
    let tokens = Tokens::with_key(&KEY);
    let sealed = tokens.sealed("comments/5", 12_345);
    assert_eq!(tokens.opened("comments/5", &sealed), Some(12_345));
    assert_eq!(tokens.opened("comments/6", &sealed), None);
    let (place, mark) = sealed.split_once('.').expect("two parts");
    for forged in
        [format!("1{place}.{mark}"), format!("{place}.x{}", &mark[1..]), place.into(), "".into(), ".".into()]
    {
        assert_eq!(tokens.opened("comments/5", &forged), None, "{forged}");
    }
}

#[test]
fn an_old_token_has_expired() {
    let tokens = Tokens::with_key(&KEY);
    let then = Timestamp::now().before(Duration::from_secs(8 * 24 * 3600));
    let token = tokens.issue(user(), 0, then).expect("issues");
    assert!(matches!(tokens.check(&token), Err(Error::TokenExpired)));
}

#[test]
fn forged_tokens_never_work() {
    let tokens = Tokens::with_key(&KEY);
    let ours = tokens.issue(user(), 0, Timestamp::now()).expect("issues");
    let parts: Vec<&str> = ours.split('.').collect();
    let (head, claims, signature) = (parts[0], parts[1], parts[2]);
    // {"alg":"none"}, {"alg":"None","typ":"JWT"}
    let none = ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25lIiwidHlwIjoiSldUIn0"];
    let mut bad = vec![
        String::new(),
        ".".into(),
        "..".into(),
        "a.b.c".into(),
        "null".into(),
        head.into(),
        format!("{head}.{claims}"),
        format!("{head}.{claims}."),
        format!("{head}.{claims}.{signature}x"),
        format!("{head}.{claims}.{}", &signature[1..]),
        format!("{head}.{claims}.{signature}.{signature}"),
        format!("{head}..{signature}"),
        format!("{claims}.{head}.{signature}"),
        format!("{} {}", head, claims),
        format!("{ours}{}", "A".repeat(10_000)),
        format!("{}.{claims}.", none[0]),
        format!("{}.{claims}.{signature}", none[0]),
        format!("{}.{claims}.", none[1]),
        forged(|_, _| {}, &[8; 32]),
        forged(|_, _| {}, b""),
        forged(|header, _| header.alg = Algorithm::HS384, &KEY),
        forged(|header, _| header.alg = Algorithm::HS512, &KEY),
        forged(|header, _| header.kid = None, &KEY),
        forged(|header, _| header.typ = Some("at+jwt".into()), &KEY),
        forged(|header, _| header.typ = None, &KEY),
    ];
    for kid in ["", "../../etc/passwd", "' OR 1=1 --", "/dev/null", &"k".repeat(500)] {
        bad.push(forged(|header, _| header.kid = Some(kid.into()), &KEY));
    }
    let claims: [(&str, Value); 16] = [
        ("iss", json!("other")),
        ("iss", Value::Null),
        ("aud", json!("other")),
        ("aud", Value::Null),
        ("sub", json!("0")),
        ("sub", json!("-1")),
        ("sub", json!("admin")),
        ("sub", json!(42)),
        ("sub", json!("99999999999999999999")),
        ("exp", json!("9999999999")),
        ("exp", Value::Null),
        ("exp", json!(-1)),
        ("nbf", json!(Timestamp::now().millis() / 1000 + 3600)),
        ("nbf", Value::Null),
        ("epoch", json!("0")),
        ("epoch", Value::Null),
    ];
    for (name, value) in claims {
        bad.push(forged(|_, claims| claims[name] = value, &KEY));
    }
    for token in bad {
        assert!(tokens.check(&token).is_err(), "accepted: {token}");
    }
}

#[test]
fn the_key_is_made_once_and_must_be_private() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys/jwt.key");
    let token = Tokens::open(&path).expect("makes a key").issue(user(), 0, Timestamp::now()).expect("issues");
    assert_eq!(path.metadata().expect("exists").permissions().mode() & 0o777, 0o600);
    assert!(Tokens::open(&path).expect("reads it again").check(&token).is_ok());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("sets the mode");
    assert!(matches!(Tokens::open(&path), Err(KeyError::Open { .. })));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("sets the mode");
    for content in ["", "secret", &"g".repeat(64), &"a".repeat(63), &"a".repeat(66)] {
        std::fs::write(&path, content).expect("writes");
        assert!(matches!(Tokens::open(&path), Err(KeyError::Content { .. })), "{content}");
    }
}

/// Gateways that start at once on one folder must not each sign with a key of their own.
#[test]
fn those_who_make_the_key_at_once_agree_on_one() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys/jwt.key");
        let opened: Vec<Tokens> = std::thread::scope(|scope| {
            let opening: Vec<_> = (0..8).map(|_| scope.spawn(|| Tokens::open(&path))).collect();
            let opened = opening.into_iter().map(|thread| thread.join().expect("it ends"));
            opened.collect::<Result<_, _>>().expect("all open")
        });
        let token = opened[0].issue(user(), 0, Timestamp::now()).expect("issues");
        assert!(opened.iter().all(|tokens| tokens.check(&token).is_ok()));
        let left = std::fs::read_dir(folder.path().join("keys")).expect("is there").count();
        assert_eq!(left, 1, "the key alone");
    }
}
