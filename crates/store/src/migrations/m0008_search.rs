//! What people and videos are found by: their words, and an index of them that each database has in its own way.

use domain::words;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::big_integer;
use sea_orm_migration::sea_orm::{DbBackend, Statement};

use super::m0001_first::{create, owned, table};

pub(super) struct Migration;

/// Rows whose words are made at once.
const BATCH: usize = 500;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0008_search"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // As the first: a start that dies half way finds nothing done, or on MySQL statements that can be repeated.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, tables(), indices(manager)).await?;
        if manager.get_database_backend() == DbBackend::Sqlite {
            for (of, key) in [("video", "video_id"), ("user", "user_id")] {
                manager.get_connection().execute_unprepared(&fts(of, key)).await?;
            }
        }
        find(manager, "video", "video_id", "title").await?;
        // What there is of display names is of the days since they are there.
        find(manager, "user", "user_id", "name || ' ' || display_name").await
    }
}

fn tables() -> Vec<(&'static str, TableCreateStatement)> {
    let text = |name, key, of| {
        let words = ColumnDef::new("words").text().not_null().take();
        let mut rows = table(name).col(big_integer(key).primary_key()).col(words).take();
        let mut of = owned(name, key, of);
        (name, rows.foreign_key(&mut of).take())
    };
    vec![text("video_text", "video_id", "video"), text("user_text", "user_id", "user")]
}

/// InnoDB's; SQLite has tables of their own for that.
fn indices(manager: &SchemaManager<'_>) -> Vec<(&'static str, IndexCreateStatement)> {
    let full_text = |table: &'static str| {
        let index =
            Index::create().name(format!("ft_{table}_words")).table(table).col("words").full_text().take();
        (table, index)
    };
    if manager.get_database_backend() == DbBackend::Sqlite {
        return Vec::new();
    }
    vec![full_text("video_text"), full_text("user_text")]
}

/// An FTS5 table that keeps no second copy of the words, and what keeps it in line, whoever deletes a row. Without places
/// and lengths in it: all words have to be there, and the rank is made of other things.
fn fts(of: &str, key: &str) -> String {
    let add = format!("INSERT INTO {of}_text_fts (rowid, words) VALUES (new.{key}, new.words);");
    let take = format!(
        "INSERT INTO {of}_text_fts ({of}_text_fts, rowid, words) VALUES ('delete', old.{key}, old.words);"
    );
    format!(
        "CREATE VIRTUAL TABLE {of}_text_fts USING fts5 \
         (words, content='{of}_text', content_rowid='{key}', detail=none, columnsize=0, prefix='4 5 7'); \
         CREATE TRIGGER {of}_text_added AFTER INSERT ON {of}_text BEGIN {add} END; \
         CREATE TRIGGER {of}_text_taken AFTER DELETE ON {of}_text BEGIN {take} END; \
         CREATE TRIGGER {of}_text_changed AFTER UPDATE ON {of}_text BEGIN {take} {add} END;"
    )
}

/// Makes the words of what is there already.
async fn find(manager: &SchemaManager<'_>, of: &str, key: &str, text: &str) -> Result<(), DbErr> {
    let (connection, backend) = (manager.get_connection(), manager.get_database_backend());
    let text = match backend == DbBackend::Sqlite {
        true => text.to_owned(),
        false => format!("CONCAT({})", text.replace("||", ",")),
    };
    let sql = format!(
        "SELECT o.id, {text} AS text FROM {of} o LEFT JOIN {of}_text t ON t.{key} = o.id \
         WHERE o.id > ? AND t.{key} IS NULL ORDER BY o.id LIMIT {BATCH}"
    );
    let mut after = 0_i64;
    loop {
        let rows =
            connection.query_all_raw(Statement::from_sql_and_values(backend, &sql, [after.into()])).await?;
        let mut values = Vec::<Value>::with_capacity(rows.len() * 2);
        for row in &rows {
            after = row.try_get("", "id")?;
            values.extend([after.into(), words(&row.try_get::<String>("", "text")?).into()]);
        }
        if rows.is_empty() {
            return Ok(());
        }
        let holes = vec!["(?, ?)"; rows.len()].join(", ");
        let sql = format!("INSERT INTO {of}_text ({key}, words) VALUES {holes}");
        connection.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    }
}
