//! How parameters are found and what is wrong with them.

use super::*;

fn query(text: &str) -> Params {
    Params(Arc::new(Given { pairs: pairs(text.as_bytes()), bearer: None }))
}

#[test]
fn the_first_value_that_is_not_empty_wins() {
    let params = query("content=&content=one&content=two&x");
    assert_eq!(params.text("content").expect("reads"), Some("one"));
    assert_eq!(params.text("x").expect("reads"), None);
    assert_eq!(params.and([("y".into(), Some("late".into()))]).text("y").expect("reads"), Some("late"));
}

#[test]
fn values_are_decoded_once_and_must_be_utf8() {
    assert_eq!(query("a=%E5%B0%8F+%2B%26%3D").text("a").expect("reads"), Some("小 +&="));
    assert_eq!(query("a=%2541").text("a").expect("reads"), Some("%41"));
    assert!(matches!(query("a=%ff").text("a"), Err(Error::BadParameter { name, .. }) if name == "a"));
    assert_eq!(query("a=%zz").text("a").expect("reads"), Some("%zz"));
}

#[test]
fn moments_are_never_an_error() {
    for (text, millis) in [
        ("t=0", 0),
        ("t=", 0),
        ("t=-5", 0),
        ("t=2006-01-02T15:04:05Z", 0),
        ("t=%ff", 0),
        ("t=1700000000", 1_700_000_000_000),
        ("t=1700000000123", 1_700_000_000_123),
        ("t=9223372036854775807", i64::MAX),
    ] {
        assert_eq!(query(text).moment("t"), millis, "{text}");
    }
}

#[test]
fn zero_is_an_absent_id_and_a_negative_one_is_wrong() {
    assert_eq!(query("id=0").id("id").expect("reads"), None);
    assert_eq!(query("id=1e+06").id("id").expect("reads"), Some(1_000_000));
    assert!(query("id=-1").id("id").is_err());
    assert!(query("id=abc").id("id").is_err());
    assert!(query("").required_id("id").is_err());
}

#[test]
fn a_token_may_stand_in_the_header_if_nowhere_else() {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, "bearer  abc ".parse().expect("value"));
    assert_eq!(bearer(&headers).as_deref(), Some("abc"));
    let params = Params(Arc::new(Given { pairs: pairs(b"token=first"), bearer: bearer(&headers) }));
    assert_eq!(params.token().expect("reads"), Some("first"));
    headers.insert(header::AUTHORIZATION, "Basic abc".parse().expect("value"));
    assert_eq!(bearer(&headers), None);
}
