//! The first schema: people, videos, what they do to each other, and the jobs that wait.
//! Times are UTC milliseconds. Counters stand in rows of their own, so that a like locks its video only
//! for reading.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, big_pk_auto, binary_len, string_len, string_len_null,
};
use sea_orm_migration::sea_orm::DbBackend;

/// Creates everything.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_first"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // All or nothing where the database can (SQLite); a start that dies half way finds nothing done. MySQL
    // commits each statement, so there each makes a table whole and can be repeated.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, tables(), indices()).await
    }
}

/// Creates what does not exist: on MySQL a table with its indices, so that each statement makes something whole.
pub(super) async fn create(
    manager: &SchemaManager<'_>,
    tables: Vec<(&'static str, TableCreateStatement)>,
    indices: Vec<(&'static str, IndexCreateStatement)>,
) -> Result<(), DbErr> {
    let is_mysql = manager.get_database_backend() == DbBackend::MySql;
    for (name, mut table) in tables {
        if is_mysql {
            table.if_not_exists().engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin");
            for (_, index) in indices.iter().filter(|(of, _)| *of == name) {
                table.index(&mut index.clone());
            }
        }
        manager.create_table(table).await?;
    }
    if !is_mysql {
        for (_, index) in indices {
            manager.create_index(index).await?;
        }
    }
    Ok(())
}

fn tables() -> Vec<(&'static str, TableCreateStatement)> {
    vec![
        (
            "user",
            table("user")
                .col(big_pk_auto("id"))
                .col(string_len("name", 64))
                .col(string_len("name_key", 256).unique_key())
                .col(string_len("password_hash", 160))
                .col(big_integer("token_epoch").default(0))
                .col(big_integer("revoked_at").default(0))
                .col(big_integer("created_at"))
                .take(),
        ),
        (
            "user_stat",
            table("user_stat")
                .col(big_integer("user_id").primary_key())
                .col(counter("follow_count"))
                .col(counter("follower_count"))
                .col(counter("work_count"))
                .col(counter("liked_count"))
                .col(counter("received_like_count"))
                .foreign_key(&mut owned("user_stat", "user_id", "user"))
                .take(),
        ),
        (
            "video",
            table("video")
                .col(big_pk_auto("id"))
                .col(big_integer("author_id"))
                .col(string_len("title", 255))
                .col(string_len("state", 16))
                .col(string_len("play_key", 96))
                .col(string_len_null("cover_key", 96))
                .col(big_integer_null("published_at").unique_key())
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("video", "author_id", "user"))
                .take(),
        ),
        (
            "video_stat",
            table("video_stat")
                .col(big_integer("video_id").primary_key())
                .col(counter("like_count"))
                .col(counter("comment_count"))
                .foreign_key(&mut owned("video_stat", "video_id", "video"))
                .take(),
        ),
        (
            "video_object",
            table("video_object")
                .col(string_len("object_key", 96).primary_key())
                .col(big_integer("video_id"))
                .col(big_integer("bytes"))
                .col(binary_len("sha256", 32))
                .foreign_key(&mut owned("video_object", "video_id", "video"))
                .take(),
        ),
        (
            "video_like",
            table("video_like")
                .col(big_pk_auto("id"))
                .col(big_integer("user_id"))
                .col(big_integer("video_id"))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("video_like", "user_id", "user"))
                .foreign_key(&mut owned("video_like", "video_id", "video"))
                .take(),
        ),
        (
            "comment",
            table("comment")
                .col(big_pk_auto("id"))
                .col(big_integer("video_id"))
                .col(big_integer("author_id"))
                .col(string_len("content", 255))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("comment", "video_id", "video"))
                .foreign_key(&mut owned("comment", "author_id", "user"))
                .take(),
        ),
        (
            "follow",
            table("follow")
                .col(big_pk_auto("id"))
                .col(big_integer("follower_id"))
                .col(big_integer("followee_id"))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("follow", "follower_id", "user"))
                .foreign_key(&mut owned("follow", "followee_id", "user"))
                .take(),
        ),
        (
            "message",
            table("message")
                .col(big_pk_auto("id"))
                .col(big_integer("sender_id"))
                .col(big_integer("receiver_id"))
                .col(string_len("content", 255))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("message", "sender_id", "user"))
                .foreign_key(&mut owned("message", "receiver_id", "user"))
                .take(),
        ),
        (
            "job",
            table("job")
                .col(big_pk_auto("id"))
                .col(big_integer("video_id"))
                .col(string_len("source_key", 96))
                .col(string_len("state", 16))
                .col(counter("attempts"))
                .col(counter("fence"))
                .col(big_integer("due_at"))
                .col(string_len_null("error", 500))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("job", "video_id", "video"))
                .take(),
        ),
    ]
}

/// Each relation is led by an index; where a list is read in order, the order is the index's.
fn indices() -> Vec<(&'static str, IndexCreateStatement)> {
    vec![
        index("user", &["revoked_at"]),
        index("video", &["author_id"]),
        index("video_object", &["video_id"]),
        index("video_like", &["user_id"]),
        unique("video_like", &["user_id", "video_id"]),
        index("video_like", &["video_id"]),
        index("comment", &["video_id"]),
        index("comment", &["author_id"]),
        index("follow", &["follower_id"]),
        unique("follow", &["follower_id", "followee_id"]),
        index("follow", &["followee_id"]),
        index("message", &["sender_id", "receiver_id", "created_at"]),
        index("message", &["receiver_id", "created_at"]),
        index("job", &["video_id"]),
        index("job", &["state", "due_at"]),
    ]
}

pub(super) fn table(name: &'static str) -> TableCreateStatement {
    Table::create().table(name).take()
}

/// Zero at first, and never below.
pub(super) fn counter(name: &'static str) -> ColumnDef {
    big_integer(name).default(0).check(Expr::col(name).gte(0)).take()
}

/// The row goes when the one it names goes.
pub(super) fn owned(
    table: &'static str,
    column: &'static str,
    parent: &'static str,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk_{table}_{column}"))
        .from(table, column)
        .to(parent, "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}

pub(super) fn index(table: &'static str, columns: &[&'static str]) -> (&'static str, IndexCreateStatement) {
    let mut index = Index::create().name(format!("ix_{table}_{}", columns.join("_"))).table(table).take();
    for column in columns {
        index.col(*column);
    }
    (table, index)
}

pub(super) fn unique(table: &'static str, columns: &[&'static str]) -> (&'static str, IndexCreateStatement) {
    let (table, mut index) = index(table, columns);
    (table, index.unique().take())
}
