//! Many at once: whatever they do, the counters end where the rows are.

use std::sync::Arc;

use e2e::{Answer, Pairs, Platform, User, clip, shape};
use tokio::task::JoinSet;

/// Requests in flight at once; more would only wait in the client.
const AT_ONCE: usize = 64;

/// Runs `count` jobs, up to [`AT_ONCE`] at a time; their answers in no order.
async fn crowd<F: Future<Output = Answer> + Send + 'static>(
    count: usize,
    job: impl Fn(usize) -> F,
) -> Vec<Answer> {
    let (mut running, mut answers) = (JoinSet::new(), Vec::new());
    for number in 0..count {
        if running.len() >= AT_ONCE {
            answers.push(running.join_next().await.expect("a job").expect("it ends"));
        }
        running.spawn(job(number));
    }
    answers.extend(running.join_all().await);
    answers
}

/// Exactly what k6's `favorite.js` does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_parallel_likes_of_one_video_count_once() {
    let platform = Arc::new(Platform::start().await);
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.video(&ann, "clip").await;
    let answers = crowd(1000, |_| {
        let (platform, bob) = (Arc::clone(&platform), bob.clone());
        async move { platform.like(&bob, video, 1).await }
    });
    assert!(answers.await.iter().all(|answer| (answer.http, answer.code()) == (200, 0)));
    assert_eq!(platform.watch(&bob, video).await["favorite_count"], 1);
    assert_eq!(platform.profile(&bob, &ann).await["total_favorited"], 1);
    assert_eq!(platform.see(&bob, "/douyin/favorite/list/", &[]).await.list("video_list").len(), 1);
    Arc::into_inner(platform).expect("the crowd has left").finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_who_want_one_name_exactly_one_gets_it() {
    let platform = Arc::new(Platform::start().await);
    let spellings = ["José", "JOSÉ", "Jose\u{301}", " josé "];
    let answers = crowd(100, |number| {
        let platform = Arc::clone(&platform);
        let name = spellings[number % spellings.len()];
        async move {
            let pairs: Pairs = &[("username", &name), ("password", &"a password of tests")];
            let mut answer = platform.post("/douyin/user/register/", pairs).await;
            // So many at once may find no place to wait for a hash; they come again.
            while answer.http == 503 {
                answer = platform.post("/douyin/user/register/", pairs).await;
            }
            answer
        }
    });
    let answers = answers.await;
    let count =
        |code: i64| answers.iter().filter(|answer| answer.http == 200 && answer.code() == code).count();
    assert_eq!((count(0), count(110_002)), (1, 99));
    let winner = answers.iter().find(|answer| answer.code() == 0).expect("one got it");
    let jose = platform.login("jOSÉ").await;
    assert_eq!(winner.json["user_id"], jose.id);
    // A database may skip the number of somebody it refused, but nobody has it.
    let next = platform.register("next").await;
    for id in (1..next.id).filter(|id| *id != jose.id) {
        platform.see(&next, "/douyin/user/", &[("user_id", &id)]).await.refused(110_001);
    }
    Arc::into_inner(platform).expect("the crowd has left").finish().await;
}

/// Fsck, at the end of each test, compares every counter with its rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_likes_follows_and_comments_ends_consistent() {
    let platform = Arc::new(Platform::start().await);
    let mut users = Vec::new();
    for number in 0..6 {
        users.push(platform.register(&format!("user{number}")).await);
    }
    let users: Arc<[User]> = users.into();
    let videos = [platform.video(&users[0], "one").await, platform.video(&users[1], "two").await];
    let answers = crowd(1200, |number| {
        let (platform, users) = (Arc::clone(&platform), Arc::clone(&users));
        async move {
            // A fixed shuffle: the same storm each time, in an order nobody controls.
            let dice = number.wrapping_mul(2_654_435_761) >> 7;
            let (user, other) = (&users[dice % 6], &users[(dice + 1 + dice / 6 % 5) % 6]);
            let (video, action) = (videos[dice / 32 % 2], if dice / 64 % 2 == 0 { 1 } else { 2 });
            match dice / 128 % 3 {
                0 => platform.like(user, video, action).await,
                1 => platform.follow(user, other, action).await,
                _ => platform.comment(user, video, "in the storm").await,
            }
        }
    });
    assert!(answers.await.iter().all(|answer| (answer.http, answer.code()) == (200, 0)));
    for user in users.iter() {
        let profile = platform.profile(user, user).await;
        let follows = platform.see(user, "/douyin/relation/follow/list/", &[]).await.list("user_list");
        let likes = platform.see(user, "/douyin/favorite/list/", &[]).await.list("video_list");
        let (follow_count, likes_count) =
            (shape::integer(&profile, "follow_count"), shape::integer(&profile, "favorite_count"));
        assert_eq!((follow_count, likes_count), (follows.len() as i64, likes.len() as i64));
    }
    Arc::into_inner(platform).expect("the crowd has left").finish().await;
}

/// The check itself is right while others write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fsck_finds_nothing_wrong_while_others_write() {
    let platform = Arc::new(Platform::start().await);
    let (ann, bob) = (platform.register("ann").await, platform.register("bob").await);
    let video = platform.video(&ann, "clip").await;
    let writers = crowd(600, |number| {
        let (platform, bob) = (Arc::clone(&platform), bob.clone());
        async move { platform.like(&bob, video, if number % 2 == 0 { 1 } else { 2 }).await }
    });
    let check = async {
        for _ in 0..3 {
            let checked = platform.command(&["fsck", "--deep"]).await;
            assert_eq!(checked.code, Some(0), "{checked:?}");
        }
    };
    let (answers, ()) = tokio::join!(writers, check);
    assert!(answers.iter().all(|answer| answer.code() == 0));
    Arc::into_inner(platform).expect("the crowd has left").finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_parallel_uploads_are_sixteen_videos() {
    let platform = Arc::new(Platform::start().await);
    let ann = platform.register("ann").await;
    let answers = crowd(16, |number| {
        let (platform, ann) = (Arc::clone(&platform), ann.clone());
        async move { platform.publish(&ann.token, clip::plain(), &format!("clip {number}")).await }
    });
    assert!(answers.await.iter().all(|answer| (answer.http, answer.code()) == (200, 0)));
    let feed = platform.get("/douyin/feed/", &[]).await.list("video_list");
    let titles: std::collections::BTreeSet<&str> =
        feed.iter().map(|video| shape::text(video, "title")).collect();
    assert_eq!(titles.len(), 16);
    assert_eq!(platform.profile(&ann, &ann).await["work_count"], 16);
    Arc::into_inner(platform).expect("the crowd has left").finish().await;
}
