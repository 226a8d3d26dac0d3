//! Starting: on an empty folder, on one in use, and with settings that cannot work.

use std::os::unix::fs::PermissionsExt;

use e2e::{Ended, Platform, run, skipped_in_a_cluster};

/// `dytt serve` in a fresh folder with these settings and words; it has to end by itself.
async fn serve(settings: &[(&str, &str)], words: &[&str]) -> Ended {
    let folder = tempfile::tempdir().expect("a folder");
    let settings: Vec<(String, String)> =
        settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let words = [&["serve", "--data-dir", "data", "--admin-listen", "127.0.0.1:0"], words].concat();
    let ended = run(folder.path(), &settings, &words).await;
    assert!(!folder.path().join("data/serve.json").exists(), "no port was announced");
    ended
}

/// One line that says what is wrong.
fn refusal(ended: &Ended) -> &str {
    assert!(ended.code.is_some_and(|code| code != 0), "{ended:?}");
    let text = ended.stderr.trim();
    assert!(
        !text.is_empty() && !text.contains('\n') && ended.stdout.trim().is_empty(),
        "one line: {ended:?}"
    );
    text
}

#[tokio::test]
async fn an_empty_folder_is_enough_and_only_its_owner_may_look_in() {
    if skipped_in_a_cluster("it is about the database and the objects of one process, in its folder") {
        return;
    }
    let platform = Platform::start().await;
    let mode = |name: &str| {
        let meta = platform.data_dir().join(name).metadata().expect("is there");
        meta.permissions().mode() & 0o777
    };
    assert_eq!((mode(""), mode("keys/jwt.key")), (0o700, 0o600));
    for name in ["dytt.sqlite", "objects", "tmp", "lock", "serve.json"] {
        assert!(platform.data_dir().join(name).exists(), "{name}");
    }
    assert!(platform.log().contains(platform.http()), "the address is printed: {}", platform.log());
    platform.finish().await;
}

#[tokio::test]
async fn a_second_platform_on_the_same_folder_is_refused() {
    let platform = Platform::start().await;
    let second =
        platform.command(&["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]).await;
    assert!(refusal(&second).contains("in use"), "{second:?}");
    platform.get("/douyin/feed/", &[]).await.ok();
    platform.finish().await;
}

#[tokio::test]
async fn an_address_in_use_is_refused_naming_the_key() {
    let platform = Platform::start().await;
    let ended = serve(&[], &["--listen", platform.http()]).await;
    assert!(refusal(&ended).contains("server.listen"), "{ended:?}");
    platform.finish().await;
}

#[tokio::test]
async fn an_unknown_key_is_refused_naming_the_nearest_right_one() {
    for (unknown, right) in [
        ("DYTT_SERVER__LISTNE", "server.listen"),
        ("DYTT_STORE__WRITE_WAIT", "store.write_wait_ms"),
        ("DYTT_LIMIT__ENABLED", "limits.enabled"),
        ("DYTT_USERS__NAME_MAX_CHAR", "users.name_max_chars"),
    ] {
        let ended = serve(&[(unknown, "1")], &["--listen", "127.0.0.1:0"]).await;
        assert!(refusal(&ended).contains(right), "{unknown}: {ended:?}");
    }
}

#[tokio::test]
async fn a_value_that_cannot_work_is_refused_in_one_line_naming_the_key() {
    for (variable, value, key) in [
        ("DYTT_SERVER__LISTEN", "x", "server.listen"),
        ("DYTT_SERVER__LISTEN", "127.0.0.1:99999", "server.listen"),
        ("DYTT_SERVER__PUBLIC_URL", "ftp://x", "server.public_url"),
        ("DYTT_SERVER__TRUSTED_PROXIES", "here", "server.trusted_proxies"),
        ("DYTT_SERVER__GRACE_SECONDS", "soon", "server.grace_seconds"),
        ("DYTT_USERS__NAME_MAX_CHARS", "0", "users.name_max_chars"),
        ("DYTT_USERS__NAME_MAX_CHARS", "65", "users.name_max_chars"),
        ("DYTT_USERS__PASSWORD_PASSES", "0", "users.password_passes"),
        ("DYTT_STORE__URL", "mysql2:x", "store.url"),
        ("DYTT_STORE__URL", "sqlite:", "store.url"),
        ("DYTT_BLOBS__URL", "s4://x", "blobs.url"),
        ("DYTT_MEDIA__MAX_BYTES", "-1", "media.max_bytes"),
        ("DYTT_LIMITS__ENABLED", "maybe", "limits.enabled"),
        ("DYTT_TELEMETRY__LOG_LEVEL", "a=b=c", "telemetry.log_level"),
    ] {
        let ended = serve(&[(variable, value)], &[]).await;
        assert!(refusal(&ended).contains(key), "{variable}={value}: {ended:?}");
    }
}

#[tokio::test]
async fn a_configuration_file_counts_below_the_environment_and_above_the_defaults() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("dytt.toml");
    std::fs::write(&file, "[users]\nname_max_chars = 20\n[server]\ngrace_seconds = 7\n").expect("written");
    let settings = [("DYTT_USERS__NAME_MAX_CHARS".to_owned(), "30".to_owned())];
    let words = ["config", "--data-dir", "data", "--config", "dytt.toml", "--listen", "127.0.0.1:0"];
    let shown = run(folder.path(), &settings, &words).await;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    let line =
        |key: &str| shown.stdout.lines().find(|line| line.starts_with(key)).unwrap_or_default().to_owned();
    for (key, value, layer) in [
        ("users.name_max_chars", "30", "environment"),
        ("server.grace_seconds", "7", "dytt.toml"),
        ("server.listen", "127.0.0.1:0", "flag"),
        ("limits.enabled", "true", "default"),
    ] {
        assert!(line(key).contains(value) && line(key).contains(layer), "{key}: {:?}", line(key));
    }
    std::fs::write(&file, "[server]\nlisten = \n").expect("written");
    let broken = run(folder.path(), &[], &["serve", "--data-dir", "data", "--config", "dytt.toml"]).await;
    assert!(broken.code != Some(0) && broken.stderr.contains("dytt.toml"), "{broken:?}");
    let absent = run(folder.path(), &[], &["serve", "--data-dir", "data", "--config", "absent.toml"]).await;
    assert!(absent.code != Some(0) && absent.stderr.contains("absent.toml"), "{absent:?}");
}

#[tokio::test]
async fn the_configuration_is_shown_without_secrets() {
    let platform = Platform::start().await;
    let shown = platform.command(&["config"]).await;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.stdout.contains("users.password_memory_kib = 64"), "{}", shown.stdout);
    let key = std::fs::read_to_string(platform.data_dir().join("keys/jwt.key")).expect("a key");
    assert!(!shown.stdout.contains(key.trim()));
    platform.finish().await;
}

/// A key that others may read is no secret.
#[tokio::test]
async fn a_key_that_others_may_read_or_that_is_none_is_refused() {
    let mut platform = Platform::start().await;
    platform.stop().await;
    let key = platform.data_dir().join("keys/jwt.key");
    let right = std::fs::read_to_string(&key).expect("a key");
    let words = ["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
    for (mode, content) in
        [(0o644, right.as_str()), (0o640, &right), (0o600, ""), (0o600, "secret"), (0o600, &right[..62])]
    {
        std::fs::write(&key, content).expect("written");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).expect("set");
        let ended = platform.command(&words).await;
        assert!(refusal(&ended).contains("auth.jwt_key_file"), "{mode:o} {content}: {ended:?}");
        assert!(content.len() < 10 || !ended.stderr.contains(content.trim()), "{ended:?}");
    }
    std::fs::write(&key, &right).expect("written");
    platform.restart().await;
    platform.finish().await;
}

#[tokio::test]
async fn without_ffmpeg_everything_works_but_publishing_which_says_so() {
    let platform = Platform::with(&[
        ("DYTT_MEDIA__FFMPEG", "no-such-ffmpeg"),
        ("DYTT_MEDIA__FFPROBE", "no-such-ffprobe"),
    ])
    .await;
    let ann = platform.register("ann").await;
    let files = platform.files();
    let answer = platform.publish(&ann.token, e2e::clip::plain(), "clip").await;
    assert_eq!((answer.http, answer.code()), (503, 100_008), "{}", answer.json);
    platform.leaves_only(&files).await;
    platform.get("/douyin/feed/", &[]).await.ok();
    assert!(platform.log().contains("install it"), "the log names the fix: {}", platform.log());
    platform.finish_with_errors("no-such-ff").await;
}
