//! What people are told of: one row for each occasion, which is told anew when more of the same happens.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, big_pk_auto, string_len};

use super::m0001_first::{counter, create, index, owned, table, unique};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0009_notification"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // As the first: a start that dies half way finds nothing done, or on MySQL statements that can be repeated.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !manager.has_column("user", "notified_at").await? {
            // What this person was told until then they have seen.
            let column = counter("notified_at");
            manager.alter_table(Table::alter().table("user").add_column(column).take()).await?;
        }
        create(manager, tables(), indices()).await
    }
}

fn tables() -> Vec<(&'static str, TableCreateStatement)> {
    vec![(
        "notification",
        table("notification")
            .col(big_pk_auto("id"))
            .col(big_integer("user_id"))
            // The occasion and what it is about: more of the same is no other row.
            .col(string_len("about", 64))
            .col(string_len("occasion", 24))
            // Who did it last.
            .col(big_integer_null("actor_id"))
            .col(big_integer_null("video_id"))
            .col(big_integer_null("comment_id"))
            .col(big_integer("told_at"))
            .foreign_key(&mut owned("notification", "user_id", "user"))
            .foreign_key(&mut owned("notification", "actor_id", "user"))
            .foreign_key(&mut owned("notification", "video_id", "video"))
            .foreign_key(&mut owned("notification", "comment_id", "comment"))
            .take(),
    )]
}

fn indices() -> Vec<(&'static str, IndexCreateStatement)> {
    vec![
        unique("notification", &["user_id", "about"]),
        index("notification", &["user_id", "told_at"]),
        index("notification", &["actor_id"]),
        index("notification", &["video_id"]),
        index("notification", &["comment_id"]),
        index("notification", &["told_at"]),
    ]
}
