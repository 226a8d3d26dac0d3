//! Ranges as the standard has them, and each way of delivery.

use std::os::unix::fs::PermissionsExt;

use blobs::{Config, Redirect};
use bytes::Bytes;

use super::*;

#[test]
fn ranges_are_read_as_the_standard_says() {
    for (header, found) in [
        ("bytes=0-0", Wanted::Part(0..1)),
        ("bytes=0-", Wanted::Part(0..100)),
        ("bytes=10-19", Wanted::Part(10..20)),
        ("bytes=90-1000", Wanted::Part(90..100)),
        ("bytes=-10", Wanted::Part(90..100)),
        ("bytes=-1000", Wanted::Part(0..100)),
        ("bytes=100-", Wanted::Impossible),
        ("bytes=100-200", Wanted::Impossible),
        ("bytes=-0", Wanted::Impossible),
        ("bytes=99999999999999999999999-", Wanted::Impossible),
        ("bytes=0-99999999999999999999999", Wanted::Part(0..100)),
        ("bytes=5-3", Wanted::All),
        ("bytes=-", Wanted::All),
        ("bytes=a-b", Wanted::All),
        ("bytes=0-1,5-6", Wanted::All),
        ("items=0-1", Wanted::All),
        ("", Wanted::All),
    ] {
        assert_eq!(wanted(header, 100), found, "{header}");
    }
    assert_eq!(wanted("bytes=0-", 0), Wanted::Impossible);
}

const CLIP: &[u8] = b"0123456789 a clip";

/// A store with one clip in it.
async fn store(url: &str, redirect: Redirect, folder: &std::path::Path) -> (Blobs, Key) {
    let config = Config {
        url: url.into(),
        access_key_file: "access".into(),
        secret_key_file: "secret".into(),
        redirect,
        public_endpoint: String::new(),
        min_free_bytes: 0,
        orphan_ttl_seconds: 3600,
    };
    let blobs = Blobs::open(&config, folder).await.expect("opens");
    let key = Key::random("p", 7, "mp4");
    let mut upload = blobs.upload(&key).await.expect("begins");
    upload.write(Bytes::from_static(CLIP)).await.expect("writes");
    upload.finish().await.expect("finishes");
    (blobs, key)
}

/// An answer's status, headers and body.
async fn ask(
    blobs: &Blobs,
    key: &Key,
    method: Method,
    headers: &[(HeaderName, &'static str)],
) -> (StatusCode, HeaderMap, Bytes) {
    let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
    let answer = answer(blobs, key, &method, &headers.collect()).await.expect("answers");
    let (head, body) = answer.into_parts();
    (head.status, head.headers, axum::body::to_bytes(body, 1024).await.expect("a body"))
}

fn told(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

/// What holds however the bytes are delivered: it is answered by the gateway itself.
async fn questions_are_answered_here(blobs: &Blobs, key: &Key) {
    let (status, headers, body) = ask(blobs, key, Method::HEAD, &[]).await;
    assert_eq!((status, body.len()), (StatusCode::OK, 0));
    assert_eq!(told(&headers, header::CONTENT_LENGTH), "17");
    assert_eq!(told(&headers, header::CONTENT_TYPE), "video/mp4");
    assert!(headers.get(X_ACCEL_REDIRECT).is_none() && headers.get(header::LOCATION).is_none());
    let (status, ..) = ask(blobs, key, Method::GET, &[(header::IF_NONE_MATCH, "*")]).await;
    assert_eq!(status, StatusCode::NOT_MODIFIED);
    let (status, headers, _) = ask(blobs, &Key::random("p", 8, "mp4"), Method::GET, &[]).await;
    assert_eq!((status, told(&headers, header::CACHE_CONTROL)), (StatusCode::NOT_FOUND, "no-store"));
    assert_eq!(told(&headers, header::RETRY_AFTER), RETRY_SECONDS);
}

#[tokio::test]
async fn bytes_come_through_the_gateway_whole_or_in_part() {
    let folder = tempfile::tempdir().expect("a folder");
    let (blobs, key) = store("file:objects", Redirect::Off, folder.path()).await;
    questions_are_answered_here(&blobs, &key).await;
    let (status, headers, body) = ask(&blobs, &key, Method::GET, &[]).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, CLIP));
    assert!(told(&headers, header::CACHE_CONTROL).contains("immutable"));
    let range = (header::RANGE, "bytes=3-5");
    let (status, headers, body) = ask(&blobs, &key, Method::GET, std::slice::from_ref(&range)).await;
    assert_eq!((status, &body[..]), (StatusCode::PARTIAL_CONTENT, &b"345"[..]));
    assert_eq!(told(&headers, header::CONTENT_RANGE), "bytes 3-5/17");
    let (status, ..) = ask(&blobs, &key, Method::GET, &[range, (header::IF_RANGE, "\"other\"")]).await;
    assert_eq!(status, StatusCode::OK);
    let (status, ..) = ask(&blobs, &key, Method::GET, &[(header::RANGE, "bytes=17-")]).await;
    assert_eq!(status, StatusCode::RANGE_NOT_SATISFIABLE);
}

#[tokio::test]
async fn the_proxy_in_front_is_told_where_the_bytes_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let (blobs, key) = store("file:objects", Redirect::XAccel, folder.path()).await;
    questions_are_answered_here(&blobs, &key).await;
    let (status, headers, body) = ask(&blobs, &key, Method::GET, &[(header::RANGE, "bytes=3-5")]).await;
    assert_eq!((status, body.len()), (StatusCode::OK, 0));
    assert_eq!(told(&headers, X_ACCEL_REDIRECT), format!("/_objects/{key}"));
    assert_eq!(told(&headers, header::CONTENT_TYPE), "video/mp4");
}

#[tokio::test]
async fn a_bucket_is_reached_by_an_address_that_outlives_its_cache() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(server) = servers::or_skip(servers::seaweedfs(&folder.path().join("s3"))) else { return };
    std::fs::write(folder.path().join("access"), servers::S3_ACCESS_KEY).expect("writes");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, servers::S3_SECRET_KEY).expect("writes");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("changes the mode");
    let url = format!("s3://clips?endpoint=http://{}", server.addr());

    let (blobs, key) = store(&url, Redirect::Presigned, folder.path()).await;
    questions_are_answered_here(&blobs, &key).await;
    let (status, headers, body) = ask(&blobs, &key, Method::GET, &[(header::RANGE, "bytes=3-5")]).await;
    assert_eq!((status, body.len()), (StatusCode::TEMPORARY_REDIRECT, 0));
    let address = told(&headers, header::LOCATION);
    assert!(address.starts_with(&format!("http://{}/clips/{key}?", server.addr())), "{address}");
    assert!(address.contains("X-Amz-Expires=600&") && address.contains("response-content-type=video%2Fmp4"));
    assert_eq!(told(&headers, header::CACHE_CONTROL), "public, max-age=300");
    assert!(headers.get(header::ETAG).is_none());

    let (blobs, key) = store(&url, Redirect::XAccel, folder.path()).await;
    let (_, headers, _) = ask(&blobs, &key, Method::GET, &[]).await;
    let path = told(&headers, X_ACCEL_REDIRECT);
    assert!(
        path.starts_with(&format!("/_objects/clips/{key}?")) && path.contains("X-Amz-Signature="),
        "{path}"
    );

    let (blobs, key) = store(&url, Redirect::Off, folder.path()).await;
    questions_are_answered_here(&blobs, &key).await;
    let (status, _, body) = ask(&blobs, &key, Method::GET, &[(header::RANGE, "bytes=3-5")]).await;
    assert_eq!((status, &body[..]), (StatusCode::PARTIAL_CONTENT, &b"345"[..]));
}
