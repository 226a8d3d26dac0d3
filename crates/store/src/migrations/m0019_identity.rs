//! By whom else a person is known: an identity provider's word for them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_pk_auto, string_len, var_binary};

use super::m0001_first::{create, index, owned, table, unique};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0019_identity"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // As the first: a start that dies half way finds nothing done, or on MySQL a statement that can be repeated.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let identity = table("identity")
            .col(big_pk_auto("id"))
            .col(big_integer("user_id"))
            .col(string_len("issuer", 255))
            // To the letter: a text is compared without the blanks it ends with.
            .col(var_binary("subject", 255))
            .col(big_integer("created_at"))
            .foreign_key(&mut owned("identity", "user_id", "user"))
            .take();
        let indices = vec![unique("identity", &["issuer", "subject"]), index("identity", &["user_id"])];
        create(manager, vec![("identity", identity)], indices).await
    }
}
