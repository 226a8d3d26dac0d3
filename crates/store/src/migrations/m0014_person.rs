//! What people are: their pictures, and whether who wants to follow them has to ask.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_pk_auto, binary_len, string_len, string_len_null};

use super::m0001_first::{counter, create, index, owned, table, unique};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0014_person"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // As the first: a start that dies half way finds nothing done, or on MySQL statements that can be repeated.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in
            [string_len_null("avatar_key", 96), string_len_null("background_key", 96), counter("is_private")]
        {
            if !manager.has_column("user", column.get_column_name()).await? {
                manager.alter_table(Table::alter().table("user").add_column(column).take()).await?;
            }
        }
        create(manager, tables(), indices()).await
    }
}

fn tables() -> Vec<(&'static str, TableCreateStatement)> {
    vec![
        (
            "user_object",
            table("user_object")
                .col(big_pk_auto("id"))
                .col(string_len("object_key", 96).unique_key())
                .col(big_integer("user_id"))
                .col(string_len("role", 16))
                .col(big_integer("bytes"))
                .col(binary_len("sha256", 32))
                .foreign_key(&mut owned("user_object", "user_id", "user"))
                .take(),
        ),
        (
            "follow_request",
            table("follow_request")
                .col(big_pk_auto("id"))
                .col(big_integer("requester_id"))
                .col(big_integer("user_id"))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("follow_request", "requester_id", "user"))
                .foreign_key(&mut owned("follow_request", "user_id", "user"))
                .take(),
        ),
    ]
}

fn indices() -> Vec<(&'static str, IndexCreateStatement)> {
    vec![
        unique("user_object", &["user_id", "role"]),
        unique("follow_request", &["requester_id", "user_id"]),
        index("follow_request", &["user_id"]),
    ]
}
