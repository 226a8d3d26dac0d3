//! What is found out at a start: one line, and no half start.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use blobs::{Blobs, Config, Delivery, Error, Key, Redirect};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http::Method;
use servers::{S3_ACCESS_KEY, S3_READER_KEY, S3_SECRET_KEY};

use crate::world::{
    self, World, ask, fetch, fresh_name, send, settings, shared_minio, shared_seaweedfs, write_keys,
};

/// Why a start was refused.
async fn refusal(config: &Config, folder: &std::path::Path) -> String {
    let began = Instant::now();
    let refused = Blobs::open(config, folder).await.err().expect("is refused");
    assert!(began.elapsed() < Duration::from_secs(4), "took {:?}", began.elapsed());
    let Error::Setting(text) = refused else { panic!("not told as a setting: {refused:?}") };
    assert!(text.starts_with("blobs.") && !text.contains('\n'), "{text}");
    text
}

#[tokio::test]
async fn wrong_credentials_are_named() {
    for running in [shared_seaweedfs(), shared_minio()].into_iter().flatten() {
        let (config, folder) = settings(running.server.port(), &fresh_name());
        write_keys(folder.path(), "nobody", S3_SECRET_KEY);
        let text = refusal(&config, folder.path()).await;
        assert!(text.contains("blobs.access_key_file"), "{text}");
        write_keys(folder.path(), S3_ACCESS_KEY, "wrong-secret");
        let text = refusal(&config, folder.path()).await;
        assert!(text.contains("blobs.secret_key_file"), "{text}");
        assert!(!text.contains("wrong-secret"), "{text}");
    }
}

#[tokio::test]
async fn a_bucket_without_the_rights_is_refused() {
    let Some(running) = shared_seaweedfs() else { return };
    let port = running.server.port();
    let (config, folder) = settings(port, &fresh_name());
    write_keys(folder.path(), S3_READER_KEY, S3_SECRET_KEY);
    let text = refusal(&config, folder.path()).await;
    assert!(text.contains("to make the bucket"), "{text}");
    // The bucket is there, but can only be read.
    write_keys(folder.path(), S3_ACCESS_KEY, S3_SECRET_KEY);
    Blobs::open(&config, folder.path()).await.expect("makes it");
    write_keys(folder.path(), S3_READER_KEY, S3_SECRET_KEY);
    let text = refusal(&config, folder.path()).await;
    assert!(text.contains("to write to the bucket") && text.contains("lack that right"), "{text}");
}

#[tokio::test]
async fn an_address_where_no_object_store_is_is_refused() {
    let (config, folder) = settings(servers::free_port(), "nowhere");
    let text = refusal(&config, folder.path()).await;
    assert!(text.contains("does not answer") && text.to_lowercase().contains("refused"), "{text}");
    // Somebody who takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let (config, folder) = settings(silent.local_addr().expect("an address").port(), "nowhere");
    let text = refusal(&config, folder.path()).await;
    assert!(text.contains("does not answer"), "{text}");
}

#[tokio::test]
async fn credentials_that_cannot_be_trusted_or_read_are_refused() {
    let (config, folder) = settings(1, "nowhere");
    let secret = folder.path().join("secret");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o640)).expect("changes the mode");
    let text = refusal(&config, folder.path()).await;
    assert!(text.starts_with("blobs.secret_key_file") && text.contains("chmod 600"), "{text}");
    write_keys(folder.path(), S3_ACCESS_KEY, "two words");
    assert!(refusal(&config, folder.path()).await.contains("nothing else"));
    std::fs::remove_file(&secret).expect("removes");
    let text = refusal(&config, folder.path()).await;
    assert!(text.starts_with("blobs.secret_key_file") && text.contains("No such file"), "{text}");
}

#[tokio::test]
async fn a_nearly_full_folder_refuses_before_the_first_byte() {
    let mut world = world::folder().await.expect("always there");
    world.config.min_free_bytes = u64::MAX;
    let blobs = Blobs::open(&world.config, world.folder.path()).await.expect("opens");
    assert!(matches!(blobs.upload(&Key::random("o", 1, "bin")).await, Err(Error::Full { .. })));
    world.config.url = "file:secret/objects".into();
    std::fs::write(world.folder.path().join("secret"), "a file").expect("writes");
    assert!(refusal(&world.config, world.folder.path()).await.contains("secret/objects: Not a directory"));
    world.config.redirect = Redirect::Presigned;
    assert!(refusal(&world.config, world.folder.path()).await.contains("blobs.redirect"));
}

#[tokio::test]
async fn a_bucket_is_made_private_and_a_public_one_is_refused() {
    for world in [world::seaweedfs().await, world::minio().await].into_iter().flatten() {
        let key = Key::random("p", 1, "jpg");
        put(&world, &key).await;
        let port = world.running.as_ref().expect("a server").server.port();
        let bucket = world.bucket();
        let url = format!("http://127.0.0.1:{port}/{bucket}/{key}");
        assert_eq!(send(Method::GET, &url, "").await.0, 403);
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["*"]}},
                "Action":["s3:GetObject"],"Resource":["arn:aws:s3:::{bucket}/*"]}}]}}"#
        );
        let (status, body) = ask(port, bucket, Method::PUT, &[("policy", "")], &policy).await;
        assert!((200..300).contains(&status), "{status} {body}");
        assert_eq!(send(Method::GET, &url, "").await.0, 200);
        let text = refusal(&world.config, world.folder.path()).await;
        assert!(text.contains("must be private"), "{text}");
    }
}

#[tokio::test]
async fn a_signed_address_gives_the_bytes_their_type_and_nothing_to_others() {
    for mut world in [world::seaweedfs().await, world::minio().await].into_iter().flatten() {
        let key = Key::random("p", 2, "jpg");
        put(&world, &key).await;
        world.config.redirect = Redirect::Presigned;
        let blobs = Blobs::open(&world.config, world.folder.path()).await.expect("opens");
        let Delivery::Address(url) = blobs.delivery(&key).await.expect("signs") else { panic!("no address") };
        assert!(url.contains("X-Amz-Expires=600"), "{url}");
        let (status, body) = send(Method::GET, &url, "").await;
        assert_eq!((status, body.as_str()), (200, "a cover"));
        let (head, body) = fetch(Method::GET, &url, "", &[("range", "bytes=2-4")]).await;
        assert_eq!((head.status.as_u16(), body.as_str()), (206, "cov"));
        assert_eq!(head.headers["content-type"], "image/jpeg");
        let other = url.replace(key.as_str(), Key::random("p", 3, "jpg").as_str());
        assert_eq!(send(Method::GET, &other, "").await.0, 403);
        // For viewers the same bucket has another name.
        let port = world.running.as_ref().expect("a server").server.port();
        world.config.public_endpoint = format!("http://localhost:{port}/");
        let blobs = Blobs::open(&world.config, world.folder.path()).await.expect("opens");
        let Delivery::Address(url) = blobs.delivery(&key).await.expect("signs") else { panic!("no address") };
        assert!(url.starts_with(&format!("http://localhost:{port}/")), "{url}");
        assert_eq!(send(Method::GET, &url, "").await.0, 200);
        // The proxy in front gets path and query, and asks under the object store's own name.
        world.config.redirect = Redirect::XAccel;
        let blobs = Blobs::open(&world.config, world.folder.path()).await.expect("opens");
        let Delivery::Proxy(path) = blobs.delivery(&key).await.expect("signs") else { panic!("no path") };
        assert_eq!(send(Method::GET, &format!("http://127.0.0.1:{port}{path}"), "").await.0, 200);
        let read: Vec<Bytes> =
            blobs.object(&key).await.expect("is there").read(0..7).try_collect().await.expect("reads");
        assert_eq!(read.concat(), b"a cover");
    }
}

async fn put(world: &World, key: &Key) {
    let mut upload = world.blobs.upload(key).await.expect("begins");
    upload.write(Bytes::from_static(b"a cover")).await.expect("writes");
    upload.finish().await.expect("finishes");
}
