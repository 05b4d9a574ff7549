//! The tables of Kurskoll: one set for SQLite and PostgreSQL, in versions that only add.
//!
//! A crate of its own, so that a migration cannot lean on code that changes later. Start at `m0001_register`.

use sea_orm_migration::prelude::*;

mod m0001_register;
mod m0002_scim;
mod m0003_imports;
mod m0004_results_by_day;
mod m0005_corrections;
mod m0006_merges;
mod m0007_reorganisations;
mod m0008_xapi;
mod m0009_profiles;
mod m0010_platform_counts;
mod m0011_xapi_documents;
mod m0012_planning;
mod m0013_pulling;
mod m0014_attempt_names;
mod m0017_chain;
mod m0018_keys_have_days;
mod m0020_imports_undone;
mod m0021_withdrawals;
mod m0022_rereading;
mod m0023_scope;
mod m0024_earlier_places;
mod m0025_accounts;
mod m0026_planned_without_statistics;
mod m0027_results_arrived;
mod m0028_statements_without_result;
mod m0029_groups;
mod m0030_found_by_person;

/// Carries out statements, one after the other.
async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for sql in statements {
        manager.get_connection().execute_unprepared(sql).await?;
    }
    Ok(())
}

/// All migrations, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_register::Migration),
            Box::new(m0002_scim::Migration),
            Box::new(m0003_imports::Migration),
            Box::new(m0004_results_by_day::Migration),
            Box::new(m0005_corrections::Migration),
            Box::new(m0006_merges::Migration),
            Box::new(m0007_reorganisations::Migration),
            Box::new(m0008_xapi::Migration),
            Box::new(m0009_profiles::Migration),
            Box::new(m0010_platform_counts::Migration),
            Box::new(m0011_xapi_documents::Migration),
            Box::new(m0012_planning::Migration),
            Box::new(m0013_pulling::Migration),
            Box::new(m0014_attempt_names::Migration),
            Box::new(m0017_chain::Migration),
            Box::new(m0018_keys_have_days::Migration),
            Box::new(m0020_imports_undone::Migration),
            Box::new(m0021_withdrawals::Migration),
            Box::new(m0022_rereading::Migration),
            Box::new(m0023_scope::Migration),
            Box::new(m0024_earlier_places::Migration),
            Box::new(m0025_accounts::Migration),
            Box::new(m0026_planned_without_statistics::Migration),
            Box::new(m0027_results_arrived::Migration),
            Box::new(m0028_statements_without_result::Migration),
            Box::new(m0029_groups::Migration),
            Box::new(m0030_found_by_person::Migration),
        ]
    }
}

pub use sea_orm_migration::MigratorTrait;
