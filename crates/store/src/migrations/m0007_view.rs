//! Who watched what, and for how long.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_pk_auto};

use super::m0001_first::{counter, create, index, owned, table, unique};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0007_view"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // As the first: a start that dies half way finds nothing done, or on MySQL statements that can be repeated.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !manager.has_column("video_stat", "view_count").await? {
            let column = counter("view_count");
            manager.alter_table(Table::alter().table("video_stat").add_column(column).take()).await?;
        }
        create(manager, tables(), indices()).await
    }
}

fn tables() -> Vec<(&'static str, TableCreateStatement)> {
    vec![(
        "video_view",
        table("video_view")
            .col(big_pk_auto("id"))
            .col(big_integer("user_id"))
            .col(big_integer("video_id"))
            // The longest.
            .col(counter("watched_ms"))
            // Whether that was long enough to be counted.
            .col(counter("is_counted"))
            .col(big_integer("seen_at"))
            .foreign_key(&mut owned("video_view", "user_id", "user"))
            .foreign_key(&mut owned("video_view", "video_id", "video"))
            .take(),
    )]
}

fn indices() -> Vec<(&'static str, IndexCreateStatement)> {
    vec![unique("video_view", &["user_id", "video_id"]), index("video_view", &["video_id"])]
}
