//! Uploads in parts (tus 1.0): cut at any byte they go on exactly there, and nothing is left of what is given up.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use e2e::{Platform, clip, eventually, raw};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

const SHA1_OF_ABC: &str = "sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=";

#[tokio::test]
async fn an_upload_in_pieces_of_any_length_is_the_file() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let file = clip::plain();
    let upload = platform.begin_upload(&ann, file.len()).await;
    let mut at = 0;
    for end in [1, 2, 1000, file.len() / 2, file.len() - 1, file.len()] {
        assert_eq!(platform.arrived(&ann, &upload).await, Some(at));
        let told = platform.append(&ann, &upload, at, &file[at..end], &[]).await.ok(204);
        assert_eq!(told.header("upload-offset"), end.to_string());
        at = end;
    }
    let name = upload.strip_prefix("/uploads/").expect("a name");
    let body = json!({ "upload": name, "title": "pieces" });
    let video = platform.api(Some(&ann), Method::POST, "/videos", body.clone()).await.ok(201).json;
    assert_eq!(video["ready"], true);
    platform.api(Some(&ann), Method::POST, "/videos", body).await.failed(404, "upload_not_found");
    assert_eq!(platform.arrived(&ann, &upload).await, None, "it is a video now");
    let detail = platform.rendered(&ann, video["id"].as_i64().expect("a number")).await;
    assert_eq!((&detail["state"], &detail["visibility"]), (&json!("ready"), &json!("public")));
    assert!(!platform.objects().iter().any(|key| key.starts_with("o/")), "{:?}", platform.objects());
    platform.finish().await;
}

/// The connection ends after so many bytes of a body that announces more: what arrived counts.
#[tokio::test]
async fn an_upload_cut_at_any_byte_goes_on_exactly_there() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let file = clip::plain();
    for cut in [0, 1, 4095, 4096, 4097, 65_536, file.len() - 1] {
        let upload = platform.begin_upload(&ann, file.len()).await;
        let mut socket = raw::connect(&platform).await;
        let head = format!(
            "PATCH /api/v1{upload} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
             Upload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {}\r\n\r\n",
            ann.token,
            file.len()
        );
        socket.write_all(head.as_bytes()).await.expect("sent");
        socket.write_all(&file[..cut]).await.expect("sent");
        socket.flush().await.expect("sent");
        drop(socket);
        eventually("what arrived counts", Duration::from_secs(20), async || {
            (platform.arrived(&ann, &upload).await == Some(cut)).then_some(())
        })
        .await;
        platform.append(&ann, &upload, cut, &file[cut..], &[]).await.ok(204);
        let name = upload.strip_prefix("/uploads/").expect("a name");
        let body = json!({ "upload": name, "title": format!("cut at {cut}") });
        platform.api(Some(&ann), Method::POST, "/videos", body).await.ok(201);
    }
    platform.finish().await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_changes_nothing() {
    let platform = Platform::with(&[("DYTT_MEDIA__MAX_BYTES", "1000000")]).await;
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let upload = platform.begin_upload(&ann, 10).await;
    platform.append(&ann, &upload, 0, b"abc", &[("upload-checksum", SHA1_OF_ABC)]).await.ok(204);
    let wrong = [("upload-checksum", SHA1_OF_ABC)];
    platform.append(&ann, &upload, 3, b"abd", &wrong).await.failed(460, "checksum_mismatch");
    platform
        .append(&ann, &upload, 3, b"abc", &[("upload-checksum", "md5 x")])
        .await
        .failed(400, "bad_parameter");
    platform.append(&ann, &upload, 0, b"abc", &[]).await.failed(409, "upload_moved");
    platform.append(&ann, &upload, 4, b"abc", &[]).await.failed(409, "upload_moved");
    platform.append(&ann, &upload, 3, b"12345678", &[]).await.failed(413, "too_large");
    platform.append(&bob, &upload, 3, b"abc", &[]).await.failed(404, "upload_not_found");
    assert_eq!(platform.arrived(&ann, &upload).await, Some(3));
    assert_eq!(platform.arrived(&bob, &upload).await, None, "another's");
    let body = json!({ "upload": upload.strip_prefix("/uploads/").expect("a name"), "title": "x" });
    let early = platform.api(Some(&ann), Method::POST, "/videos", body.clone()).await.failed(400, "invalid");
    assert_eq!(early.json["field"], "upload");
    platform.append(&ann, &upload, 3, b"1234567", &[]).await.ok(204);
    platform.api(Some(&ann), Method::POST, "/videos", body).await.failed(415, "unsupported_media");
    assert_eq!(platform.arrived(&ann, &upload).await, None, "what is no video is not kept");
    let begin = async |length: &str| {
        let request = platform.request(Method::POST, "/api/v1/uploads").bearer_auth(&ann.token);
        let request = request.header("tus-resumable", "1.0.0").header("upload-length", length);
        request.header("content-length", 0).send().await.expect("an answer").status().as_u16()
    };
    for (length, status) in [("1000001", 413), ("0", 400), ("-1", 400), ("x", 400), ("1000000", 201)] {
        assert_eq!(begin(length).await, status, "{length}");
    }
    let old = platform.request(Method::HEAD, &format!("/api/v1{upload}")).bearer_auth(&ann.token);
    let old = old.header("tus-resumable", "0.2.2").send().await.expect("an answer");
    assert_eq!(
        (old.status().as_u16(), &old.headers()["tus-version"]),
        (412, &"1.0.0".parse().expect("text"))
    );
    platform.leaves_only(&[]).await;
    platform.finish().await;
}

#[tokio::test]
async fn what_is_given_up_is_gone_and_what_can_be_done_is_told() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let told = platform.request(Method::OPTIONS, "/api/v1/uploads").send().await.expect("an answer");
    let header = |name: &str| told.headers()[name].to_str().expect("text").to_owned();
    assert_eq!((told.status().as_u16(), header("tus-version")), (204, "1.0.0".into()));
    assert_eq!(header("tus-extension"), "creation,termination,checksum,expiration");
    let upload = platform.begin_upload(&ann, 10).await;
    let told = platform.append(&ann, &upload, 0, b"abc", &[]).await.ok(204);
    assert!(told.header("upload-expires").ends_with(" GMT"));
    assert_eq!(platform.objects().len(), 1);
    let end = platform.request(Method::DELETE, &format!("/api/v1{upload}")).bearer_auth(&ann.token);
    let end = end.header("tus-resumable", "1.0.0").send().await.expect("an answer");
    assert_eq!(end.status(), 204);
    assert_eq!((platform.arrived(&ann, &upload).await, platform.objects().len()), (None, 0));
    for number in 0..20 {
        assert!(platform.begin_upload(&ann, 10).await.starts_with("/uploads/"), "{number}");
    }
    let more = platform.request(Method::POST, "/api/v1/uploads").bearer_auth(&ann.token);
    let more = more.header("tus-resumable", "1.0.0").header("upload-length", 10).header("content-length", 0);
    assert_eq!(more.send().await.expect("an answer").status(), 403, "so many at once");
    platform.finish().await;
}

/// Of two who send the same piece one succeeds, and what counts is what one of them sent.
#[tokio::test]
async fn the_same_piece_sent_twice_at_once_counts_once() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let file = clip::plain();
    let upload = platform.begin_upload(&ann, file.len()).await;
    let sent = async || platform.append(&ann, &upload, 0, file, &[]).await.status;
    let both = tokio::join!(sent(), sent());
    assert!(matches!(both, (204, 409) | (409, 204)), "{both:?}");
    assert_eq!(platform.arrived(&ann, &upload).await, Some(file.len()));
    assert_eq!(platform.objects().len(), 1);
    platform.finish().await;
}

/// A process that dies loses what was on its way and nothing before.
#[tokio::test]
async fn an_upload_survives_kill_9() {
    let mut platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let file = clip::plain();
    let upload = platform.begin_upload(&ann, file.len()).await;
    platform.append(&ann, &upload, 0, &file[..5000], &[]).await.ok(204);
    platform.kill();
    platform.restart().await;
    assert_eq!(platform.arrived(&ann, &upload).await, Some(5000));
    platform.append(&ann, &upload, 5000, &file[5000..], &[]).await.ok(204);
    let body = json!({ "upload": upload.strip_prefix("/uploads/").expect("a name"), "title": "again" });
    let video = platform.api(Some(&ann), Method::POST, "/videos", body).await.ok(201).json;
    assert_ne!(video["id"], Value::Null);
    platform.finish().await;
}

/// The client that browsers use, which is cut in the middle and goes on.
#[tokio::test]
async fn the_tus_client_of_npm_uploads_and_resumes() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tus");
    for name in ["package.json", "upload.mjs"] {
        std::fs::copy(source.join(name), folder.path().join(name)).expect("copied");
    }
    let words = ["install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"];
    let installed = Command::new("npm").args(words).current_dir(folder.path()).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        let how_to_get = "install Node 20 and let `npm install` run in crates/e2e/tests/tus";
        let missing = servers::Error::Missing { name: "tus-js-client", how_to_get };
        assert!(servers::or_skip(Err(missing)).is_none());
        return;
    }
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let file = folder.path().join("clip.mp4");
    std::fs::write(&file, clip::plain()).expect("written");
    let mut node = tokio::process::Command::new("node");
    node.arg("upload.mjs").arg(platform.url("/api/v1/uploads")).arg(&ann.token).arg(&file);
    let output = node.current_dir(folder.path()).output().await.expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let (accepted, first) =
        (told["accepted"].as_u64().expect("bytes"), told["first"].as_u64().expect("bytes"));
    assert!(first >= accepted && accepted > 0, "it went on where it was: {told}");
    let name = told["url"].as_str().and_then(|url| url.rsplit('/').next()).expect("an address");
    let body = json!({ "upload": name, "title": "by npm" });
    let video = platform.api(Some(&ann), Method::POST, "/videos", body).await.ok(201).json;
    assert_eq!(video["ready"], true);
    platform.finish().await;
}
