//! A database server that is killed, stopped and frozen under load: what was acknowledged stays, nobody waits
//! for long, and it goes on by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::Error;
use servers::Server;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::fixture::{NOW, On, World, user_name};
use super::shared::{on_server, say};
use crate::{Entry, OpenError, Store};

/// What one request may take, whatever the server does; and some more on a busy machine.
const BOUND: Duration = Duration::from_millis(2400 + 600);

/// A server of its own with a world on it.
async fn own() -> Option<(Server, World)> {
    let folder: TempDir = tempfile::tempdir().expect("make a folder");
    let server = servers::or_skip(servers::mariadb(&folder.path().join("server")))?;
    let config = on_server(server.port(), servers::MARIADB_USER, "dytt_fault", folder.path());
    Some((server, World::at(On::MySql, folder, config).await))
}

/// Makes users and likes one video until told to stop; gives the names that were acknowledged.
async fn write(
    store: Store,
    world: Arc<World>,
    worker: usize,
    stop: Arc<AtomicBool>,
    acks: Arc<AtomicU64>,
) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let video = domain::VideoId::parse(1).expect("a number");
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("w{worker} {number}");
        let asked = Instant::now();
        let done = store.create_user(user_name(&name), "hash".into(), Entry::Open, NOW).await;
        assert!(asked.elapsed() < BOUND, "{:?}", asked.elapsed());
        match done {
            Ok(id) => {
                acknowledged.push(name);
                acks.fetch_add(1, Ordering::Relaxed);
                // Counters are part of what must stay right.
                let _liked = store.like_video(id, video, NOW).await;
            }
            Err(Error::Unavailable(_) | Error::Overloaded) => tokio::task::yield_now().await,
            Err(error) => panic!("{}", error.chain()),
        }
    }
    let _keep = world;
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_under_four_writers_loses_nothing_it_acknowledged() {
    let Some((mut server, world)) = own().await else { return };
    let author = world.user("author").await;
    world.video(author).await;
    let world = Arc::new(world);
    let (stop, acks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut writers = JoinSet::new();
    for worker in 0..4 {
        let (store, world) = (world.store.clone(), Arc::clone(&world));
        writers.spawn(write(store, world, worker, Arc::clone(&stop), Arc::clone(&acks)));
    }
    for round in 1..=3 {
        until("acknowledgements", async || acks.load(Ordering::Relaxed) > round * 50).await;
        server.kill();
        let asked = Instant::now();
        assert!(world.store.ping().await.is_err());
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        server.start_again().expect("start again");
        let back = Instant::now();
        until("an answer", async || world.store.ping().await.is_ok()).await;
        assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
    }
    stop.store(true, Ordering::Relaxed);
    let acknowledged: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
    assert!(acknowledged.len() > 150, "{}", acknowledged.len());
    for name in &acknowledged {
        assert!(world.store.login_row(&user_name(name)).await.expect("look up").is_some(), "{name} is lost");
    }
    world.is_sound().await;
}

#[tokio::test]
async fn a_frozen_server_holds_nobody_beyond_the_deadline_and_thawed_it_goes_on() {
    let Some((server, world)) = own().await else { return };
    let author = world.user("author").await;
    let video = world.video(author).await;
    server.freeze();
    // The signal reaches the server's threads a moment later.
    until("silence", async || world.store.ping().await.is_err()).await;
    let frozen = Instant::now();
    while frozen.elapsed() < Duration::from_secs(5) {
        let asked = Instant::now();
        assert!(world.store.ping().await.is_err());
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        let asked = Instant::now();
        let (read, written) =
            tokio::join!(world.store.user_card(author, None), world.store.like_video(author, video, NOW));
        assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
        assert!(matches!(written, Err(Error::Unavailable(_))), "{written:?}");
        assert!(asked.elapsed() < BOUND, "{:?}", asked.elapsed());
    }
    server.thaw();
    until("an answer", async || world.store.ping().await.is_ok()).await;
    world.store.like_video(author, video, NOW).await.expect("like");
    assert_eq!(world.feed(super::fixture::never(), None).await[0].like_count, 1);
    world.is_sound().await;
}

#[tokio::test]
async fn a_server_that_is_stopped_and_started_is_found_again_by_idle_connections() {
    let Some((mut server, world)) = own().await else { return };
    let author = world.user("author").await;
    let video = world.video(author).await;
    // Several connections lie idle when the server goes.
    futures_util::future::join_all((0..6).map(|_| world.store.user_card(author, None))).await;
    for _ in 0..2 {
        server.stop();
        server.start_again().expect("start again");
        world.store.user_card(author, None).await.expect("the first read");
        world.store.like_video(author, video, NOW).await.expect("the first write");
    }
    // A setting that loses commits is refused at the next start, not before.
    let mut admin = super::shared::admin(&world.config).await;
    say(&mut admin, &["SET GLOBAL innodb_flush_log_at_trx_commit = 2"]).await;
    let refused = Store::open(&world.config, world.folder.path()).await.map(|_| ());
    assert!(
        matches!(&refused, Err(OpenError::Setting { name: "innodb_flush_log_at_trx_commit", value, .. }) if value == "2"),
        "{refused:?}"
    );
    world.store.ping().await.expect("answer");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_secrets() {
    let folder = tempfile::tempdir().expect("make a folder");
    let port = servers::free_port();
    let config = on_server(port, "dytt", "dytt_none", folder.path());
    let refused = Store::open(&config, folder.path()).await.map(|_| ()).expect_err("nobody is there");
    assert_eq!(refused.to_string(), format!("the database server at 127.0.0.1:{port} cannot be reached"));
}

/// Polls until it is so, for at most half a minute.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(30), "no {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
