//! Opening on MySQL: alone, many at once, half done, and what is refused before anything starts.

use domain::Error;
use futures_util::FutureExt;
use sea_orm::sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tokio::task::JoinSet;

use super::fixture::{MIGRATIONS, NOW, On, World, user_name};
use super::shared::{admin, database, is_there, say};
use crate::config::{Address, Config, MySql};
use crate::mysql::server::{Variables, judge};
use crate::row::column;
use crate::{Entry, OpenError, Slice, Store, Thread};

fn name(config: &Config) -> String {
    place(config).name
}

fn place(config: &Config) -> MySql {
    match config.address() {
        Ok(Address::MySql(place)) => *place,
        Ok(Address::Sqlite(_)) | Err(_) => panic!("a server"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twelve_that_open_an_empty_server_at_once_all_succeed() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("make a folder");
    let config = database(folder.path());
    let mut opening = JoinSet::new();
    for number in 0..12 {
        let (config, path) = (config.clone(), folder.path().to_owned());
        opening.spawn(async move {
            let store = Store::open(&config, &path).await.expect("open");
            store
                .create_user(user_name(&format!("user {number}")), "hash".into(), Entry::Open, NOW)
                .await
                .expect("make a user");
            store
        });
    }
    let stores = opening.join_all().await;
    for number in 0..12 {
        let row = stores[0].login_row(&user_name(&format!("user {number}"))).await.expect("look up");
        assert!(row.is_some(), "user {number}");
    }
    let applied = Store::migrations(&config, folder.path()).await.expect("list");
    let expected = MIGRATIONS.map(|name| (name.to_owned(), true));
    assert_eq!(applied, expected);
    assert_eq!(stores[0].check().await.expect("check"), []);
}

#[tokio::test]
async fn a_migration_that_died_anywhere_is_finished_by_the_next_start() {
    if !is_there() {
        return;
    }
    let world = World::new(On::MySql).await;
    let schema = tables(&world.config).await;
    let name = name(&world.config);
    let mut connection = admin(&world.config).await;
    // The last table first, as they refer to each other.
    let made = [
        "identity",
        "share",
        "held_comment",
        "word_rule",
        "recovery_code",
        "delivery",
        "webhook_event",
        "webhook",
        "follow_request",
        "user_object",
        "impression",
        "barrier",
        "notification",
        "user_text",
        "video_text",
        "audit",
        "invitation",
        "bookmark",
        "video_view",
        "video_tag",
        "tag",
        "conversation",
        "report",
        "comment_like",
        "answer",
        "session",
        "upload_part",
        "upload",
        "video_event",
        "feed_state",
        "job",
        "message",
        "follow",
        "comment",
        "video_like",
        "video_object",
        "video_stat",
        "video",
    ];
    for count in 0..=made.len() {
        say(&mut connection, &[&format!("DELETE FROM {name}.seaql_migrations")]).await;
        for table in &made[..count] {
            say(&mut connection, &[&format!("DROP TABLE {name}.{table}")]).await;
        }
        assert!(matches!(Store::attach(&world.config, world.folder.path()).await, Err(OpenError::Pending)));
        world.second().await.ping().await.expect("answer");
        assert_eq!(tables(&world.config).await, schema, "without the last {count}");
    }
}

/// How each table is made.
async fn tables(config: &Config) -> Vec<String> {
    use sea_orm::sqlx::Row as _;
    let mut connection = admin(config).await;
    let mut all = Vec::new();
    for (table, _) in crate::migrations::TABLES {
        let sql = format!("SHOW CREATE TABLE {}.{table}", name(config));
        let row = connection.fetch_one(AssertSqlSafe(sql)).await.expect("show");
        all.push(row.get::<String, _>(1));
    }
    all
}

#[tokio::test]
async fn looking_at_a_database_that_is_not_there_makes_none() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("make a folder");
    let config = database(folder.path());
    for _ in 0..2 {
        assert!(matches!(Store::migrations(&config, folder.path()).await, Err(OpenError::Missing)));
        assert!(matches!(Store::attach(&config, folder.path()).await, Err(OpenError::Missing)));
    }
}

#[tokio::test]
async fn a_user_without_a_right_is_told_which_and_nothing_is_opened() {
    if !is_there() {
        return;
    }
    let world = World::new(On::MySql).await;
    let name = name(&world.config);
    let poor = Config { url: world.config.url.replace("//dytt@", "//poor@"), ..world.config.clone() };
    let mut connection = admin(&world.config).await;
    let refused = async || match Store::open(&poor, world.folder.path()).await {
        Err(error @ OpenError::Forbidden { .. }) => error.to_string(),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("opened"),
    };
    let line = refused().await;
    assert!(line.contains("Access denied for user 'poor'"), "{line}");
    let password = servers::MARIADB_PASSWORD;
    say(&mut connection, &[&format!("CREATE USER 'poor'@'%' IDENTIFIED BY '{password}'")]).await;
    assert!(refused().await.contains("denied"));
    for (right, verb) in [("SELECT", "INSERT"), ("INSERT", "UPDATE"), ("UPDATE", "DELETE")] {
        say(&mut connection, &[&format!("GRANT {right} ON {name}.* TO 'poor'@'%'")]).await;
        let line = refused().await;
        assert!(line.contains(&format!("{verb} command denied to user 'poor'")), "{line}");
        assert!(!line.contains('\n') && !line.contains(password), "{line}");
    }
    // Not the schema's owner, and with all that a running platform needs.
    say(&mut connection, &[&format!("GRANT DELETE ON {name}.* TO 'poor'@'%'")]).await;
    Store::open(&poor, world.folder.path()).await.expect("open").ping().await.expect("answer");
    // The same user on an empty database: it may not make the tables.
    say(&mut connection, &[&format!("DROP DATABASE {name}"), &format!("CREATE DATABASE {name}")]).await;
    assert!(refused().await.contains("CREATE command denied to user 'poor'"));
    say(&mut connection, &[&format!("DROP DATABASE {name}")]).await;
    assert!(refused().await.contains("Access denied for user 'poor'"));
    say(&mut connection, &["DROP USER 'poor'@'%'"]).await;
    connection.close().await.expect("close");
}

#[tokio::test]
async fn a_server_that_does_not_prove_its_name_is_not_told_the_password() {
    if !is_there() {
        return;
    }
    let world = World::new(On::MySql).await;
    std::fs::write(world.folder.path().join("ca.pem"), "").expect("write");
    let config = Config { url: format!("{}?ssl-ca=ca.pem", world.config.url), ..world.config.clone() };
    let refused = Store::open(&config, world.folder.path()).await.map(|_| ());
    assert!(matches!(refused, Err(OpenError::Unreachable { .. })), "{refused:?}");
    let config = Config { url: format!("{}?ssl-ca=none.pem", world.config.url), ..config };
    let refused = Store::open(&config, world.folder.path()).await.map(|_| ());
    assert!(matches!(refused, Err(OpenError::File { .. })), "{refused:?}");
}

#[tokio::test]
async fn every_connection_is_strict_reads_what_is_committed_and_waits_two_seconds_for_a_lock() {
    if !is_there() {
        return;
    }
    let world = World::new(On::MySql).await;
    let sql = "SELECT @@sql_mode || ' ' || @@tx_isolation || ' ' || @@innodb_lock_wait_timeout || ' ' || @@time_zone \
               || ' ' || @@collation_connection || ' ' || @@idle_transaction_timeout AS text";
    let expected = "READ-COMMITTED 2 +00:00 utf8mb4_bin 5";
    let read = world.texts(sql).await;
    assert!(read[0].contains("STRICT_TRANS_TABLES") && read[0].ends_with(expected), "{read:?}");
    let row =
        world.store.database.write(move |session| Box::pin(async move { session.row(sql, []).await })).await;
    let written: String = column(&row.expect("ask").expect("an answer"), "text").expect("a text");
    assert_eq!(written, read[0]);
    let limit = "SELECT @@max_statement_time AS text";
    assert_eq!(world.column::<f64>(limit, "text").await, [3.0]);
    let slowly =
        world.store.database.read_slowly(|session| Box::pin(session.rows(limit, []))).await.expect("ask");
    assert_eq!(column::<f64>(&slowly[0], "text").expect("a number"), 0.0);
    assert_eq!(world.column::<f64>(limit, "text").await, [3.0]);
}

#[test]
fn a_server_that_would_lose_or_change_what_it_is_given_is_refused_in_one_line() {
    let config = Config { url: "mysql://u@db.example.org/d".into(), ..super::fixture::config() };
    let place = place(&config);
    let good = Variables {
        version: "10.11.14-MariaDB-0+deb12u2".into(),
        flush_at_commit: "1".into(),
        log_bin: "ON".into(),
        sync_binlog: "1".into(),
        sql_mode: "STRICT_TRANS_TABLES,PIPES_AS_CONCAT".into(),
        charset: "utf8mb4".into(),
        collation: "utf8mb4_bin".into(),
        read_only: "OFF".into(),
    };
    judge(&place, &good).expect("a good server");
    judge(&place, &Variables { log_bin: "OFF".into(), sync_binlog: "0".into(), ..good.clone() })
        .expect("no log");
    judge(&place, &Variables { version: "8.0.36".into(), ..good.clone() }).expect("MySQL 8");
    for (bad, name, value, right) in [
        (
            Variables { version: "10.5.9-MariaDB".into(), ..good.clone() },
            "version",
            "10.5.9-MariaDB",
            "MariaDB 10.6",
        ),
        (
            Variables { version: "8.0.15".into(), ..good.clone() },
            "version",
            "8.0.15",
            "MariaDB 10.6 or MySQL 8.0.16",
        ),
        (
            Variables { version: "5.7.44".into(), ..good.clone() },
            "version",
            "5.7.44",
            "MariaDB 10.6 or MySQL 8.0.16",
        ),
        (
            Variables { flush_at_commit: "2".into(), ..good.clone() },
            "innodb_flush_log_at_trx_commit",
            "2",
            "1",
        ),
        (Variables { sync_binlog: "0".into(), ..good.clone() }, "sync_binlog", "0", "1"),
        (Variables { sql_mode: "ANSI".into(), ..good.clone() }, "sql_mode", "ANSI", "STRICT_TRANS_TABLES"),
        (
            Variables { charset: "latin1".into(), ..good.clone() },
            "character_set_connection",
            "latin1",
            "utf8mb4",
        ),
        (Variables { collation: "x".into(), ..good.clone() }, "collation_connection", "x", "utf8mb4_bin"),
        (Variables { read_only: "1".into(), ..good }, "read_only", "1", "OFF"),
    ] {
        let line = judge(&place, &bad).expect_err(name).to_string();
        let start =
            format!("the database server at db.example.org:3306 has {name} = `{value}`; dytt needs {right}");
        assert!(line.starts_with(&start), "{line}");
    }
}

#[tokio::test]
async fn a_lock_somebody_holds_fails_its_victims_in_time_and_whole_and_nobody_else() {
    if !is_there() {
        return;
    }
    let world = World::new(On::MySql).await;
    let (author, fan) = (world.user("author").await, world.user("fan").await);
    let (held, free) = (world.video(author).await, world.video(fan).await);
    let before = world.dump().await;
    let mut holder = admin(&world.config).await;
    let name = name(&world.config);
    let lock = format!("SELECT * FROM {name}.video_stat WHERE video_id = {held} FOR UPDATE");
    say(&mut holder, &["START TRANSACTION", &lock]).await;
    let began = std::time::Instant::now();
    let victims = (0..4).map(|_| world.store.like_video(fan, held, NOW));
    let (victims, other) = tokio::join!(
        futures_util::future::join_all(victims),
        world.store.comments(free, Some(fan), Thread::All, Slice::NEWEST)
    );
    for victim in victims {
        assert!(matches!(victim, Err(Error::Unavailable(_))), "{victim:?}");
    }
    assert!(began.elapsed().as_millis() < 2500, "{:?}", began.elapsed());
    other.expect("a list");
    world.store.like_video(fan, free, NOW).await.expect("another video");
    world.store.unlike_video(fan, free).await.expect("another video");
    assert_eq!(world.dump().await, before);
    say(&mut holder, &["ROLLBACK"]).await;
    world.store.like_video(fan, held, NOW).await.expect("like");
    world.is_sound().await;
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_its_mutation_whole() {
    if !is_there() {
        return;
    }
    let world = World::new(On::MySql).await;
    for number in 0..10 {
        let name = user_name(&format!("gone {number}"));
        let began = world.store.create_user(name, "hash".into(), Entry::Open, NOW).now_or_never();
        assert!(began.is_none(), "answered before it could run");
    }
    // Closing waits for what runs.
    world.store.close().await;
    let again = world.second().await;
    for number in 0..10 {
        let name = format!("gone {number}");
        // Eight run at once; the others never had their turn.
        let found = again.login_row(&user_name(&name)).await.expect("look up").is_some();
        assert_eq!(found, number < 8, "{name}");
    }
    assert_eq!(again.check().await.expect("check"), []);
}

#[tokio::test]
async fn a_closed_store_takes_nothing_any_more() {
    if !is_there() {
        return;
    }
    let world = World::new(On::MySql).await;
    world.store.close().await;
    let late = world.store.create_user(user_name("late"), "hash".into(), Entry::Open, NOW).await;
    assert!(matches!(late, Err(Error::Overloaded)), "{late:?}");
    assert!(matches!(world.store.ping().await, Err(Error::Overloaded)));
    let again = world.second().await;
    assert_eq!(again.login_row(&user_name("late")).await.expect("look up"), None);
}
