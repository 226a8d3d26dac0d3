//! Secrets and people's words: they stay out of the log, the traces and every answer but the right one.

use std::time::Duration;

use e2e::{Platform, Upload, clip, eventually};
use reqwest::Method;

#[tokio::test]
async fn no_password_token_or_private_word_reaches_the_log_or_a_trace() {
    let settings = [("DYTT_TELEMETRY__LOG_LEVEL", "debug"), ("DYTT_TELEMETRY__EXPORTER", "log")];
    let platform = Platform::with(&settings).await;
    let password = "canary-of-a-password";
    for path in ["/douyin/user/register/", "/douyin/user/login/", "/douyin/user/register/"] {
        platform.post(path, &[("username", &"canary-name"), ("password", &password)]).await;
        platform.post_form(path, &[("username", &"canary-name"), ("password", &password)]).await;
        platform.post_multipart(path, &[("username", &"canary-name"), ("password", &password)]).await;
    }
    platform
        .post("/douyin/user/login/", &[("username", &"canary-name"), ("password", &"canary-of-a-wrong-one")])
        .await
        .refused(100_207);
    let ann = platform.register("ann").await;
    let bob = platform.register("bob").await;
    let video = platform.video(&ann, "a clip").await;
    platform.comment(&ann, video, "canary of a comment").await.ok();
    platform.message(&ann, &bob, "canary of a message").await.ok();
    for token in [&ann.token, "canary-token", "canary.of.token"] {
        platform.get("/douyin/user/", &[("token", &token)]).await;
        platform.post_form("/douyin/user/", &[("token", &token)]).await;
        let upload = Upload::new()
            .file(b"canary-of-a-file".to_vec())
            .text("token", token)
            .text("title", "canary title");
        platform.upload("/douyin/publish/action/", upload).await;
        let bearer =
            platform.request(Method::GET, "/douyin/user/").header("authorization", format!("Bearer {token}"));
        bearer.send().await.expect("an answer");
        platform.fetch(&platform.url(&format!("/media/p/{token}?token={token}"))).await;
    }
    platform.publish(&ann.token, clip::tagged(), "canary title").await.ok();
    platform.fetch(&platform.url("/qr.svg?canary")).await;
    let log = eventually("the last span", Duration::from_secs(20), async || {
        Some(platform.log()).filter(|log| log.contains(r#""name":"GET /qr.svg""#))
    })
    .await;
    assert!(log.contains("route=\"/douyin/user/\""), "requests are told at this level");
    assert!(log.contains(r#""name":"POST /douyin/publish/action/""#), "requests are traced");
    let signature = ann.token.rsplit('.').next().expect("a signature");
    for secret in ["canary", "CANARY", signature, &ann.token] {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{secret}: {line:?}");
    }
    platform.finish().await;
}

#[tokio::test]
async fn no_answer_gives_a_secret_back() {
    let platform = Platform::start().await;
    let ann = platform.register("ann").await;
    let password = "a password of tests";
    for path in
        ["/douyin/feed/", "/douyin/user/", "/douyin/user/login/", "/douyin/comment/list/", "/nothing/"]
    {
        for answer in [
            platform
                .get(path, &[("token", &ann.token), ("password", &password), ("username", &"nobody")])
                .await,
            platform
                .post(path, &[("token", &ann.token), ("password", &password), ("username", &"nobody")])
                .await,
        ] {
            let text = format!("{:?} {}", answer.headers, answer.json);
            assert!(!text.contains(&ann.token) && !text.contains(password), "{path}: {text}");
        }
    }
    platform.finish().await;
}

/// What would help somebody who is in already: memory in a file, an operator's port for everybody, tests' doors.
#[tokio::test]
async fn the_program_has_no_doors_that_its_tests_or_its_operator_did_not_ask_for() {
    let platform = Platform::start().await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", platform.pid())).expect("limits");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line");
    assert!(core.split_whitespace().skip(4).take(2).all(|limit| limit == "0"), "{core}");
    let defaults = e2e::run(platform.folder(), &[], &["config"]).await.stdout;
    assert!(defaults.contains("server.admin_listen = \"127.0.0.1:8081\"  # default\n"), "{defaults}");
    let program = std::fs::read(e2e::dytt()).expect("the program");
    let door = b"made to fail";
    assert!(
        !program.windows(door.len()).any(|bytes| bytes == door),
        "the store's fault injection is built in"
    );
    platform.finish().await;
}
