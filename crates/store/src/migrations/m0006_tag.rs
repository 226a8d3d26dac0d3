//! What videos are found by: the tags of their titles.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_pk_auto, string_len};

use super::m0001_first::{create, index, owned, table, unique};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0006_tag"
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
            "tag",
            table("tag")
                .col(big_pk_auto("id"))
                .col(string_len("name_key", 128).unique_key())
                // As it was typed first.
                .col(string_len("name", 32))
                .take(),
        ),
        (
            "video_tag",
            table("video_tag")
                .col(big_pk_auto("id"))
                .col(big_integer("tag_id"))
                .col(big_integer("video_id"))
                .foreign_key(&mut owned("video_tag", "tag_id", "tag"))
                .foreign_key(&mut owned("video_tag", "video_id", "video"))
                .take(),
        ),
    ]
}

fn indices() -> Vec<(&'static str, IndexCreateStatement)> {
    vec![unique("video_tag", &["tag_id", "video_id"]), index("video_tag", &["video_id"])]
}
