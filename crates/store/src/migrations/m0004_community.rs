//! What people say to each other's comments, which of these they like, and what they report; what is hidden.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, big_pk_auto, string_len, string_len_null};
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

use super::m0001_first::{counter, create, index, owned, table, unique};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0004_community"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // As the first: a start that dies half way finds nothing done, or on MySQL statements that can be repeated.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let is_mysql = manager.get_database_backend() == DbBackend::MySql;
        if !manager.has_column("comment", "parent_id").await? {
            // The column and what it refers to at once: neither is ever there without the other.
            let refers = "REFERENCES comment (id) ON DELETE CASCADE";
            let sql = match is_mysql {
                true => format!(
                    "ALTER TABLE comment ADD COLUMN parent_id BIGINT NULL, \
                     ADD INDEX ix_comment_parent_id (parent_id), \
                     ADD CONSTRAINT fk_comment_parent_id FOREIGN KEY (parent_id) {refers}"
                ),
                false => format!("ALTER TABLE comment ADD COLUMN parent_id BIGINT NULL {refers}"),
            };
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        for column in [counter("reply_count"), counter("like_count")] {
            if !manager.has_column("comment", column.get_column_name()).await? {
                manager.alter_table(Table::alter().table("comment").add_column(column).take()).await?;
            }
        }
        for (name, columns) in [
            ("ix_comment_parent_id", &["parent_id"][..]),
            ("ix_comment_video_id_parent_id", &["video_id", "parent_id"]),
        ] {
            if !manager.has_index("comment", name).await? {
                manager.create_index(index("comment", columns).1).await?;
            }
        }
        // While it is hidden: what its author chose.
        let chosen = string_len_null("chosen_visibility", 16);
        if !manager.has_column("video", chosen.get_column_name()).await? {
            manager.alter_table(Table::alter().table("video").add_column(chosen).take()).await?;
        }
        create(manager, tables(), indices()).await
    }
}

fn tables() -> Vec<(&'static str, TableCreateStatement)> {
    vec![
        (
            "comment_like",
            table("comment_like")
                .col(big_pk_auto("id"))
                .col(big_integer("user_id"))
                .col(big_integer("comment_id"))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("comment_like", "user_id", "user"))
                .foreign_key(&mut owned("comment_like", "comment_id", "comment"))
                .take(),
        ),
        (
            "report",
            table("report")
                .col(big_pk_auto("id"))
                .col(big_integer("reporter_id"))
                // One of these three.
                .col(big_integer_null("video_id"))
                .col(big_integer_null("comment_id"))
                .col(big_integer_null("person_id"))
                .col(string_len("reason", 16))
                .col(string_len("detail", 255))
                .col(string_len("verdict", 16))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("report", "reporter_id", "user"))
                .foreign_key(&mut owned("report", "video_id", "video"))
                .foreign_key(&mut owned("report", "comment_id", "comment"))
                .foreign_key(&mut owned("report", "person_id", "user"))
                .take(),
        ),
    ]
}

fn indices() -> Vec<(&'static str, IndexCreateStatement)> {
    vec![
        unique("comment_like", &["user_id", "comment_id"]),
        index("comment_like", &["comment_id"]),
        index("report", &["reporter_id"]),
        unique("report", &["video_id", "reporter_id"]),
        unique("report", &["comment_id", "reporter_id"]),
        unique("report", &["person_id", "reporter_id"]),
        index("report", &["verdict"]),
    ]
}
