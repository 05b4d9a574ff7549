//! The tables of Kurskoll: one set for SQLite and PostgreSQL, in versions that only add.
//!
//! A crate of its own, so that a migration cannot lean on code that changes later. Start at `m0001_register`.

use sea_orm_migration::prelude::*;

mod m0001_register;
mod m0002_scim;

/// All migrations, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_register::Migration), Box::new(m0002_scim::Migration)]
    }
}

pub use sea_orm_migration::MigratorTrait;
