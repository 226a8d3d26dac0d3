//! Many at once: what is unique stays unique, and what is counted is right.

use std::sync::Arc;

use domain::{Content, Error, Result};
use tokio::task::JoinSet;

use super::fixture::{NOW, World, content, never, user_name};

/// Runs `make(0)` to `make(count - 1)`, each as a task of its own.
async fn together<T, F>(count: i64, make: impl Fn(i64) -> F) -> Vec<Result<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for number in 0..count {
        tasks.spawn(make(number));
    }
    tasks.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_likes_of_one_person_for_one_video_are_one_like() {
    let world = World::new().await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let video = world.video(author).await;
    let likes = together(200, |_| {
        let store = world.store.clone();
        async move { store.like_video(fan, video, NOW).await }
    });
    assert!(likes.await.iter().all(Result::is_ok));
    assert_eq!(world.texts("SELECT 'row' AS text FROM video_like").await.len(), 1);
    assert_eq!(world.store.feed(never(), None).await.expect("a page")[0].like_count, 1);
    world.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_registrations_under_one_name_one_succeeds() {
    let world = World::new().await;
    let results = together(100, |number| {
        let store = world.store.clone();
        let name = user_name(if number % 2 == 0 { "José" } else { "JOSE\u{301}" });
        async move { store.create_user(name, "hash".into(), NOW).await }
    });
    let results = results.await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(results.iter().filter(|result| matches!(result, Err(Error::UsernameTaken))).count(), 99);
    world.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn likes_follows_comments_and_their_undoing_at_once_are_counted_right() {
    let world = World::new().await;
    let mut people = Vec::new();
    for number in 0..8 {
        people.push(world.user(&format!("user {number}")).await);
    }
    let video = world.video(people[0]).await;
    let people = Arc::new(people);
    let text: Content = content("text");
    let results = together(400, |number| {
        let (store, people, text) = (world.store.clone(), Arc::clone(&people), text.clone());
        async move {
            let at = usize::try_from(number).expect("a small number");
            let (one, other) = (people[at % 8], people[(at / 8 + 1 + at) % 8]);
            match at % 5 {
                0 => store.like_video(one, video, NOW).await,
                1 => store.unlike_video(one, video).await,
                2 => store.follow_user(one, other, NOW).await,
                3 => store.unfollow_user(one, other).await,
                _ => store.add_comment(one, video, text, NOW).await.map(|_| ()),
            }
        }
    });
    assert!(results.await.iter().all(Result::is_ok));
    assert_eq!(world.store.comment_count(video).await.expect("a count"), 80);
    world.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_twenty_workers_want_is_given_to_one() {
    let world = World::new().await;
    let author = world.user("author").await;
    world.processing(author).await;
    let claims = together(20, |_| {
        let store = world.store.clone();
        async move { store.claim_job(NOW, super::fixture::LEASE).await }
    });
    let claims = claims.await;
    assert_eq!(claims.iter().filter(|claim| matches!(claim, Ok(Some(_)))).count(), 1);
    assert_eq!(claims.iter().filter(|claim| matches!(claim, Ok(None))).count(), 19);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_messages_of_one_millisecond_have_a_hundred_times() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let sent = together(100, |number| {
        let store = world.store.clone();
        let (from, to) = if number % 2 == 0 { (ada, bob) } else { (bob, ada) };
        async move { store.send_message(from, to, content("text"), NOW).await }
    });
    let mut times: Vec<_> =
        sent.await.into_iter().map(|sent| sent.expect("sent").created_at - NOW.millis()).collect();
    times.sort_unstable();
    assert_eq!(times, (0..100).collect::<Vec<_>>());
}
