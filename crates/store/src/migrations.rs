//! The schema's history, forward only. A migration that has landed never changes; the next one does.

mod m0001_first;
mod m0002_media;
mod m0003_api;
mod m0004_community;
mod m0005_conversation;
mod m0006_tag;
mod m0007_view;
mod m0008_search;
mod m0009_notification;
mod m0010_barrier;
mod m0012_taste;
mod m0014_person;
mod m0015_webhook;
mod m0016_two_factor;
mod m0017_word;
mod m0018_share;
mod m0019_identity;

use sea_orm_migration::{Migration, MigrationStatus, MigrationTrait, MigratorTrait};

/// Every table with its key, after those that its rows refer to.
pub(crate) const TABLES: [(&str, &str); 40] = [
    ("user", "id"),
    ("user_stat", "user_id"),
    ("video", "id"),
    ("video_stat", "video_id"),
    ("video_object", "object_key"),
    ("video_like", "id"),
    ("comment", "id"),
    ("follow", "id"),
    ("message", "id"),
    ("job", "id"),
    ("feed_state", "id"),
    ("video_event", "id"),
    ("upload", "id"),
    ("upload_part", "id"),
    ("session", "id"),
    ("answer", "id"),
    ("bookmark", "id"),
    ("invitation", "id"),
    ("audit", "id"),
    ("comment_like", "id"),
    ("report", "id"),
    ("conversation", "id"),
    ("tag", "id"),
    ("video_tag", "id"),
    ("video_view", "id"),
    ("video_text", "video_id"),
    ("user_text", "user_id"),
    ("notification", "id"),
    ("barrier", "id"),
    ("impression", "id"),
    ("user_object", "id"),
    ("follow_request", "id"),
    ("webhook", "id"),
    ("webhook_event", "id"),
    ("delivery", "id"),
    ("recovery_code", "id"),
    ("word_rule", "id"),
    ("held_comment", "id"),
    ("share", "id"),
    ("identity", "id"),
];

/// All migrations, oldest first.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_first::Migration),
            Box::new(m0002_media::Migration),
            Box::new(m0003_api::Migration),
            Box::new(m0004_community::Migration),
            Box::new(m0005_conversation::Migration),
            Box::new(m0006_tag::Migration),
            Box::new(m0007_view::Migration),
            Box::new(m0008_search::Migration),
            Box::new(m0009_notification::Migration),
            Box::new(m0010_barrier::Migration),
            Box::new(m0012_taste::Migration),
            Box::new(m0014_person::Migration),
            Box::new(m0015_webhook::Migration),
            Box::new(m0016_two_factor::Migration),
            Box::new(m0017_word::Migration),
            Box::new(m0018_share::Migration),
            Box::new(m0019_identity::Migration),
        ]
    }
}

/// Whether the database has this migration.
pub(crate) fn is_applied(migration: &Migration) -> bool {
    migration.status() == MigrationStatus::Applied
}
