//! Links by which a video is seen for a while, whoever may see it otherwise; and whether a viewer has passed it on.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_pk_auto, binary_len};

use super::m0001_first::{counter, create, index, owned, table};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0018_share"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // As the first: a start that dies half way finds nothing done, or on MySQL statements that can be repeated.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !manager.has_column("video_view", "is_passed_on").await? {
            let column = counter("is_passed_on");
            manager.alter_table(Table::alter().table("video_view").add_column(column).take()).await?;
        }
        let share = table("share")
            .col(big_pk_auto("id"))
            .col(big_integer("video_id"))
            // Of the word in the link, which is told once.
            .col(binary_len("sha256", 32).unique_key())
            .col(big_integer("created_at"))
            .col(big_integer("expires_at"))
            .foreign_key(&mut owned("share", "video_id", "video"))
            .take();
        let indices = vec![index("share", &["video_id"]), index("share", &["expires_at"])];
        create(manager, vec![("share", share)], indices).await
    }
}
