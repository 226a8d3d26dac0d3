//! How MariaDB means to run what the feed and the lists send: by index, and the feed in the index's order.

use super::crowd::Crowd;
use super::fixture::{On, never};
use super::shared::is_there;
use crate::card::column;
use crate::{Slice, Thread};

#[tokio::test]
async fn no_list_reads_a_whole_table_and_the_feed_is_not_sorted() {
    if !is_there() {
        return;
    }
    let crowd = Crowd::new(On::MySql, 400).await;
    // Plans are made from what the server knows of the tables.
    let tables: Vec<_> = crate::migrations::TABLES.iter().map(|(table, _)| *table).collect();
    let analyze = format!("ANALYZE TABLE {}", tables.join(", "));
    crowd.world.rows(&analyze).await;
    let (store, hub, peer) = (&crowd.world.store, crowd.hub, crowd.peer);
    sent(&crowd);
    store.feed(never(), Some(peer)).await.expect("a page");
    store.videos_of(hub, Some(peer), Slice::NEWEST).await.expect("a list");
    store.liked_videos(hub, Some(peer), Slice::NEWEST).await.expect("a list");
    store.comments(crowd.video, Some(peer), Thread::All, Slice::NEWEST).await.expect("a list");
    store.following(hub, Some(peer), Slice::NEWEST).await.expect("a list");
    store.followers(hub, Some(peer), Slice::NEWEST).await.expect("a list");
    store.conversation(hub, peer, Slice::NEWEST).await.expect("a list");
    let statements = sent(&crowd);
    assert!(statements.len() > 7, "{statements:?}");
    for sql in statements {
        for (table, kind, extra) in plan(&crowd, &sql).await {
            // What a subquery has already gathered may be read through; a table may not.
            assert!(kind != "ALL" || table.starts_with('<'), "{table}: {kind}\n{sql}");
            let feed = sql.contains("ORDER BY v.published_at");
            assert!(!feed || !extra.contains("filesort"), "{table}: {extra}\n{sql}");
        }
    }
}

#[tokio::test]
async fn the_check_above_would_notice_a_scan_and_a_sort() {
    if !is_there() {
        return;
    }
    let crowd = Crowd::new(On::MySql, 40).await;
    let steps = plan(&crowd, "SELECT * FROM video ORDER BY title LIMIT 5").await;
    assert!(steps.iter().any(|(_, kind, extra)| kind == "ALL" && extra.contains("filesort")), "{steps:?}");
}

fn sent(crowd: &Crowd) -> Vec<String> {
    std::mem::take(&mut *crowd.world.store.database.probe.texts.lock().expect("the texts"))
}

/// Table, kind of access and remarks of each step.
async fn plan(crowd: &Crowd, sql: &str) -> Vec<(String, String, String)> {
    let rows = crowd.world.rows(&format!("EXPLAIN {sql}")).await;
    let text = |row, name| column::<Option<String>>(row, name).expect("a text").unwrap_or_default();
    rows.iter().map(|row| (text(row, "table"), text(row, "type"), text(row, "Extra"))).collect()
}
