//! The baselines do what they are described to do, and count right.

use std::time::Duration;

use super::likes::{Durability, Order, Spread, Writers, likes_on_mysql, likes_on_sqlite};
use super::limit::{Page, read};
use super::{fdatasync, n_plus_one, nginx};
use crate::data::tests::{filled, small};

#[test]
fn a_page_takes_121_statements_and_shows_what_is_stored() {
    let dataset = small();
    let folder = filled(&dataset);
    let connection = rusqlite::Connection::open(folder.path().join("dytt.sqlite")).expect("open");
    let mut reader = n_plus_one::Reader { connection, sent: 0 };
    let viewer = 2;
    let page = reader.page(viewer).expect("read a page");
    assert_eq!((page.video_list.len(), reader.sent), (30, 121));
    let ids: Vec<i64> = page.video_list.iter().map(|video| video.id).collect();
    assert_eq!(ids, (971..=1000).rev().collect::<Vec<_>>(), "newest first");
    for video in &page.video_list {
        let count = |sql: &str| -> i64 {
            reader.connection.query_row(sql, [viewer, video.id], |row| row.get(0)).expect("count")
        };
        let likes = "SELECT COUNT(*) FROM video_like WHERE ?1 = ?1 AND video_id = ?2";
        assert_eq!(count(likes), video.favorite_count);
        let mine = "SELECT COUNT(*) FROM video_like WHERE user_id = ?1 AND video_id = ?2";
        assert_eq!(count(mine) == 1, video.is_favorite);
        let follow = "SELECT COUNT(*) FROM follow JOIN video v ON v.author_id = followee_id \
                      WHERE follower_id = ?1 AND v.id = ?2";
        assert_eq!(count(follow) == 1, video.author.is_follow);
    }
    assert!(page.video_list.iter().any(|video| video.is_favorite));
    assert!(page.video_list.iter().any(|video| video.author.is_follow));
}

#[test]
fn a_page_that_these_types_would_write_in_another_way_is_refused() {
    let folder = tempfile::tempdir().expect("make a folder");
    let file = folder.path().join("page.json");
    let page = Page { status_code: 0, status_msg: "success".into(), video_list: Vec::new(), next_time: 7 };
    let text = serde_json::to_string(&page).expect("serialise");
    std::fs::write(&file, &text).expect("write");
    assert_eq!(read(&file).expect("the same bytes").next_time, 7);
    for other in [text.replace(':', ": "), text.replace("next_time", "next_page")] {
        std::fs::write(&file, other).expect("write");
        assert!(read(&file).is_err());
    }
}

#[test]
fn likes_on_sqlite_are_all_there() {
    let folder = tempfile::tempdir().expect("make a folder");
    for (writers, spread) in [(Writers::One, Spread::Hot), (Writers::EachCaller, Spread::Zipf)] {
        let run = likes_on_sqlite(folder.path(), writers, Durability::Normal, spread, 4, 0.2).expect("a run");
        assert!(run.done > 0 && run.errors == 0 && run.p50 <= run.p99 && run.p99 <= run.max, "{run:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("list").count(), 0, "nothing is left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn likes_on_mariadb_are_all_there_and_the_natural_order_deadlocks() {
    let folder = tempfile::tempdir().expect("make a folder");
    let Some(server) = servers::or_skip(servers::mariadb(&folder.path().join("mariadb"))) else { return };
    let url = format!("mysql://{}@127.0.0.1:{}/mysql", servers::MARIADB_USER, server.port());
    let run = |order| likes_on_mysql(&url, servers::MARIADB_PASSWORD, order, Spread::Hot, 8, 0.5);
    let best = run(Order::CounterFirst).await.expect("a run");
    assert!(best.done > 0 && best.errors == 0 && best.retries == 0, "{best:?}");
    let natural = run(Order::LikeFirst).await.expect("a run");
    assert!(natural.retries > 0, "{natural:?}");
    let left = servers::mariadb_sql(server.port(), "SHOW DATABASES LIKE 'dytt%'").expect("list");
    assert_eq!(left, "", "nothing is left behind");
}

#[test]
fn a_sync_is_measured_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("make a folder");
    let sync = fdatasync(folder.path()).expect("sync");
    assert!(Duration::ZERO < sync.p50 && sync.p50 <= sync.p99);
    assert_eq!(std::fs::read_dir(folder.path()).expect("list").count(), 0);
}

#[test]
fn nginx_takes_the_configuration() {
    let folder = tempfile::tempdir().expect("make a folder");
    let port = servers::free_port();
    let Some(mut command) = nginx(folder.path(), folder.path(), port).expect("write") else { return };
    let output = command.arg("-t").output().expect("nginx starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
