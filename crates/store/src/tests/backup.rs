//! Everything out and in again: the same rows on either database, of one moment, all or none.

use std::sync::atomic::Ordering;

use domain::Result;
use futures_util::TryStreamExt;
use serde_json::{Value as Json, json};

use super::atomic::Scene;
use super::crowd::Crowd;
use super::fixture::{NOW, On, World, content, known, object, on_both, title, user_name};
use super::shared::is_there;
use crate::check::REFERENCES;
use crate::migrations::TABLES;
use crate::{Entry, Exported, ExportedObject, ExportedRow, ROWS_AT_ONCE, Store};

type Item = (String, Vec<ExportedRow>);

/// What was read: tables with rows as they are written again, and the objects.
async fn exported(store: &Store) -> (Vec<Item>, Vec<ExportedObject>) {
    gathered(store.export().try_collect().await.expect("export"))
}

fn gathered(parts: Vec<Exported>) -> (Vec<Item>, Vec<ExportedObject>) {
    let (mut items, mut objects, mut table) = (Vec::new(), Vec::new(), "");
    for part in parts {
        match part {
            Exported::Table(name, _) => table = name,
            Exported::Rows(rows) => items.push((table.to_owned(), rows)),
            Exported::Objects(some) => objects.extend(some),
        }
    }
    (items, objects)
}

async fn import(store: &Store, items: Vec<Item>) -> Result<()> {
    store.import(items.into_iter().map(Ok)).await
}

async fn everything_comes_back_on_either_database(on: On) {
    let Scene { world, author, viewer, liked, comment, .. } = Scene::new(on).await;
    world.store.set_title(author, liked, title("a #cat")).await.expect("change");
    world.store.like_comment(viewer, liked, comment, NOW).await.expect("like");
    let reply = world.store.add_comment(author, liked, Some(comment), content("indeed"), NOW).await;
    assert_eq!(reply.expect("reply").parent, Some(comment.get()));
    world.store.mute_user(author, viewer, NOW).await.expect("mute");
    world.store.show(viewer, vec![(liked, "tag")], NOW).await.expect("show");
    let entry = Entry::Open;
    let joined =
        world.store.create_identified(user_name("known"), "hash".into(), entry, known("A1"), NOW).await;
    joined.expect("joins");
    let (items, objects) = exported(&world.store).await;
    for table in TABLES.map(|table| table.0) {
        let is_there = items.iter().any(|item| item.0 == table);
        assert_eq!(is_there, table != "feed_state", "{table}");
    }
    let others = [On::Sqlite, On::MySql].into_iter().filter(|on| *on == On::Sqlite || is_there());
    for to in others {
        let other = World::new(to).await;
        assert!(!other.store.is_used().await.expect("look"));
        import(&other.store, items.clone()).await.expect("import");
        assert!(other.store.is_used().await.expect("look"));
        assert_eq!(exported(&other.store).await, (items.clone(), objects.clone()), "to {to:?}");
        other.is_sound().await;
        // The next number is a new one.
        let known: i64 = items
            .iter()
            .filter(|item| item.0 == "user")
            .flat_map(|item| &item.1)
            .filter_map(|row| row["id"].as_i64())
            .max()
            .unwrap_or(0);
        assert_eq!(other.user("newcomer").await.get(), known + 1);
    }
}

async fn tables_longer_than_a_statement_come_whole(on: On) {
    let size = 2 * ROWS_AT_ONCE + 1;
    let crowd = Crowd::new(on, size).await;
    let (items, objects) = exported(&crowd.world.store).await;
    assert!(items.iter().all(|(_, rows)| rows.len() <= ROWS_AT_ONCE));
    let comments: Vec<_> = items.iter().filter(|item| item.0 == "comment").flat_map(|item| &item.1).collect();
    let numbers: Vec<_> = comments.iter().filter_map(|row| row["id"].as_u64()).collect();
    assert_eq!(numbers, (1..=size as u64).collect::<Vec<_>>());
    let of_videos = objects.iter().filter(|object| object.key.starts_with("r/"));
    assert_eq!(of_videos.count(), size);
}

async fn all_is_of_one_moment(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let video = world.video(author).await;
    let mut parts = world.store.export();
    let mut read = Vec::new();
    while !matches!(read.last(), Some(Exported::Rows(_))) {
        read.extend(parts.try_next().await.expect("a part"));
    }
    let late = world.user("late").await;
    world.store.like_video(late, video, NOW).await.expect("like");
    world.store.delete_video(author, video, NOW).await.expect("delete");
    read.extend(parts.try_collect::<Vec<_>>().await.expect("the rest"));
    let (items, objects) = gathered(read);
    assert!(!items.iter().any(|item| item.0 == "video_like"), "{items:?}");
    assert_eq!(objects.len(), 2, "{objects:?}");
    let other = World::new(On::Sqlite).await;
    import(&other.store, items).await.expect("import");
    other.is_sound().await;
}

async fn a_reading_that_breaks_off_is_an_error(on: On) {
    let crowd = Crowd::new(on, 1).await;
    let probe = &crowd.world.store.database.probe;
    for statement in [1, 2, 20, 50] {
        probe.fail_at.store(probe.statements() + statement, Ordering::Relaxed);
        let read: Result<Vec<_>> = crowd.world.store.export().try_collect().await;
        probe.fail_at.store(0, Ordering::Relaxed);
        assert!(read.is_err_and(|error| error.chain().contains("made to fail")), "statement {statement}");
    }
}

async fn only_objects_that_have_to_be_there_are_named(on: On) {
    let world = World::new(on).await;
    let author = world.user("author").await;
    let (kept, deleted) = (world.video(author).await, world.video(author).await);
    world.store.put_file(author, kept, object("p/retired", "retired")).await.expect("put");
    world.store.put_file(author, kept, object("p/coming", "coming")).await.expect("put");
    world.store.delete_video(author, deleted, NOW).await.expect("delete");
    world.upload(author, "open", 1000).await;
    world.append(author, "open", 0, 400).await.expect("append");
    let (_, objects) = exported(&world.store).await;
    let keys: Vec<_> = objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, ["c/0", "p/0", "o/open-0-400"]);
    assert_eq!((objects[2].bytes, objects[2].sha256.as_str()), (400, "07".repeat(32).as_str()));
}

async fn an_import_that_fails_at_any_statement_leaves_the_database_as_it_was(on: On) {
    let scene = Scene::new(on).await;
    let (items, _) = exported(&scene.world.store).await;
    let other = World::new(on).await;
    let untouched = other.dump().await;
    let probe = &other.store.database.probe;
    let mut statement = 0;
    loop {
        statement += 1;
        probe.fail_at.store(probe.statements() + statement, Ordering::Relaxed);
        let done = import(&other.store, items.clone()).await;
        probe.fail_at.store(0, Ordering::Relaxed);
        let Err(error) = done else { break };
        assert!(error.chain().contains("made to fail"), "{}", error.chain());
        assert_eq!(other.dump().await, untouched, "statement {statement}");
    }
    // Each table's columns are asked for, and each item is one statement.
    let mut tables: Vec<_> = items.iter().map(|item| &item.0).collect();
    tables.dedup();
    assert_eq!(statement - 1, (tables.len() + items.len()) as u64);
}

async fn what_is_not_of_this_schema_is_refused(on: On) {
    let source = World::new(on).await;
    source.user("ann").await;
    let (items, _) = exported(&source.store).await;
    let changed = |change: &dyn Fn(&mut Item)| {
        let mut items = items.clone();
        change(&mut items[0]);
        items
    };
    let other = World::new(on).await;
    let untouched = other.dump().await;
    for (name, items, told) in [
        ("a table", changed(&|item| item.0 = "users".into()), "`users` is no table"),
        ("what stays behind", changed(&|item| item.0 = "feed_state".into()), "`feed_state` is no table"),
        ("a column", changed(&|item| drop(item.1[0].insert("x".into(), json!(1)))), "no column `x`"),
        ("no column", changed(&|item| drop(item.1[0].remove("name"))), "each row's `name`"),
        ("a kind", changed(&|item| item.1[0]["created_at"] = json!("now")), "each row's `created_at`"),
        ("null", changed(&|item| item.1[0]["name"] = Json::Null), ""),
        ("nobody", items[1..].to_vec(), ""),
    ] {
        let error = import(&other.store, items).await.expect_err(name);
        assert!(error.to_string().contains(told), "{name}: {error}");
        assert_eq!(other.dump().await, untouched, "{name}");
    }
    assert!(import(&source.store, items).await.is_err(), "a second time");
}

/// Rows are read by their keys, and written in the order of the tables.
#[tokio::test]
async fn each_table_has_its_key_and_comes_after_those_it_refers_to() {
    let world = World::new(On::Sqlite).await;
    for (table, key) in TABLES {
        let sql = format!("SELECT name AS text FROM pragma_table_info('{table}') WHERE pk > 0");
        assert_eq!(world.texts(&sql).await, [key], "{table}");
    }
    let place = |table| TABLES.iter().position(|(name, _)| *name == table).expect("a table");
    for (table, _, column, parent) in REFERENCES {
        // A reply comes after the comment it answers, and has a larger number.
        assert!(place(parent) < place(table) || column == "parent_id", "{table}.{column}");
    }
}

on_both!(
    everything_comes_back_on_either_database,
    tables_longer_than_a_statement_come_whole,
    all_is_of_one_moment,
    a_reading_that_breaks_off_is_an_error,
    only_objects_that_have_to_be_there_are_named,
    an_import_that_fails_at_any_statement_leaves_the_database_as_it_was,
    what_is_not_of_this_schema_is_refused
);
