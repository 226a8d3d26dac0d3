//! The writer: shared commits, lonely failures, bounded waiting, and an end that loses nothing.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use domain::{Error, Result, UserId};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::fixture::{NOW, On, World, config, reopened, user_name};
use crate::{Config, Entry, Store};

pub(super) type Queued<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// Starts a mutation as far as the queue.
pub(super) async fn queued<T>(work: impl Future<Output = Result<T>> + Send + 'static) -> Queued<T> {
    let mut work: Queued<T> = Box::pin(work);
    let first = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
    assert!(first.is_pending(), "answered before it could run");
    work
}

/// A mutation that says when it runs and then waits to be let go.
pub(super) async fn gate(store: &Store) -> (oneshot::Receiver<()>, oneshot::Sender<()>, Queued<()>) {
    let ((runs, running), (open, opened)) = (oneshot::channel(), oneshot::channel());
    let store = store.clone();
    // SQLite's writer runs it once.
    let ends = Arc::new(Mutex::new(Some((runs, opened))));
    let work = queued(async move {
        let work = store.database.write(move |_| {
            Box::pin(async move {
                let (runs, opened) = ends.lock().expect("the ends").take().expect("the first run");
                runs.send(()).expect("tell that it runs");
                opened.await.map_err(Error::internal)
            })
        });
        work.await
    });
    (running, open, work.await)
}

/// Holds the writer, so that what follows stands in the queue together.
async fn held(store: &Store) -> (oneshot::Sender<()>, Queued<()>) {
    let (running, open, work) = gate(store).await;
    running.await.expect("the writer runs it");
    (open, work)
}

fn user(store: &Store, name: &str) -> impl Future<Output = Result<UserId>> + Send + use<> {
    let (store, name) = (store.clone(), user_name(name));
    async move { store.create_user(name, "hash".into(), Entry::Open, NOW).await }
}

/// Makes a user by SQL of its own, then ends as told.
async fn half_done(store: Store, then: fn() -> Result<()>) -> Result<()> {
    let sql = "INSERT INTO user (name, name_key, password_hash, created_at) VALUES ('x', 'x', 'hash', 0)";
    let work = store.database.write(move |session| {
        Box::pin(async move {
            session.change(sql, []).await?;
            then()
        })
    });
    work.await
}

#[tokio::test]
async fn a_mutation_that_fails_fails_alone_among_those_of_its_commit() {
    let world = World::new(On::Sqlite).await;
    let (open, hold) = held(&world.store).await;
    let before = queued(user(&world.store, "before")).await;
    let failing = queued(half_done(world.store.clone(), || Err(Error::PermissionDenied))).await;
    let after = queued(user(&world.store, "after")).await;
    open.send(()).expect("let go");
    let (_, before, failed, after) = tokio::join!(hold, before, failing, after);
    assert!(matches!(failed, Err(Error::PermissionDenied)), "{failed:?}");
    assert!(before.is_ok() && after.is_ok(), "{before:?} {after:?}");
    assert_eq!(world.texts("SELECT name AS text FROM user ORDER BY id").await, ["before", "after"]);
    world.is_sound().await;
}

#[tokio::test]
async fn a_mutation_that_panics_is_rolled_back_alone_and_the_writer_lives_on() {
    let world = World::new(On::Sqlite).await;
    let (open, hold) = held(&world.store).await;
    let before = queued(user(&world.store, "before")).await;
    let panicking = queued(half_done(world.store.clone(), || panic!("on purpose"))).await;
    let after = queued(user(&world.store, "after")).await;
    open.send(()).expect("let go");
    let (_, before, panicked, after) = tokio::join!(hold, before, panicking, after);
    assert!(panicked.is_err() && before.is_ok() && after.is_ok(), "{before:?} {panicked:?} {after:?}");
    world.user("later").await;
    assert_eq!(world.texts("SELECT name AS text FROM user ORDER BY id").await, ["before", "after", "later"]);
    world.is_sound().await;
}

#[tokio::test]
async fn nobody_is_answered_or_seen_before_the_commit() {
    let world = World::new(On::Sqlite).await;
    let (open, hold) = held(&world.store).await;
    let mut early = queued(user(&world.store, "early")).await;
    let (running, open_second, second) = gate(&world.store).await;
    open.send(()).expect("let go");
    hold.await.expect("the first commit");
    running.await.expect("the second of the batch runs, so the first has");
    assert!((&mut early).now_or_never().is_none());
    assert_eq!(world.store.login_row(&user_name("early")).await.expect("look up"), None);
    open_second.send(()).expect("let go");
    let (early, second) = tokio::join!(early, second);
    assert!(early.is_ok() && second.is_ok(), "{early:?} {second:?}");
    assert!(world.store.login_row(&user_name("early")).await.expect("look up").is_some());
}

#[tokio::test]
async fn a_commit_that_fails_fails_for_all_in_it_and_the_writer_lives_on() {
    let world = World::new(On::Sqlite).await;
    let (open, hold) = held(&world.store).await;
    let innocent = queued(user(&world.store, "innocent")).await;
    let store = world.store.clone();
    // A foreign key that is looked at only at the commit.
    let guilty = queued(async move {
        let work = store.database.write(|session| {
            Box::pin(async move {
                session.change("PRAGMA defer_foreign_keys = ON", []).await?;
                session.change("INSERT INTO user_stat (user_id) VALUES (77)", []).await
            })
        });
        work.await
    });
    let guilty = guilty.await;
    open.send(()).expect("let go");
    let (_, innocent, guilty) = tokio::join!(hold, innocent, guilty);
    assert!(matches!(innocent, Err(Error::Unavailable(_))), "{innocent:?}");
    assert!(matches!(guilty, Err(Error::Unavailable(_))), "{guilty:?}");
    world.user("later").await;
    assert_eq!(world.texts("SELECT name AS text FROM user").await, ["later"]);
    world.is_sound().await;
}

#[tokio::test]
async fn a_full_disk_refuses_what_does_not_fit_and_the_writer_lives_on() {
    let world = World::new(On::Sqlite).await;
    let author = world.user("author").await;
    world.video(author).await;
    let before = world.dump().await;
    let full = world.store.database.write(|session| {
        Box::pin(async move {
            session.row("PRAGMA max_page_count = 1", []).await?;
            let sql = "UPDATE video_object SET sha256 = zeroblob(1000000)";
            session.change(sql, []).await
        })
    });
    let full = full.await;
    assert!(matches!(full, Err(Error::Unavailable(_))), "{full:?}");
    assert_eq!(world.dump().await, before);
    let roomy = world.store.database.write(|session| {
        Box::pin(async move { session.row("PRAGMA max_page_count = 1000000", []).await.map(|_| ()) })
    });
    roomy.await.expect("make room");
    world.user("later").await;
    world.is_sound().await;
}

#[tokio::test]
async fn work_that_waited_too_long_is_refused_without_having_run() {
    let world = World::with(Config { write_wait_ms: 0, ..config() }).await;
    let refused = user(&world.store, "late").await;
    assert!(matches!(refused, Err(Error::Overloaded)), "{refused:?}");
    assert_eq!(world.store.statements(), 0);
    assert_eq!(world.store.login_row(&user_name("late")).await.expect("look up"), None);
}

#[tokio::test]
async fn a_full_queue_refuses_one_more_and_keeps_what_it_accepted() {
    let world = World::new(On::Sqlite).await;
    let ada = world.user("ada").await;
    let (open, hold) = held(&world.store).await;
    let accepted = join_all((0..4096).map(|_| {
        let store = world.store.clone();
        queued(async move { store.revoke_tokens(ada, NOW).await })
    }));
    let accepted = accepted.await;
    let refused = world.store.revoke_tokens(ada, NOW).await;
    assert!(matches!(refused, Err(Error::Overloaded)), "{refused:?}");
    open.send(()).expect("let go");
    hold.await.expect("the held one");
    assert!(join_all(accepted).await.iter().all(Result::is_ok));
    let row = world.store.login_row(&user_name("ada")).await.expect("look up").expect("the account");
    assert_eq!(row.token_epoch, 4096);
}

#[tokio::test]
async fn closing_finishes_what_is_queued_and_refuses_what_comes_later() {
    let world = World::new(On::Sqlite).await;
    let (open, hold) = held(&world.store).await;
    let mut works = Vec::new();
    for number in 0..300 {
        works.push(queued(user(&world.store, &format!("user {number}"))).await);
    }
    let store = world.store.clone();
    let closed = queued(async move {
        store.close().await;
        Ok(())
    });
    let closed = closed.await;
    let late = user(&world.store, "late").await;
    assert!(matches!(late, Err(Error::Overloaded)), "{late:?}");
    open.send(()).expect("let go");
    closed.await.expect("close");
    hold.await.expect("the held one");
    assert!(join_all(works).await.iter().all(Result::is_ok));
    let again = reopened(world.folder.path()).await;
    let names = "SELECT name FROM user LIMIT 1000";
    let names = again.database.read(|session| Box::pin(session.rows(names, []))).await.expect("read");
    assert_eq!(names.len(), 300);
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_its_mutation_whole() {
    let world = World::new(On::Sqlite).await;
    let (open, hold) = held(&world.store).await;
    drop(queued(user(&world.store, "gone")).await);
    open.send(()).expect("let go");
    hold.await.expect("the held one");
    world.user("later").await;
    assert!(world.store.login_row(&user_name("gone")).await.expect("look up").is_some());
    world.is_sound().await;
}
