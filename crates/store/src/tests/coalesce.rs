//! The queues in front of batches: own answers, lonely failures, bounded waiting, and an end that loses nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{Error, Result};
use futures_util::future::{BoxFuture, join_all};
use sea_orm::Value;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::fixture::{NOW, On, World, config, content, never, no_user, no_video, on_both, reopened};
use super::writer::{Queued, gate, queued};
use crate::coalesce::{Coalesced, Operation, Queues};
use crate::session::Session;
use crate::{Config, Store};

/// All there is to write with, held, so that what follows stands in its queue together.
struct Held(Vec<(oneshot::Sender<()>, Queued<()>)>);

impl Held {
    async fn new(world: &World) -> Self {
        let mut held = Vec::new();
        // One writer on SQLite, and the transactions that MySQL is asked for at once.
        for _ in 0..world.pick(1, 8) {
            let (running, open, work) = gate(&world.store).await;
            running.await.expect("it runs");
            held.push((open, work));
        }
        Self(held)
    }

    async fn let_go(self) {
        for (open, work) in self.0 {
            open.send(()).expect("let go");
            work.await.expect("the held one");
        }
    }
}

/// An operation that makes a user by SQL of its own, then ends as told.
#[derive(Clone)]
struct Step {
    name: &'static str,
    then: fn() -> Result<()>,
}

impl Operation for Step {
    type Answer = &'static str;
    const NAME: &'static str = "steps";

    fn key(&self) -> i64 {
        0
    }

    fn queues(_all: &Coalesced) -> &Queues<Self> {
        unreachable!("its queues are the test's own")
    }

    fn carry_out<'s>(
        session: &'s Session,
        batch: &'s [Self],
    ) -> BoxFuture<'s, Result<Vec<Result<&'static str>>>> {
        Box::pin(async move {
            for step in batch {
                let sql = "INSERT INTO user (name, name_key, password_hash, created_at) \
                           VALUES (?, ?, 'hash', 0)";
                session.change(sql, [Value::from(step.name), step.name.into()]).await?;
                for sql in [
                    "INSERT INTO user_stat (user_id) SELECT id FROM user WHERE name = ?",
                    "INSERT INTO user_text (user_id, words) SELECT id, '' FROM user WHERE name = ?",
                ] {
                    session.change(sql, [step.name.into()]).await?;
                }
                (step.then)()?;
            }
            Ok(batch.iter().map(|step| Ok(step.name)).collect())
        })
    }
}

/// Queues for steps on a world's database.
fn steps(world: &World) -> Arc<Queues<Step>> {
    Arc::new(Queues::start(&world.store.database, Duration::from_secs(60)))
}

async fn step(
    queues: &Arc<Queues<Step>>,
    name: &'static str,
    then: fn() -> Result<()>,
) -> Queued<&'static str> {
    let queues = Arc::clone(queues);
    queued(async move { queues.run(Step { name, then }).await }).await
}

async fn names(world: &World) -> Vec<String> {
    world.texts("SELECT name AS text FROM user ORDER BY name LIMIT 1000").await
}

async fn of_a_batch_that_fails_only_the_guilty_fail(on: On) {
    let world = World::new(on).await;
    let (held, queues) = (Held::new(&world).await, steps(&world));
    let before = step(&queues, "before", || Ok(())).await;
    let panics = step(&queues, "panics", || panic!("on purpose")).await;
    let refused = step(&queues, "refused", || Err(Error::internal("on purpose"))).await;
    let after = step(&queues, "after", || Ok(())).await;
    held.let_go().await;
    let (before, panics, refused, after) = tokio::join!(before, panics, refused, after);
    assert_eq!((before.expect("before"), after.expect("after")), ("before", "after"));
    assert!(matches!(panics, Err(Error::Internal(_))), "{panics:?}");
    assert!(matches!(refused, Err(Error::Internal(_))), "{refused:?}");
    assert_eq!(names(&world).await, ["after", "before"]);
    // The queue lives on.
    step(&queues, "later", || Ok(())).await.await.expect("later");
    assert_eq!(names(&world).await, ["after", "before", "later"]);
    world.is_sound().await;
}

async fn everybody_in_a_batch_has_an_answer_of_their_own(on: On) {
    let world = World::new(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let video = world.video(ada).await;
    let held = Held::new(&world).await;
    let store = &world.store;
    let mut likes = Vec::new();
    for (viewer, video) in [(ada, video), (no_user(), video), (ada, no_video()), (bob, video)] {
        let store = store.clone();
        likes.push(queued(async move { store.like_video(viewer, video, NOW).await }).await);
    }
    let mut comments = Vec::new();
    for (viewer, video) in [(ada, video), (no_user(), video), (ada, no_video()), (bob, video)] {
        let store = store.clone();
        let text = content(&format!("by {viewer}"));
        comments.push(queued(async move { store.add_comment(viewer, video, None, text, NOW).await }).await);
    }
    let mut follows = Vec::new();
    for (viewer, user) in [(bob, ada), (no_user(), ada), (bob, no_user())] {
        let store = store.clone();
        follows.push(queued(async move { store.follow_user(viewer, user, NOW).await }).await);
    }
    let mut messages = Vec::new();
    for (from, to) in [(ada, bob), (ada, no_user()), (no_user(), bob), (bob, ada)] {
        let store = store.clone();
        messages.push(queued(async move { store.send_message(from, to, content("text"), NOW).await }).await);
    }
    held.let_go().await;
    let likes = join_all(likes).await;
    assert!(matches!(likes[..], [Ok(()), Err(Error::Internal(_)), Err(Error::VideoNotFound(_)), Ok(())]));
    let comments = join_all(comments).await;
    let [Ok(first), Err(Error::Internal(_)), Err(Error::VideoNotFound(_)), Ok(second)] = &comments[..] else {
        panic!("{comments:?}")
    };
    assert_eq!((first.content.as_str(), second.content.as_str()), ("by 1", "by 2"));
    let follows = join_all(follows).await;
    assert!(matches!(follows[..], [Ok(false), Err(Error::Internal(_)), Err(Error::UserNotFound(_))]));
    let messages = join_all(messages).await;
    let [Ok(there), Err(Error::UserNotFound(_)), Err(Error::Internal(_)), Ok(back)] = &messages[..] else {
        panic!("{messages:?}")
    };
    assert_eq!((there.receiver_id, back.receiver_id), (bob.get(), ada.get()));
    assert_eq!(there.created_at + 1, back.created_at);
    assert_eq!(world.store.comment_count(video, None).await.expect("a count"), 2);
    world.is_sound().await;
}

async fn what_one_person_wishes_is_done_in_the_order_of_the_wishes(on: On) {
    let world = World::new(on).await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let video = world.video(ada).await;
    for last_likes in [true, false, true] {
        let held = Held::new(&world).await;
        let mut wishes = Vec::new();
        for number in 0..9 {
            let store = world.store.clone();
            let likes = (number % 2 == 0) == last_likes;
            let wish = async move {
                match likes {
                    true => store.like_video(bob, video, NOW).await,
                    false => store.unlike_video(bob, video).await,
                }
            };
            wishes.push(queued(wish).await);
        }
        held.let_go().await;
        assert!(join_all(wishes).await.iter().all(Result::is_ok));
        let page = world.store.feed(never(), Some(bob)).await.expect("a page").cards();
        assert_eq!((page[0].is_liked, page[0].like_count), (last_likes, i64::from(last_likes)));
        world.is_sound().await;
    }
}

async fn who_waits_too_long_is_refused_and_nothing_of_it_happens(on: On) {
    let world = patient_for(on, 200).await;
    let ada = world.user("ada").await;
    let video = world.video(ada).await;
    let held = Held::new(&world).await;
    let asked = Instant::now();
    let refused = world.store.like_video(ada, video, NOW).await;
    assert!(matches!(refused, Err(Error::Overloaded)), "{refused:?}");
    assert!(asked.elapsed() >= Duration::from_millis(200));
    held.let_go().await;
    world.store.follow_user(ada, ada, NOW).await.expect("follow");
    assert_eq!(world.store.feed(never(), None).await.expect("a page").cards()[0].like_count, 0);
    world.is_sound().await;
}

async fn patient_for(on: On, write_wait_ms: u64) -> World {
    let world = World::new(on).await;
    let config = Config { write_wait_ms, ..world.config.clone() };
    World::at(on, world.folder, config).await
}

#[tokio::test]
async fn what_has_begun_is_never_refused_however_long_its_commit_takes() {
    let world = patient_for(On::Sqlite, 1_000).await;
    let ada = world.user("ada").await;
    let video = world.video(ada).await;
    let held = Held::new(&world).await;
    let store = world.store.clone();
    let mut like = queued(async move { store.like_video(ada, video, NOW).await }).await;
    // Its task hands it on to the writer, whose next commit also holds this one.
    tokio::task::yield_now().await;
    let (running, open, second) = gate(&world.store).await;
    held.let_go().await;
    running.await.expect("the second of the commit runs, so the like has");
    assert!(timeout(Duration::from_millis(1_100), &mut like).await.is_err(), "answered before the commit");
    open.send(()).expect("let go");
    second.await.expect("the second");
    like.await.expect("liked");
    world.is_sound().await;
}

async fn a_full_queue_refuses_one_more_and_keeps_what_it_accepted(on: On) {
    let world = World::new(on).await;
    let ada = world.user("ada").await;
    let video = world.video(ada).await;
    let held = Held::new(&world).await;
    let say = |number: usize| {
        let store = world.store.clone();
        async move { store.add_comment(ada, video, None, content(&number.to_string()), NOW).await }
    };
    let accepted = join_all((0..4096).map(|number| queued(say(number)))).await;
    let refused = say(4096).await;
    assert!(matches!(refused, Err(Error::Overloaded)), "{refused:?}");
    held.let_go().await;
    for (number, row) in join_all(accepted).await.into_iter().enumerate() {
        assert_eq!(row.expect("said").content, number.to_string());
    }
    assert_eq!(world.store.comment_count(video, None).await.expect("a count"), 4096);
    world.is_sound().await;
}

async fn closing_finishes_what_is_queued_and_refuses_what_comes_later(on: On) {
    let world = World::new(on).await;
    let ada = world.user("ada").await;
    let video = world.video(ada).await;
    let held = Held::new(&world).await;
    let say = |store: Store| async move { store.add_comment(ada, video, None, content("text"), NOW).await };
    let said = join_all((0..600).map(|_| queued(say(world.store.clone())))).await;
    let store = world.store.clone();
    let closing = queued(async move {
        store.close().await;
        Ok(())
    });
    let closing = closing.await;
    let late = say(world.store.clone()).await;
    assert!(matches!(late, Err(Error::Overloaded)), "{late:?}");
    held.let_go().await;
    closing.await.expect("close");
    assert!(join_all(said).await.iter().all(Result::is_ok));
    let again = match on {
        On::Sqlite => reopened(world.folder.path()).await,
        On::MySql => world.second().await,
    };
    assert_eq!(again.comment_count(video, None).await.expect("a count"), 600);
}

async fn a_caller_who_goes_away_leaves_its_operation_whole(on: On) {
    let world = World::new(on).await;
    let ada = world.user("ada").await;
    let video = world.video(ada).await;
    let held = Held::new(&world).await;
    let store = world.store.clone();
    drop(queued(async move { store.like_video(ada, video, NOW).await }).await);
    held.let_go().await;
    // In the same queue, behind it.
    world.store.like_video(ada, video, NOW).await.expect("like");
    assert_eq!(world.store.feed(never(), None).await.expect("a page").cards()[0].like_count, 1);
    world.is_sound().await;
}

#[tokio::test]
async fn the_queues_end_with_their_store() {
    let world = World::with(config()).await;
    let ada = world.user("ada").await;
    world.store.follow_user(ada, ada, NOW).await.expect("follow");
    let database = Arc::downgrade(&world.store.database);
    drop(world);
    let began = Instant::now();
    while database.upgrade().is_some() {
        assert!(began.elapsed() < Duration::from_secs(20), "somebody still holds the database");
        tokio::task::yield_now().await;
    }
}

async fn sixty_four_callers_on_hot_and_on_many_videos_are_counted_right(on: On) {
    let world = World::new(on).await;
    let mut people = Vec::new();
    for number in 0..64 {
        people.push(world.user(&format!("user {number}")).await);
    }
    let mut videos = Vec::new();
    for author in &people[..16] {
        videos.push(world.video(*author).await);
    }
    let stores = [world.store.clone(), world.second().await];
    let mut tasks = tokio::task::JoinSet::new();
    for (at, viewer) in people.into_iter().enumerate() {
        let (store, videos) = (stores[at % 2].clone(), videos.clone());
        tasks.spawn(async move {
            for round in 0..24 {
                // Every third wish is for the first video; in the end each likes it and the last.
                let video = videos[if round % 3 == 0 { 0 } else { (at * 7 + round) % videos.len() }];
                store.like_video(viewer, video, NOW).await?;
                if round % 2 == 0 {
                    store.unlike_video(viewer, video).await?;
                }
            }
            store.like_video(viewer, videos[0], NOW).await?;
            store.like_video(viewer, videos[15], NOW).await
        });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    let page = world.store.feed(never(), None).await.expect("a page").cards();
    let likes =
        |video: domain::VideoId| page.iter().find(|card| card.id == video.get()).map(|card| card.like_count);
    assert_eq!((likes(videos[0]), likes(videos[15])), (Some(64), Some(64)));
    world.is_sound().await;
    // The order of locks leaves nothing to deadlock; a retry now and then would be no mistake, many would be.
    let retries = stores[0].retries() + stores[1].retries();
    assert!(retries < 5, "{retries}");
}

on_both!(
    of_a_batch_that_fails_only_the_guilty_fail,
    everybody_in_a_batch_has_an_answer_of_their_own,
    what_one_person_wishes_is_done_in_the_order_of_the_wishes,
    who_waits_too_long_is_refused_and_nothing_of_it_happens,
    a_full_queue_refuses_one_more_and_keeps_what_it_accepted,
    closing_finishes_what_is_queued_and_refuses_what_comes_later,
    a_caller_who_goes_away_leaves_its_operation_whole,
);

mod crowded {
    use super::{On, on_both, sixty_four_callers_on_hot_and_on_many_videos_are_counted_right};

    on_both!(threads: sixty_four_callers_on_hot_and_on_many_videos_are_counted_right);
}
