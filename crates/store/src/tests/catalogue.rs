//! The schema as the databases themselves describe it: references are declared, indexed and enforced.

use super::fixture::{NOW, On, World};
use super::shared::is_there;
use crate::check::REFERENCES;
use crate::row::column;

async fn tables(world: &World) -> Vec<String> {
    let sql = "SELECT name AS text FROM sqlite_master WHERE type = 'table' \
               AND name NOT LIKE 'sqlite_%' AND name <> 'seaql_migrations' AND name NOT LIKE '%\\_fts%' ESCAPE '\\' ORDER BY name";
    world.texts(sql).await
}

#[tokio::test]
async fn these_are_all_tables() {
    let world = World::new(On::Sqlite).await;
    let expected = [
        "answer",
        "audit",
        "barrier",
        "bookmark",
        "comment",
        "comment_like",
        "conversation",
        "delivery",
        "feed_state",
        "follow",
        "follow_request",
        "held_comment",
        "identity",
        "impression",
        "invitation",
        "job",
        "message",
        "notification",
        "recovery_code",
        "report",
        "session",
        "share",
        "tag",
        "upload",
        "upload_part",
        "user",
        "user_object",
        "user_stat",
        "user_text",
        "video",
        "video_event",
        "video_like",
        "video_object",
        "video_stat",
        "video_tag",
        "video_text",
        "video_view",
        "webhook",
        "webhook_event",
        "word_rule",
    ];
    assert_eq!(tables(&world).await, expected);
}

#[tokio::test]
async fn every_reference_has_a_foreign_key_that_cascades_and_an_index_that_begins_with_it() {
    let world = World::new(On::Sqlite).await;
    let mut references = Vec::new();
    for table in tables(&world).await {
        let sql = format!(
            "SELECT name AS text FROM pragma_table_info('{table}') WHERE name LIKE '%\\_id' ESCAPE '\\'"
        );
        for column in world.texts(&sql).await {
            let sql = format!(
                "SELECT \"table\" || '.' || \"to\" || ' ' || on_delete AS text \
                 FROM pragma_foreign_key_list('{table}') WHERE \"from\" = '{column}'"
            );
            let key = world.texts(&sql).await;
            let parent = match column.as_str() {
                "video_id" => "video",
                "upload_id" => "upload",
                "comment_id" | "parent_id" => "comment",
                "message_id" => "message",
                "tag_id" => "tag",
                "webhook_id" => "webhook",
                _ => "user",
            };
            assert_eq!(key, [format!("{parent}.id CASCADE")], "{table}.{column}");
            let sql = format!(
                "SELECT il.name AS text FROM pragma_index_list('{table}') il, pragma_index_info(il.name) ii \
                 WHERE ii.seqno = 0 AND ii.name = '{column}' AND il.partial = 0 \
                 UNION ALL SELECT 'primary key' FROM pragma_table_info('{table}') WHERE pk = 1 AND name = '{column}'"
            );
            assert!(!world.texts(&sql).await.is_empty(), "{table}.{column} leads no index");
            references.push(format!("{table}.{column}"));
        }
    }
    assert_eq!(references.len(), 57, "{references:?}");
}

#[tokio::test]
async fn every_foreign_key_is_of_a_column_that_says_so() {
    let world = World::new(On::Sqlite).await;
    for table in tables(&world).await {
        let sql = format!("SELECT \"from\" AS text FROM pragma_foreign_key_list('{table}')");
        for column in world.texts(&sql).await {
            assert!(column.ends_with("_id"), "{table}.{column}");
        }
    }
}

#[tokio::test]
async fn what_must_be_unique_has_a_unique_index() {
    let world = World::new(On::Sqlite).await;
    for (table, columns) in [
        ("user", "name_key"),
        ("video", "published_at"),
        ("video_like", "user_id,video_id"),
        ("follow", "follower_id,followee_id"),
    ] {
        let sql = format!(
            "SELECT (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(il.name) ORDER BY seqno)) \
             AS text FROM pragma_index_list('{table}') il WHERE il.\"unique\" = 1"
        );
        assert!(world.texts(&sql).await.iter().any(|unique| unique == columns), "{table} ({columns})");
    }
}

#[tokio::test]
async fn a_user_who_is_deleted_takes_everything_along() {
    let world = World::new(On::Sqlite).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let video = world.video(author).await;
    world.processing(author).await;
    world.store.like_video(fan, video, NOW).await.expect("like");
    world.store.follow_user(fan, author, NOW).await.expect("follow");
    world.store.add_comment(fan, video, None, super::fixture::content("text"), NOW).await.expect("comment");
    world.store.send_message(author, fan, super::fixture::content("text"), NOW).await.expect("send");
    world.run("DELETE FROM user").await;
    for table in tables(&world).await.into_iter().filter(|table| table != "feed_state") {
        let left = world.texts(&format!("SELECT '{table}' AS text FROM \"{table}\"")).await;
        assert_eq!(left, [""; 0]);
    }
}

#[tokio::test]
async fn a_counter_never_falls_below_zero() {
    let world = World::new(On::Sqlite).await;
    let author = world.user("author").await;
    let video = world.video(author).await;
    let text = super::fixture::content("text");
    world.store.add_comment(author, video, None, text, NOW).await.expect("comment");
    for (table, column) in [
        ("user_stat", "follow_count"),
        ("user_stat", "follower_count"),
        ("user_stat", "work_count"),
        ("user_stat", "liked_count"),
        ("user_stat", "received_like_count"),
        ("video_stat", "like_count"),
        ("video_stat", "comment_count"),
        ("video_stat", "view_count"),
        ("comment", "reply_count"),
        ("comment", "like_count"),
    ] {
        let sql = format!("UPDATE {table} SET {column} = -1");
        let result = world
            .store
            .database
            .write(move |session| Box::pin(async move { session.change(&sql, []).await }));
        assert!(result.await.is_err(), "{table}.{column}");
    }
}

#[tokio::test]
async fn the_writer_enforces_foreign_keys_and_commits_to_the_disk() {
    let world = World::new(On::Sqlite).await;
    for (pragma, expected) in
        [("foreign_keys", "1"), ("journal_mode", "wal"), ("synchronous", "2"), ("query_only", "0")]
    {
        let sql = format!("SELECT CAST({pragma} AS TEXT) AS text FROM pragma_{pragma}");
        let row =
            world.store.database.write(move |session| Box::pin(async move { session.row(&sql, []).await }));
        let row = row.await.expect("ask").expect("an answer");
        assert_eq!(column::<String>(&row, "text").expect("a text"), expected, "{pragma}");
    }
}

#[tokio::test]
async fn every_reader_only_reads() {
    let world = World::new(On::Sqlite).await;
    // More than once for each thread.
    for _ in 0..32 {
        for (pragma, expected) in [("foreign_keys", "1"), ("journal_mode", "wal"), ("query_only", "1")] {
            let sql = format!("SELECT CAST({pragma} AS TEXT) AS text FROM pragma_{pragma}");
            assert_eq!(world.texts(&sql).await, [expected], "{pragma}");
        }
        let changed =
            world.store.database.read(|session| Box::pin(session.change("DELETE FROM user", []))).await;
        assert!(changed.is_err(), "{changed:?}");
    }
}

#[tokio::test]
async fn mariadb_has_the_same_references_indices_and_lengths() {
    if !is_there() {
        return;
    }
    let (world, sqlite) = (World::new(On::MySql).await, World::new(On::Sqlite).await);
    let keys = "SELECT k.table_name || '.' || k.column_name || ' ' || k.referenced_table_name || ' ' || r.delete_rule \
                AS text FROM information_schema.key_column_usage k \
                JOIN information_schema.referential_constraints r ON r.constraint_schema = k.table_schema \
                AND r.constraint_name = k.constraint_name \
                WHERE k.table_schema = DATABASE() AND k.referenced_table_name IS NOT NULL ORDER BY 1";
    let mut expected: Vec<_> = REFERENCES
        .iter()
        .map(|(table, _, column, parent)| format!("{table}.{column} {parent} CASCADE"))
        .collect();
    expected.sort_unstable();
    assert_eq!(world.texts(keys).await, expected);
    for (table, _, column, _) in REFERENCES {
        let sql = format!(
            "SELECT index_name AS text FROM information_schema.statistics WHERE table_schema = DATABASE() \
             AND table_name = '{table}' AND column_name = '{column}' AND seq_in_index = 1"
        );
        assert!(!world.texts(&sql).await.is_empty(), "{table}.{column} leads no index");
    }
    let named = "SELECT DISTINCT index_name AS text FROM information_schema.statistics \
                 WHERE table_schema = DATABASE() AND index_name LIKE 'ix\\_%' ORDER BY 1";
    let same = "SELECT name AS text FROM sqlite_master WHERE type = 'index' AND name LIKE 'ix\\_%' ESCAPE '\\' ORDER BY 1";
    assert_eq!(world.texts(named).await, sqlite.texts(same).await);
    let columns = "SELECT table_name || '.' || column_name || ' ' || LOWER(column_type) AS text \
                   FROM information_schema.columns WHERE table_schema = DATABASE() AND data_type = 'varchar' \
                   AND table_name <> 'seaql_migrations' ORDER BY 1";
    let same = "SELECT m.name || '.' || c.name || ' ' || LOWER(c.type) AS text FROM sqlite_master m, \
                pragma_table_info(m.name) c WHERE m.type = 'table' AND c.type LIKE 'varchar%' \
                AND m.name <> 'seaql_migrations' ORDER BY 1";
    assert_eq!(world.texts(columns).await, sqlite.texts(same).await);
    let others = "SELECT table_name || '.' || column_name AS text FROM information_schema.columns \
                  WHERE table_schema = DATABASE() AND collation_name <> 'utf8mb4_bin'";
    assert_eq!(world.texts(others).await, [""; 0]);
}
