//! The schema's history, forward only. A migration that has landed never changes; the next one does.

mod m0001_first;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// All migrations, oldest first.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_first::Migration)]
    }
}
