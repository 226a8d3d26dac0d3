//! Opening: addresses, migrations, and that what was acknowledged is there afterwards.

use std::time::{Duration, Instant};

use domain::Error;

use super::fixture::{MIGRATIONS, NOW, On, World, config, never, reopened, user_name};
use crate::{Config, Entry, OpenError, Store};

#[tokio::test]
async fn an_address_that_is_not_sqlites_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().expect("make a folder");
    for url in ["", "sqlite:", "dytt.sqlite"] {
        let opened = Store::open(&Config { url: url.into(), ..config() }, folder.path()).await;
        assert!(matches!(opened, Err(OpenError::Url(told)) if told == url), "{url}");
    }
    assert_eq!(folder.path().read_dir().expect("list the folder").count(), 0);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().expect("make a folder");
    let opened = Store::open(&config(), &folder.path().join("missing")).await;
    assert!(matches!(opened, Err(OpenError::Database(_))));
}

#[tokio::test]
async fn opening_twice_is_fine_and_both_see_the_same() {
    let world = World::new(On::Sqlite).await;
    let before = world.dump().await;
    let second = reopened(world.folder.path()).await;
    assert_eq!(world.dump().await, before);
    let id =
        second.create_user(user_name("ada"), "hash".into(), Entry::Open, NOW).await.expect("make a user");
    assert_eq!(world.store.user_card(id, None).await.expect("a card").name, "ada");
    world.user("bob").await;
    assert!(second.login_row(&user_name("bob")).await.expect("look up").is_some());
    world.is_sound().await;
}

#[tokio::test]
async fn looking_creates_nothing_and_shows_what_is_applied() {
    let folder = tempfile::tempdir().expect("make a folder");
    assert!(Store::migrations(&config(), folder.path()).await.is_err());
    assert!(Store::attach(&config(), folder.path()).await.is_err());
    assert_eq!(std::fs::read_dir(folder.path()).expect("list").count(), 0);
    let store = reopened(folder.path()).await;
    let applied = Store::migrations(&config(), folder.path()).await.expect("list");
    let expected = MIGRATIONS.map(|name| (name.to_owned(), true));
    assert_eq!(applied, expected);
    Store::attach(&config(), folder.path()).await.expect("attach").ping().await.expect("answer");
    let sql = "DELETE FROM seaql_migrations";
    let forgotten =
        store.database.write(move |session| Box::pin(async move { session.change(sql, []).await }));
    forgotten.await.expect("forget a migration");
    let attached = Store::attach(&config(), folder.path()).await;
    assert!(matches!(attached, Err(crate::OpenError::Pending)));
    store.ping().await.expect("answer");
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_drop_without_a_close() {
    let World { store, folder, .. } = World::new(On::Sqlite).await;
    let id = store.create_user(user_name("ada"), "hash".into(), Entry::Open, NOW).await.expect("make a user");
    drop(store);
    let store = reopened(folder.path()).await;
    assert_eq!(store.user_card(id, None).await.expect("a card").name, "ada");
}

#[tokio::test]
async fn what_was_acknowledged_is_in_the_files_that_a_crash_leaves() {
    let world = World::new(On::Sqlite).await;
    let author = world.user("author").await;
    let video = world.video(author).await;
    world.store.like_video(author, video, NOW).await.expect("like");
    let crashed = tempfile::tempdir().expect("make a folder");
    for file in ["dytt.sqlite", "dytt.sqlite-wal"] {
        std::fs::copy(world.folder.path().join(file), crashed.path().join(file)).expect("copy a file");
    }
    let store = reopened(crashed.path()).await;
    let page = store.feed(never(), Some(author)).await.expect("a page").cards();
    assert_eq!(page, world.feed(never(), Some(author)).await);
    assert!(page[0].is_liked);
    assert_eq!(store.check().await.expect("check"), []);
}

#[tokio::test]
async fn what_was_written_is_read_at_once_by_every_reader() {
    let world = World::new(On::Sqlite).await;
    for number in 0..20 {
        let name = format!("user {number}");
        world.user(&name).await;
        for _ in 0..4 {
            assert!(world.store.login_row(&user_name(&name)).await.expect("look up").is_some(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_read_without_a_free_connection_is_refused_in_time_and_the_next_is_not() {
    let world = World::with(Config { read_wait_ms: 100, ..config() }).await;
    let held = readers_held(&world.store).await;
    let (store, asked) = (world.store.clone(), Instant::now());
    let late = tokio::spawn(async move { store.ping().await });
    world.user("writes go on").await;
    while asked.elapsed() <= Duration::from_millis(200) {
        tokio::task::yield_now().await;
    }
    drop(held);
    let refused = late.await.expect("an answer");
    assert!(matches!(refused, Err(Error::Overloaded)), "{refused:?}");
    world.store.ping().await.expect("answer");
}

/// Holds every thread that reads until what is returned is dropped.
async fn readers_held(store: &Store) -> Vec<std::sync::mpsc::Sender<()>> {
    let mut held = Vec::new();
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 16);
    for _ in 0..threads {
        let ((hold, until), (runs, running)) = (std::sync::mpsc::channel(), tokio::sync::oneshot::channel());
        let store = store.clone();
        tokio::spawn(async move {
            let read = store.database.read(move |_session| {
                Box::pin(async move {
                    runs.send(()).expect("tell that it runs");
                    let _dropped: Result<(), _> = until.recv();
                    Ok(())
                })
            });
            read.await
        });
        running.await.expect("a thread runs it");
        held.push(hold);
    }
    held
}
