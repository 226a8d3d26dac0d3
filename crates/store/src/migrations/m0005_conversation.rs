//! Whom people write with, where each conversation stands, and how far each of the two has read it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_pk_auto};
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

use super::m0001_first::{counter, create, index, owned, table, unique};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0005_conversation"
    }
}

/// What was written before has been read.
const BEFORE: &str = "INTO conversation (user_id, peer_id, message_id, read_at, has_written) \
                      SELECT user_id, peer_id, MAX(id), MAX(created_at), MAX(has_written) FROM \
                      (SELECT sender_id AS user_id, receiver_id AS peer_id, id, created_at, 1 AS has_written FROM message \
                      UNION ALL SELECT receiver_id, sender_id, id, created_at, 0 FROM message) written \
                      GROUP BY user_id, peer_id";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // As the first: a start that dies half way finds nothing done, or on MySQL statements that can be repeated.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, tables(), indices()).await?;
        let is_mysql = manager.get_database_backend() == DbBackend::MySql;
        let insert = if is_mysql { "INSERT IGNORE" } else { "INSERT OR IGNORE" };
        manager.get_connection().execute_unprepared(&format!("{insert} {BEFORE}")).await?;
        Ok(())
    }
}

fn tables() -> Vec<(&'static str, TableCreateStatement)> {
    vec![(
        "conversation",
        table("conversation")
            .col(big_pk_auto("id"))
            .col(big_integer("user_id"))
            .col(big_integer("peer_id"))
            // The latest.
            .col(big_integer("message_id"))
            // When the latest message was sent that this user has read.
            .col(counter("read_at"))
            // Whether this user has: until then, and unless they follow the peer, it is a request.
            .col(counter("has_written"))
            .foreign_key(&mut owned("conversation", "user_id", "user"))
            .foreign_key(&mut owned("conversation", "peer_id", "user"))
            .foreign_key(&mut owned("conversation", "message_id", "message"))
            .take(),
    )]
}

fn indices() -> Vec<(&'static str, IndexCreateStatement)> {
    vec![
        unique("conversation", &["user_id", "peer_id"]),
        index("conversation", &["user_id", "message_id"]),
        index("conversation", &["peer_id"]),
        index("conversation", &["message_id"]),
    ]
}
