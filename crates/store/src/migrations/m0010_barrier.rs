//! Who wants nothing of whom: blocks, which hold for both, and mutes.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_pk_auto, string_len};

use super::m0001_first::{create, index, owned, table, unique};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0010_barrier"
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
    vec![(
        "barrier",
        table("barrier")
            .col(big_pk_auto("id"))
            .col(big_integer("user_id"))
            .col(big_integer("other_id"))
            // `mutes`; or `blocks`, which is there together with the other's `blocked`.
            .col(string_len("kind", 8))
            .col(big_integer("created_at"))
            .foreign_key(&mut owned("barrier", "user_id", "user"))
            .foreign_key(&mut owned("barrier", "other_id", "user"))
            .take(),
    )]
}

fn indices() -> Vec<(&'static str, IndexCreateStatement)> {
    vec![
        unique("barrier", &["user_id", "other_id", "kind"]),
        index("barrier", &["user_id", "kind"]),
        index("barrier", &["other_id"]),
    ]
}
