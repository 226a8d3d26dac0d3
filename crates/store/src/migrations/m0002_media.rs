//! What a video is made of, who may see it and what became of it; uploads that come in parts; who administrates.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, big_pk_auto, binary_len, string_len, string_len_null, var_binary_null,
};
use sea_orm_migration::sea_orm::DbBackend;

use super::m0001_first::{counter, create, index, owned, table, unique};

/// Adds columns and tables.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_media"
    }
}

/// What every object, video and job had before there was anything else.
const MEANINGS: [&str; 4] = [
    "UPDATE video_object SET role = 'cover' WHERE object_key IN (SELECT cover_key FROM video)",
    "UPDATE video_object SET role = '720p' WHERE object_key IN (SELECT play_key FROM video)",
    "UPDATE video_object SET role = 'source' WHERE role = ''",
    "UPDATE feed_state SET revision = revision + 1",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // As the first: a start that dies half way finds nothing done, or on MySQL statements that can be repeated.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (of, column) in columns() {
            if !manager.has_column(of, column.get_column_name()).await? {
                manager.alter_table(Table::alter().table(of).add_column(column).take()).await?;
            }
        }
        if manager.has_column("job", "source_key").await? {
            manager.alter_table(Table::alter().table("job").drop_column("source_key").take()).await?;
        }
        let is_mysql = manager.get_database_backend() == DbBackend::MySql;
        create(manager, tables(), indices()).await?;
        let connection = manager.get_connection();
        let first = if is_mysql { "INSERT IGNORE" } else { "INSERT OR IGNORE" };
        connection
            .execute_unprepared(&format!("{first} INTO feed_state (id, revision) VALUES (1, 0)"))
            .await?;
        for sql in MEANINGS {
            connection.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}

fn columns() -> Vec<(&'static str, ColumnDef)> {
    vec![
        ("user", string_len_null("role", 16)),
        ("video", string_len("visibility", 16).default("public").take()),
        // While it is hidden: when it was published.
        ("video", big_integer_null("withheld_at")),
        ("video", counter("duration_ms")),
        ("video", var_binary_null("thumbhash", 32)),
        ("video_object", string_len("role", 48).default("").take()),
        ("video_object", counter("width")),
        ("video_object", counter("height")),
        ("video_object", counter("bits_per_second")),
        ("video_object", string_len_null("format", 64)),
        ("job", string_len("kind", 16).default("transcode").take()),
        // In thousandths.
        ("job", counter("progress")),
    ]
}

fn tables() -> Vec<(&'static str, TableCreateStatement)> {
    vec![
        // One row.
        (
            "feed_state",
            table("feed_state").col(big_integer("id").primary_key()).col(counter("revision")).take(),
        ),
        (
            "video_event",
            table("video_event")
                .col(big_pk_auto("id"))
                .col(big_integer("video_id"))
                .col(string_len("name", 32))
                .col(string_len_null("detail", 500))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("video_event", "video_id", "video"))
                .take(),
        ),
        (
            "upload",
            table("upload")
                .col(big_pk_auto("id"))
                .col(string_len("name", 32).unique_key())
                .col(big_integer("user_id"))
                .col(counter("bytes"))
                .col(counter("received"))
                .col(big_integer("expires_at"))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("upload", "user_id", "user"))
                .take(),
        ),
        (
            "upload_part",
            table("upload_part")
                .col(big_pk_auto("id"))
                .col(big_integer("upload_id"))
                .col(counter("start"))
                .col(string_len("object_key", 96).unique_key())
                .col(counter("bytes"))
                .col(binary_len("sha256", 32))
                .foreign_key(&mut owned("upload_part", "upload_id", "upload"))
                .take(),
        ),
    ]
}

fn indices() -> Vec<(&'static str, IndexCreateStatement)> {
    vec![
        index("video_event", &["video_id"]),
        index("upload", &["user_id"]),
        index("upload", &["expires_at"]),
        unique("upload_part", &["upload_id", "start"]),
    ]
}
