//! `dytt conformance`: the platform keeps every rule, and each rule notices a server that does not.

mod proxy;
mod spoilt;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use e2e::{Ended, Platform, run};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use proxy::{Passing, Proxy, Spoil};
use spoilt::{SPOILT, Spoilt};

/// Runs at a time.
const AT_ONCE: usize = 3;

async fn conformance(platform: &Platform, url: &str, words: &[&str]) -> Ended {
    let words = [&["conformance", "--base-url", url], words].concat();
    run(platform.folder(), platform.settings(), &words).await
}

fn report(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("no JSON: {ended:?}"))
}

/// The names of the rules that came to this end, sorted.
fn names(report: &Value, outcomes: &[&str]) -> BTreeSet<String> {
    let rules = report["rules"].as_array().expect("a list").iter();
    let found = rules.filter(|rule| outcomes.iter().any(|outcome| rule["outcome"] == *outcome));
    found.map(|rule| rule["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn this_platform_keeps_every_rule() {
    let platform = Platform::start().await;
    let ended = conformance(&platform, &platform.url(""), &["--strict"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    let sum = ended.stdout.lines().find(|line| line.contains(" rules: ")).expect("a sum");
    assert!(sum.ends_with(" 0 failed, 0 differ, 0 blocked, 0 skipped"), "{}", ended.stdout);
    platform.finish().await;
}

/// Limits are on by default, and the run gets along with them.
#[tokio::test]
async fn limits_that_are_on_do_not_fail_a_run() {
    let platform = Platform::with(&[("DYTT_LIMITS__ENABLED", "true")]).await;
    let ended =
        conformance(&platform, &platform.url(""), &["--strict", "--only", "user", "--only", "message"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    platform.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_rule_notices_the_server_that_breaks_it_and_no_other_does() {
    let platform = Arc::new(Platform::start().await);
    let all = |what, how| Spoilt { what, only: &[], how, breaks: &[] };
    let sweeps =
        [all("nothing is refused", spoilt::always_yes), all("everything is refused", spoilt::always_no)];
    let mut waiting = sweeps
        .iter()
        .chain(SPOILT)
        .map(|Spoilt { what, only, how, breaks }| (*what, *only, *how, *breaks))
        .collect::<Vec<_>>()
        .into_iter();
    let (mut running, mut noticed, mut known) = (JoinSet::new(), BTreeSet::new(), BTreeSet::new());
    loop {
        while running.len() < AT_ONCE {
            let Some((what, only, how, breaks)) = waiting.next() else { break };
            let platform = Arc::clone(&platform);
            running.spawn(async move {
                let proxy = Proxy::before(&platform, Arc::new(how)).await;
                let words: Vec<&str> = only.iter().flat_map(|prefix| ["--only", *prefix]).collect();
                let ended =
                    conformance(&platform, &proxy.url(), &[&["--json", "--strict"], &words[..]].concat())
                        .await;
                assert_eq!(ended.code, Some(1), "{what}: {ended:?}");
                (what, breaks, report(&ended))
            });
        }
        let Some(ended) = running.join_next().await else { break };
        let (what, breaks, report) = ended.expect("it ends");
        let found = names(&report, &["failed", "differs"]);
        if !breaks.is_empty() {
            let breaks = breaks.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(found, breaks, "{what}: {report:#}");
            assert_eq!(report["blocked"], 0, "{what}: {report:#}");
        }
        known.extend(names(&report, &["passed", "failed", "differs", "blocked", "skipped"]));
        noticed.extend(found);
    }
    // A test does not wait for five seconds to pass; the rule's own does without.
    noticed.insert("publish.in-time".to_owned());
    assert_eq!(noticed, known, "no rule is there that cannot fail");
    Arc::into_inner(platform).expect("all runs ended").finish().await;
}

#[tokio::test]
async fn without_strict_what_servers_decide_differently_is_only_shown() {
    let platform = Platform::start().await;
    let spoil: Spoil = Arc::new(|it: &mut Passing| {
        it.each("user_list", |list| list.as_array_mut().into_iter().for_each(|list| list.reverse()))
    });
    let proxy = Proxy::before(&platform, spoil).await;
    let words = ["--only", "relation.list"];
    let ended = conformance(&platform, &proxy.url(), &words).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("differs  relation.list-latest-first"), "{}", ended.stdout);
    let ended = conformance(&platform, &proxy.url(), &[&words[..], &["--strict"]].concat()).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    platform.finish().await;
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_is_told_in_one_line() {
    let platform = Platform::start().await;
    let nobody = Proxy::serve(async |_| None).await;
    let gone = nobody.url();
    drop(nobody);
    let page = async |kind: &'static str, body: &'static str| {
        Proxy::before(&platform, Arc::new(move |it: &mut Passing| it.instead(200, kind, body))).await
    };
    let silent = Proxy::serve(async |stream| {
        let _kept = stream;
        std::future::pending().await
    })
    .await;
    let rude =
        Proxy::serve(async |mut stream| stream.write_all(b"220 mail.example ESMTP\r\n").await.ok()).await;
    let (html, list) =
        (page("text/html", "<html>\u{1b}[2J</html>").await, page("application/json", "[1]").await);
    for (url, said) in [
        (gone, "no answer"),
        (silent.url(), "no answer within 10 s"),
        (rude.url(), "no answer"),
        (platform.url("/docs"), "is that the base address"),
        (html.url(), "is that the base address"),
        (list.url(), "is that the base address"),
        ("no address".into(), "no answer"),
    ] {
        let ended = conformance(&platform, &url, &[]).await;
        assert_eq!(ended.code, Some(2), "{url}: {ended:?}");
        assert!(ended.stdout.is_empty() && ended.stderr.contains(said), "{url}: {ended:?}");
        assert!(!ended.stderr.contains('\u{1b}'), "nothing of it reaches the terminal: {ended:?}");
    }
    platform.finish().await;
}

/// How a run ends in which the server goes wrong after so many answers.
async fn after(answers: usize, then: fn(&mut Passing)) -> Ended {
    let platform = Platform::start().await;
    let asked = AtomicUsize::new(0);
    let spoil: Spoil = Arc::new(move |it: &mut Passing| {
        if !it.is_request() && asked.fetch_add(1, Ordering::Relaxed) >= answers {
            then(it);
        }
    });
    let proxy = Proxy::before(&platform, spoil).await;
    let ended = conformance(&platform, &proxy.url(), &["--only", "user", "--only", "relation"]).await;
    platform.finish().await;
    ended
}

#[tokio::test]
async fn a_server_that_limits_everything_is_told_once() {
    let limited = |it: &mut Passing| {
        it.instead(429, "text/plain", "slow down");
        it.headers.push(("retry-after".into(), "0".into()));
    };
    let ended = after(20, limited).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stdout.contains(" 0 failed, 0 differ, ") && ended.stdout.contains("limits.enabled"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn a_server_that_breaks_down_does_not_hold_up_a_run() {
    for then in [
        |it: &mut Passing| it.instead(500, "text/html", "<html>"),
        |it: &mut Passing| it.instead(200, "application/json", "{}"),
    ] {
        let ended = after(20, then).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(
            ended.stdout.contains("blocked  ") && ended.stdout.contains("no account: "),
            "{}",
            ended.stdout
        );
    }
}

#[tokio::test]
async fn what_is_shown_has_no_token_and_no_password() {
    let platform = Platform::start().await;
    let secrets = Arc::new(Mutex::new(BTreeSet::new()));
    let told = Arc::clone(&secrets);
    let spoil: Spoil = Arc::new(move |it: &mut Passing| {
        let of = |name: &str| {
            it.address.split(['?', '&']).find_map(|pair| pair.strip_prefix(name).map(str::to_owned))
        };
        let secret = of("token=").into_iter().chain(of("password=")).filter(|secret| secret.len() > 12);
        told.lock().expect("no test panicked").extend(secret);
        let address = it.address.clone();
        if it.route() != "user/register" && !it.is_request() {
            it.each("status_msg", |text| *text = Value::from(address.as_str()));
            it.each("status_code", |code| *code = Value::from(7));
        }
    });
    let proxy = Proxy::before(&platform, spoil).await;
    for words in [&["--only", "user"][..], &["--only", "user", "--json"]] {
        let ended = conformance(&platform, &proxy.url(), words).await;
        let secrets = secrets.lock().expect("no test panicked");
        assert!(secrets.len() > 3 && ended.stdout.contains("token=…"), "{ended:?}");
        for secret in &*secrets {
            assert!(!ended.stdout.contains(secret), "{secret}: {}", ended.stdout);
        }
    }
    platform.finish().await;
}

#[tokio::test]
async fn without_ffmpeg_what_needs_a_clip_is_skipped_and_the_sum_says_why() {
    let platform = Platform::start().await;
    let settings = [platform.settings(), &[("DYTT_MEDIA__FFMPEG".into(), "no-such-ffmpeg".into())]].concat();
    let url = platform.url("");
    let words = ["conformance", "--base-url", &url, "--only", "like.twice", "--only", "user.login"];
    let ended = run(platform.folder(), &settings, &words).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains(", 1 skipped\nskipped, 1: no clip to publish: "), "{}", ended.stdout);
    platform.finish().await;
}

#[tokio::test]
async fn the_rules_are_listed_without_a_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let listed = run(folder.path(), &[], &["conformance", "--list", "--only", "feed.newest"]).await;
    assert_eq!((listed.code, listed.stdout.matches("\n| `").count()), (Some(0), 1), "{listed:?}");
    let unknown = run(folder.path(), &[], &["conformance", "--list", "--only", "fed"]).await;
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(unknown.stderr.contains("no rule begins with fed"), "{unknown:?}");
    let nobody = run(folder.path(), &[], &["conformance"]).await;
    assert!(nobody.code == Some(2) && nobody.stderr.contains("--base-url"), "{nobody:?}");
}
