//! The history of the schema. Migrations are only ever added: those that were released stay as they are.
//!
//! A migration runs in one transaction on both databases, so that a server which dies meanwhile leaves nothing
//! behind that would stop the next one.

use sea_orm_migration::prelude::*;

pub use sea_orm_migration::{DbErr, MigratorTrait, SchemaManager};

mod m20261122_000001_initial;

/// All migrations, oldest first.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20261122_000001_initial::Migration)]
    }
}
