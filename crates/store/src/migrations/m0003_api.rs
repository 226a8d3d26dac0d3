//! What the modern API adds: sessions, answers for who asks again, bookmarks; whether an
//! account may be used, invitations, and what administrators did.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, big_pk_auto, binary_len, blob_null, string_len, string_len_null,
};

use super::m0001_first::{counter, create, index, owned, table, unique};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0003_api"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // As the first: a start that dies half way finds nothing done, or on MySQL statements that can be repeated.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            string_len("standing", 16).default("active").take(),
            string_len("display_name", 64).default("").take(),
            string_len("signature", 255).default("").take(),
        ] {
            if !manager.has_column("user", column.get_column_name()).await? {
                manager.alter_table(Table::alter().table("user").add_column(column).take()).await?;
            }
        }
        if !manager.has_index("user", "ix_user_standing").await? {
            manager.create_index(index("user", &["standing"]).1).await?;
        }
        create(manager, tables(), indices()).await
    }
}

fn tables() -> Vec<(&'static str, TableCreateStatement)> {
    vec![
        (
            "session",
            table("session")
                .col(big_pk_auto("id"))
                .col(big_integer("user_id"))
                .col(string_len("device", 120))
                .col(counter("generation"))
                .col(big_integer("created_at"))
                .col(big_integer("renewed_at"))
                .col(big_integer("expires_at"))
                .col(big_integer_null("ended_at"))
                .foreign_key(&mut owned("session", "user_id", "user"))
                .take(),
        ),
        (
            "answer",
            table("answer")
                .col(big_pk_auto("id"))
                .col(big_integer("user_id"))
                .col(string_len("name", 64))
                .col(binary_len("fingerprint", 32))
                // 0 until it is known.
                .col(counter("status"))
                .col(string_len_null("kind", 80))
                .col(string_len_null("location", 200))
                .col(blob_null("body"))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("answer", "user_id", "user"))
                .take(),
        ),
        (
            "bookmark",
            table("bookmark")
                .col(big_pk_auto("id"))
                .col(big_integer("user_id"))
                .col(big_integer("video_id"))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("bookmark", "user_id", "user"))
                .foreign_key(&mut owned("bookmark", "video_id", "video"))
                .take(),
        ),
        (
            "invitation",
            table("invitation")
                .col(big_pk_auto("id"))
                .col(string_len("code", 32).unique_key())
                .col(counter("uses_left"))
                .col(big_integer("expires_at"))
                .col(big_integer("created_at"))
                .take(),
        ),
        (
            "audit",
            table("audit")
                .col(big_pk_auto("id"))
                // The administrator.
                .col(big_integer("user_id"))
                .col(string_len("action", 32))
                .col(string_len("subject", 64))
                .col(string_len_null("detail", 255))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("audit", "user_id", "user"))
                .take(),
        ),
    ]
}

fn indices() -> Vec<(&'static str, IndexCreateStatement)> {
    vec![
        index("session", &["user_id"]),
        index("session", &["ended_at"]),
        unique("answer", &["user_id", "name"]),
        index("answer", &["user_id", "created_at"]),
        index("bookmark", &["user_id"]),
        unique("bookmark", &["user_id", "video_id"]),
        index("bookmark", &["video_id"]),
        index("invitation", &["expires_at"]),
        index("audit", &["user_id"]),
    ]
}
