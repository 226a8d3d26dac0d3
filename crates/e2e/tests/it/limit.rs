//! How much one account may ask for, when limits are on.

use std::sync::Arc;

use e2e::{Pairs, Platform};
use tokio::task::JoinSet;

const LIMITED: [(&str, &str); 1] = [("DYTT_LIMITS__ENABLED", "true")];

/// Servers of this API differ: "rate limits": JSON with HTTP 200.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_over_the_limit_is_refused_in_the_envelope_for_that_account_alone() {
    let platform = Arc::new(Platform::with(&LIMITED).await);
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    platform.see(&ann, "/douyin/relation/follower/list/", &[]).await.ok();
    let mut running = JoinSet::new();
    for _ in 0..8 {
        let (platform, ann) = (Arc::clone(&platform), ann.clone());
        // 100 a second come back while the burst of 1,000 is used up.
        running.spawn(async move {
            for _ in 0..2000 {
                // It counts, and no service is asked: even a slow machine is faster than the limit.
                let wrong: Pairs = &[("user_id", &"nobody")];
                let answer = platform.see(&ann, "/douyin/relation/follower/list/", wrong).await;
                if answer.code() != 100_002 {
                    return Some(answer);
                }
            }
            None
        });
    }
    let refused = running.join_all().await;
    for answer in refused {
        let answer = answer.expect("the limit was reached").refused(100_005);
        let wait: u64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
        assert!((1..=60).contains(&wait));
        assert!(answer.json["user_list"].is_array());
    }
    platform.profile(&bob, &ann).await;
    platform.get("/douyin/feed/", &[]).await.ok();
    Arc::into_inner(platform).expect("the crowd has left").finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_in_parallel_is_no_way_around_the_limit() {
    let platform = Arc::new(Platform::with(&LIMITED).await);
    platform.register("ann").await;
    let mut running = JoinSet::new();
    for guess in 0..60 {
        let platform = Arc::clone(&platform);
        running.spawn(async move {
            let guess = format!("guess {guess}");
            let pairs: Pairs = &[("username", &"ann"), ("password", &guess)];
            platform.post("/douyin/user/login/", pairs).await.code()
        });
    }
    let codes = running.join_all().await;
    let tried = codes.iter().filter(|code| **code == 100_207).count();
    // So many at once may also find no place to wait for a hash.
    assert!(tried <= 20 && codes.iter().all(|code| [100_207, 100_005, 100_008].contains(code)), "{codes:?}");
    Arc::into_inner(platform).expect("the crowd has left").finish().await;
}

#[tokio::test]
async fn the_twenty_first_wrong_password_of_a_minute_is_not_even_tried() {
    let platform = Platform::with(&LIMITED).await;
    platform.register("ann").await;
    platform.register("bob").await;
    for spelling in ["ann", "ANN"] {
        for guess in 0..10 {
            let guess = format!("guess {guess}");
            let pairs: Pairs = &[("username", &spelling), ("password", &guess)];
            platform.post("/douyin/user/login/", pairs).await.refused(100_207);
        }
    }
    let pairs: Pairs = &[("username", &"Ann"), ("password", &"guess 21")];
    let refused = platform.post("/douyin/user/login/", pairs).await.refused(100_005);
    assert_eq!(refused.json["token"], "");
    platform.login("bob").await;
    platform.finish().await;
}
