//! Who is called when something happens, how far each kind of event was told of, and what is to be told or was.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, big_pk_auto, binary_len, string_len, string_len_null,
};

use super::m0001_first::{counter, create, index, owned, table, unique};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0015_webhook"
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
            "webhook",
            table("webhook")
                .col(big_pk_auto("id"))
                .col(string_len("url", 500))
                .col(binary_len("secret", 32))
                .col(big_integer("created_at"))
                // Since when nothing has arrived.
                .col(big_integer_null("failing_since"))
                .col(big_integer_null("disabled_at"))
                .take(),
        ),
        (
            "webhook_event",
            table("webhook_event")
                .col(big_pk_auto("id"))
                .col(big_integer("webhook_id"))
                .col(string_len("event", 32))
                // The place of the latest that was told of.
                .col(big_integer("told"))
                .foreign_key(&mut owned("webhook_event", "webhook_id", "webhook"))
                .take(),
        ),
        (
            "delivery",
            table("delivery")
                .col(big_pk_auto("id"))
                .col(big_integer("webhook_id"))
                .col(string_len("event", 32))
                .col(string_len("payload", 4000))
                .col(string_len("state", 16))
                .col(counter("attempts"))
                .col(big_integer("due_at"))
                .col(string_len_null("outcome", 200))
                .col(big_integer("created_at"))
                .foreign_key(&mut owned("delivery", "webhook_id", "webhook"))
                .take(),
        ),
    ]
}

fn indices() -> Vec<(&'static str, IndexCreateStatement)> {
    vec![
        unique("webhook_event", &["webhook_id", "event"]),
        index("delivery", &["webhook_id"]),
        index("delivery", &["state", "due_at"]),
        index("delivery", &["webhook_id", "state", "due_at"]),
        index("delivery", &["created_at"]),
    ]
}
