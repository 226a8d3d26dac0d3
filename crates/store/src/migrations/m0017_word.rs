//! Words a site does not want to read, and comments that wait for somebody to let them through.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, big_pk_auto, string_len};

use super::m0001_first::{create, index, owned, table};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0017_word"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // As the first: a start that dies half way finds nothing done, or on MySQL statements that can be repeated.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, tables(), indices()).await
    }
}

fn tables() -> Vec<(&'static str, TableCreateStatement)> {
    vec![
        (
            "word_rule",
            table("word_rule")
                .col(big_pk_auto("id"))
                .col(string_len("word", 64))
                .col(string_len("word_key", 256).unique_key())
                .col(string_len("action", 8))
                .col(big_integer("created_at"))
                .take(),
        ),
        (
            "held_comment",
            table("held_comment")
                .col(big_pk_auto("id"))
                // Who published the video.
                .col(big_integer("owner_id"))
                .col(big_integer("video_id"))
                .col(big_integer("author_id"))
                .col(big_integer_null("parent_id"))
                .col(string_len("content", 255))
                .col(string_len("word_key", 256))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("held_comment", "owner_id", "user"))
                .foreign_key(&mut owned("held_comment", "video_id", "video"))
                .foreign_key(&mut owned("held_comment", "author_id", "user"))
                .foreign_key(&mut owned("held_comment", "parent_id", "comment"))
                .take(),
        ),
    ]
}

fn indices() -> Vec<(&'static str, IndexCreateStatement)> {
    ["owner_id", "video_id", "author_id", "parent_id", "created_at"]
        .map(|column| index("held_comment", &[column]))
        .into()
}
