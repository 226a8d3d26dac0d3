//! Many at once: what is unique stays unique, and what is counted is right.

use std::sync::Arc;

use domain::{Content, Error, Result, VideoId};
use tokio::task::JoinSet;

use super::fixture::{NOW, On, World, content, never, on_both, user_name};
use crate::Entry;

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

async fn two_hundred_likes_of_one_person_for_one_video_are_one_like(on: On) {
    let world = World::new(on).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let video = world.video(author).await;
    let likes = together(200, |_| {
        let store = world.store.clone();
        async move { store.like_video(fan, video, NOW).await }
    });
    assert!(likes.await.iter().all(Result::is_ok));
    assert_eq!(world.texts("SELECT 'row' AS text FROM video_like").await.len(), 1);
    assert_eq!(world.feed(never(), None).await[0].like_count, 1);
    world.is_sound().await;
}

async fn of_a_hundred_registrations_under_one_name_one_succeeds(on: On) {
    let world = World::new(on).await;
    let results = together(100, |number| {
        let store = world.store.clone();
        let name = user_name(if number % 2 == 0 { "José" } else { "JOSE\u{301}" });
        async move { store.create_user(name, "hash".into(), Entry::Open, NOW).await }
    });
    let results = results.await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(results.iter().filter(|result| matches!(result, Err(Error::UsernameTaken))).count(), 99);
    world.is_sound().await;
}

async fn likes_follows_comments_and_their_undoing_at_once_are_counted_right(on: On) {
    let world = World::new(on).await;
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
                2 => store.follow_user(one, other, NOW).await.map(|_| ()),
                3 => store.unfollow_user(one, other).await,
                _ => store.add_comment(one, video, None, text, NOW).await.map(|_| ()),
            }
        }
    });
    assert!(results.await.iter().all(Result::is_ok));
    assert_eq!(world.store.comment_count(video, None).await.expect("a count"), 80);
    world.is_sound().await;
}

async fn a_job_that_twenty_workers_want_is_given_to_one(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    world.processing(author).await;
    let claims = together(20, |_| {
        let store = world.store.clone();
        async move { store.claim_job(crate::JobKind::Transcode, NOW, super::fixture::LEASE).await }
    });
    let claims = claims.await;
    assert_eq!(claims.iter().filter(|claim| matches!(claim, Ok(Some(_)))).count(), 1);
    assert_eq!(claims.iter().filter(|claim| matches!(claim, Ok(None))).count(), 19);
}

async fn a_hundred_messages_of_one_millisecond_have_a_hundred_times(on: On) {
    let world = World::new(on).await;
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

async fn three_hundred_likes_by_a_hundred_people_are_a_hundred(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let video = world.video(author).await;
    let mut fans = Vec::new();
    for number in 0..100 {
        fans.push(world.user(&format!("fan {number}")).await);
    }
    let stores = [world.store.clone(), world.second().await];
    let likes = together(300, |number| {
        let at = usize::try_from(number).expect("a small number");
        let (store, fan) = (stores[at % 2].clone(), fans[at % 100]);
        async move { store.like_video(fan, video, NOW).await }
    });
    assert!(likes.await.iter().all(Result::is_ok));
    assert_eq!(world.texts("SELECT 'row' AS text FROM video_like").await.len(), 100);
    assert_eq!(world.feed(never(), None).await[0].like_count, 100);
    world.is_sound().await;
}

async fn two_stores_publish_at_one_moment_and_no_two_videos_share_theirs(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let stores = [world.store.clone(), world.second().await];
    let published = together(60, |number| {
        let store = stores[usize::from(number % 2 == 0)].clone();
        let video = world.ready(author);
        async move { store.publish(video, NOW).await }
    });
    assert!(published.await.iter().all(Result::is_ok));
    let mut times: Vec<_> = world.texts("SELECT CAST(published_at AS CHAR(20)) AS text FROM video").await;
    times.sort_unstable();
    times.dedup();
    assert_eq!(times.len(), 60);
    world.is_sound().await;
}

async fn two_stores_write_into_one_conversation_and_no_two_messages_share_a_time(on: On) {
    let world = World::new(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let stores = [world.store.clone(), world.second().await];
    let sent = together(100, |number| {
        let store = stores[usize::from(number % 2 == 0)].clone();
        let (from, to) = if number % 3 == 0 { (ada, bob) } else { (bob, ada) };
        async move { store.send_message(from, to, content("text"), NOW).await }
    });
    let mut times: Vec<_> = sent.await.into_iter().map(|sent| sent.expect("sent").created_at).collect();
    times.sort_unstable();
    assert_eq!(times, (0..100).map(|number| NOW.millis() + number).collect::<Vec<_>>());
}

async fn jobs_that_two_stores_claim_are_each_given_once(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    for _ in 0..8 {
        world.processing(author).await;
    }
    let stores = [world.store.clone(), world.second().await];
    let claims = together(8, |number| {
        let store = stores[usize::from(number % 2 == 0)].clone();
        async move { store.claim_job(crate::JobKind::Transcode, NOW, super::fixture::LEASE).await }
    });
    let mut jobs: Vec<_> =
        claims.await.into_iter().map(|claim| claim.expect("claim").expect("a job").attempt.job).collect();
    jobs.sort_unstable();
    jobs.dedup();
    assert_eq!(jobs.len(), 8);
}

/// Two stores, sixteen workers, three videos, 5,000 likes, follows, comments and their undoing.
async fn a_storm_on_three_videos_fails_nowhere_and_is_counted_right(on: On) {
    let world = World::new(on).await;
    let mut people = Vec::new();
    for number in 0..20 {
        people.push(world.user(&format!("user {number}")).await);
    }
    let videos = [world.video(people[0]).await, world.video(people[1]).await, world.video(people[2]).await];
    let people: Arc<[_]> = people.into();
    let stores = [world.store.clone(), world.second().await];
    let done = together(16, |worker| {
        let (store, people) = (stores[usize::from(worker % 2 == 0)].clone(), Arc::clone(&people));
        let mut chance = fastrand::Rng::with_seed(worker.cast_unsigned());
        async move {
            let mut mine = Vec::new();
            for _ in 0..5_000 / 16 {
                let (one, other) = (people[chance.usize(..20)], people[chance.usize(..20)]);
                let video = videos[chance.usize(..3)];
                match chance.u8(..8) {
                    0 | 1 => store.like_video(one, video, NOW).await?,
                    2 | 3 => store.unlike_video(one, video).await?,
                    4 => store.follow_user(one, other, NOW).await.map(|_| ())?,
                    5 => store.unfollow_user(one, other).await?,
                    6 => mine.push((
                        one,
                        video,
                        store.add_comment(one, video, None, content("text"), NOW).await?.id,
                    )),
                    _ => {
                        if let Some((by, video, comment)) = mine.pop() {
                            store
                                .delete_comment(by, video, domain::CommentId::parse(comment)?, false)
                                .await?;
                        }
                    }
                }
            }
            Ok(())
        }
    });
    for worker in done.await {
        worker.expect("no operation fails");
    }
    world.is_sound().await;
    // The order of locks leaves nothing to deadlock; a retry now and then would be no mistake, many would be.
    let retries = stores[0].retries() + stores[1].retries();
    assert!(retries < 50, "{retries}");
}

async fn pages_asked_for_while_people_like_never_miss_ones_own_like(on: On) {
    let world = Arc::new(World::new(on).await);
    let author = world.user("author").await;
    let mut people = Vec::new();
    for number in 0..8 {
        world.video(author).await;
        people.push(world.user(&format!("fan {number}")).await);
    }
    let videos: Vec<_> = world.feed(never(), None).await.iter().map(|card| card.id).collect();
    let mut tasks = JoinSet::new();
    for (number, fan) in people.into_iter().enumerate() {
        let (world, videos) = (Arc::clone(&world), videos.clone());
        tasks.spawn(async move {
            for round in 0..20 {
                let place = (number + round / 2) % videos.len();
                let video = VideoId::parse(videos[place]).expect("a number");
                let before = world.feed(never(), Some(fan)).await[place].is_liked;
                match before {
                    false => world.store.like_video(fan, video, NOW).await.expect("like"),
                    true => world.store.unlike_video(fan, video).await.expect("unlike"),
                }
                let after = world.feed(never(), Some(fan)).await.remove(place);
                assert_eq!(after.is_liked, !before);
                assert!(!after.is_liked || after.like_count > 0, "{after:?}");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("a fan");
    }
    let counted = "SELECT CAST(like_count AS CHAR) AS text FROM video_stat ORDER BY video_id DESC";
    let counted = world.texts(counted).await;
    let shown: Vec<_> =
        world.feed(never(), None).await.iter().map(|card| card.like_count.to_string()).collect();
    assert_eq!(shown, counted);
}

on_both!(threads: pages_asked_for_while_people_like_never_miss_ones_own_like, three_hundred_likes_by_a_hundred_people_are_a_hundred, two_stores_publish_at_one_moment_and_no_two_videos_share_theirs, two_stores_write_into_one_conversation_and_no_two_messages_share_a_time, jobs_that_two_stores_claim_are_each_given_once, a_storm_on_three_videos_fails_nowhere_and_is_counted_right, two_hundred_likes_of_one_person_for_one_video_are_one_like, of_a_hundred_registrations_under_one_name_one_succeeds, likes_follows_comments_and_their_undoing_at_once_are_counted_right, a_job_that_twenty_workers_want_is_given_to_one, a_hundred_messages_of_one_millisecond_have_a_hundred_times);
