//! More of one kind than can be done: the surplus is refused at once and for certain, the others are answered
//! right, and whoever wants something else notices nothing.

use std::sync::Arc;
use std::time::Duration;

use e2e::{Answer, PASSWORD, Pairs, Platform, Upload, User, clip, eventually, raw, shape};
use tokio::task::JoinSet;

const LOGIN: &str = "/douyin/user/login/";
const PUBLISH: &str = "/douyin/publish/action/";
/// The password of everybody the harness registers.
/// As in production, and more than what waits for a hash may wait for.
const REAL_HASHES: [(&str, &str); 2] =
    [("DYTT_USERS__PASSWORD_MEMORY_KIB", "19456"), ("DYTT_USERS__PASSWORD_PASSES", "6")];
/// Waits as in production: the harness has longer ones.
const REAL_WAITS: [(&str, &str); 2] =
    [("DYTT_STORE__WRITE_WAIT_MS", "500"), ("DYTT_STORE__READ_WAIT_MS", "50")];

/// Whether an answer is a refusal: nothing was done, and when to come again is told.
fn is_refused(answer: &Answer) -> bool {
    if answer.http != 503 {
        return false;
    }
    assert_eq!((answer.code(), &answer.headers["retry-after"]), (100_008, &"1".parse().expect("a header")));
    // Not "try again later": that would be an outage, and what became of the request unknown.
    assert!(answer.message().contains("busy"), "{}", answer.json);
    true
}

/// A metric's value; 0 before it is first told.
async fn metric(platform: &Platform, name: &str) -> f64 {
    let metrics = platform.fetch(&format!("http://{}/metrics", platform.admin())).await;
    let metrics = metrics.text().await.expect("metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    line.unwrap_or_default()
}

/// Waits for the flood's answers; the rest of the platform goes on meanwhile.
async fn beside(platform: &Platform, user: &User, video: i64, flood: &mut JoinSet<Answer>) -> Vec<Answer> {
    let mut answers = Vec::new();
    loop {
        platform.get("/douyin/feed/", &[]).await.list("video_list");
        platform.watch(user, video).await;
        platform.profile(user, user).await;
        platform.like(user, video, if answers.len() % 2 == 0 { 1 } else { 2 }).await.ok();
        let Some(answer) = flood.join_next().await else { return answers };
        answers.push(answer.expect("the flood ends"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_logins_starves_nobody() {
    let platform = Arc::new(Platform::with(&REAL_HASHES).await);
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    // As many as may wait, and many more on a machine of any size.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut flood: JoinSet<Answer> = (0..64 + cores)
        .map(|_| {
            let platform = Arc::clone(&platform);
            async move {
                let pairs: Pairs = &[("username", &"ann"), ("password", &PASSWORD)];
                platform.post(LOGIN, pairs).await
            }
        })
        .collect();
    let answers = beside(&platform, &ann, video, &mut flood).await;
    let (refused, answered): (Vec<_>, Vec<_>) = answers.into_iter().partition(is_refused);
    assert!(!refused.is_empty() && answered.len() >= 16, "{} of {}", refused.len(), answered.len());
    for answer in refused {
        assert_eq!((&answer.json["user_id"], &answer.json["token"]), (&0.into(), &"".into()));
    }
    for answer in answered {
        assert_eq!(answer.ok()["user_id"], ann.id);
    }
    platform.login("ann").await;
    Arc::into_inner(platform).expect("the flood is over").finish().await;
}

/// A refusal comes before the body: 64 uploads stand still, and one more is refused on its head alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_that_stand_still_keep_only_uploads_out() {
    let platform = Arc::new(Platform::start().await);
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    let kind = format!("multipart/form-data; boundary={}", raw::BOUNDARY);
    let head = raw::post(PUBLISH, &kind, 64 << 20);
    let in_flight = "dytt_http_in_flight{class=\"upload\"}";
    let mut still = Vec::new();
    for _ in 0..64 {
        let mut stream = raw::connect(&platform).await;
        raw::send(&mut stream, head.as_bytes()).await;
        still.push(stream);
    }
    eventually("64 uploads are under way", Duration::from_secs(30), async || {
        (metric(&platform, in_flight).await == 64.0).then_some(())
    })
    .await;
    let answer = raw::exchange(&platform, head.as_bytes()).await;
    assert!(answer.to_ascii_lowercase().contains("retry-after: 1\r\n"), "{answer}");
    let (status, json) = raw::parsed(&answer);
    assert_eq!((status, shape::integer(&json, "status_code")), (503, 100_008));
    assert!(metric(&platform, "dytt_http_refused_total{class=\"upload\"}").await >= 1.0);
    beside(&platform, &ann, video, &mut JoinSet::new()).await;
    platform.login("ann").await;
    drop(still);
    eventually("the places are free again", Duration::from_secs(60), async || {
        (metric(&platform, in_flight).await == 0.0).then_some(())
    })
    .await;
    let upload = Upload::new().file(clip::plain()).text("token", &ann.token).text("title", "after the flood");
    platform.upload(PUBLISH, upload).await.ok();
    Arc::into_inner(platform).expect("nobody is left").finish().await;
}

/// What was told as done is there, what was refused is not: by a flood of comments on one video.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_flood_of_comments_exactly_those_that_were_told_are_there() {
    let platform = Arc::new(Platform::with(&REAL_WAITS).await);
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    let flood: JoinSet<Answer> = (0..600)
        .map(|number| {
            let (platform, ann) = (Arc::clone(&platform), ann.clone());
            async move { platform.comment(&ann, video, &format!("comment {number}")).await }
        })
        .collect();
    let answers = flood.join_all().await;
    let (_refused, answered): (Vec<_>, Vec<_>) = answers.into_iter().partition(is_refused);
    assert!(!answered.is_empty(), "somebody got through");
    let mut told: Vec<i64> =
        answered.into_iter().map(|answer| shape::integer(&answer.ok()["comment"], "id")).collect();
    told.sort_unstable();
    assert_eq!(platform.watch(&ann, video).await["comment_count"], told.len());
    let pairs: Pairs = &[("video_id", &video)];
    let list = platform.see(&ann, "/douyin/comment/list/", pairs).await.list("comment_list");
    let mut listed: Vec<i64> = list.iter().map(|comment| shape::integer(comment, "id")).collect();
    listed.sort_unstable();
    // A list is the 500 newest.
    assert_eq!(listed, told[told.len().saturating_sub(500)..]);
    Arc::into_inner(platform).expect("the flood is over").finish().await;
}

/// A thousand likes and unlikes of one video at once: no error but a refusal, and the count is the rows'.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hot_video_is_liked_and_unliked_by_everybody_at_once() {
    let platform = Arc::new(Platform::with(&REAL_WAITS).await);
    let ann = platform.register("ann").await;
    let video = platform.video(&ann, "clip").await;
    let mut crowd = Vec::new();
    for number in 0..10 {
        crowd.push(platform.register(&format!("user{number}")).await);
    }
    let flood: JoinSet<Answer> = (0..1000)
        .map(|number| {
            let (platform, user) = (Arc::clone(&platform), crowd[number % 10].clone());
            async move { platform.like(&user, video, if number / 10 % 2 == 0 { 1 } else { 2 }).await }
        })
        .collect();
    for answer in flood.join_all().await {
        if !is_refused(&answer) {
            answer.ok();
        }
    }
    // One after the other now: whoever likes it at the end is counted once.
    for (number, user) in crowd.iter().enumerate() {
        platform.like(user, video, if number < 7 { 1 } else { 2 }).await.ok();
    }
    assert_eq!(platform.watch(&ann, video).await["favorite_count"], 7);
    Arc::into_inner(platform).expect("the flood is over").finish().await;
}
