//! A second factor at login: a secret that a person's device shares, and codes for who has lost the device.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_pk_auto, binary_len, binary_len_null};

use super::m0001_first::{counter, create, index, owned, table};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0016_two_factor"
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
            binary_len_null("totp_secret", 20),
            // Whether it is asked for: the secret is there before, until a first code proves that the device has it.
            counter("has_totp"),
            // The last one that was used: each is good once.
            counter("totp_step"),
        ] {
            if !manager.has_column("user", column.get_column_name()).await? {
                manager.alter_table(Table::alter().table("user").add_column(column).take()).await?;
            }
        }
        let codes = table("recovery_code")
            .col(big_pk_auto("id"))
            .col(big_integer("user_id"))
            .col(binary_len("sha256", 32))
            .foreign_key(&mut owned("recovery_code", "user_id", "user"))
            .take();
        create(manager, vec![("recovery_code", codes)], vec![index("recovery_code", &["user_id"])]).await
    }
}
