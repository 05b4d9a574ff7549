//! What an identity provider wrote about its users, in addition to what became facts of the directory.
//!
//! A row is there once a provider has provisioned an employee. `deleted` users belong to no one until the provider
//! names them again, under a new `generation`. `provisioned` is a JSON object of the texts that are shown again as they
//! were provisioned.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE scim_user (
        employee_id BIGINT PRIMARY KEY REFERENCES employee (id),
        generation INTEGER NOT NULL,
        deleted BOOLEAN NOT NULL,
        active BOOLEAN NOT NULL,
        user_name TEXT NOT NULL,
        user_name_key TEXT NOT NULL,
        external_id TEXT,
        provisioned TEXT NOT NULL,
        changed_at BIGINT NOT NULL
    )",
    "CREATE UNIQUE INDEX scim_user_name ON scim_user (user_name_key) WHERE deleted = FALSE",
    // With a bound value, SQLite cannot see that the partial index fits: this index is for lookups.
    "CREATE INDEX scim_user_name_key ON scim_user (user_name_key)",
    "CREATE INDEX scim_user_external ON scim_user (external_id) WHERE external_id IS NOT NULL",
];

const DOWN: &[&str] = &["DROP TABLE scim_user"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, DOWN).await
    }
}
