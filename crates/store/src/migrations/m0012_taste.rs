//! What somebody is shown next is made of: what they were shown and why, what they watched last and what they wanted no
//! more of.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_pk_auto, string_len};

use super::m0001_first::{counter, create, index, owned, table, unique};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0012_taste"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // As the first: a start that dies half way finds nothing done, or on MySQL statements that can be repeated.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, name) in [
            // What was done before says nothing any more.
            ("user", "taste_since"),
            // Whether the viewer wants no such video.
            ("video_view", "is_unwanted"),
        ] {
            if !manager.has_column(table, name).await? {
                let column = counter(name);
                manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
            }
        }
        let (_, watched) = index("video_view", &["user_id", "seen_at"]);
        if !manager.has_index("video_view", "ix_video_view_user_id_seen_at").await? {
            manager.create_index(watched).await?;
        }
        create(manager, tables(), indices()).await
    }
}

fn tables() -> Vec<(&'static str, TableCreateStatement)> {
    vec![(
        "impression",
        table("impression")
            .col(big_pk_auto("id"))
            .col(big_integer("user_id"))
            .col(big_integer("video_id"))
            .col(string_len("why", 16))
            .col(big_integer("shown_at"))
            .foreign_key(&mut owned("impression", "user_id", "user"))
            .foreign_key(&mut owned("impression", "video_id", "video"))
            .take(),
    )]
}

fn indices() -> Vec<(&'static str, IndexCreateStatement)> {
    vec![
        unique("impression", &["user_id", "video_id"]),
        index("impression", &["video_id"]),
        index("impression", &["shown_at"]),
    ]
}
