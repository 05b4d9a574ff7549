//! Pulling from platforms, in addition to what they send.
//!
//! * `platform_pull`: from where a platform is pulled, how often, and how far. Not a fact: no report depends on it.
//!   `since`: everything stored at the source up to then has been fetched; `newest`: when the source stored the newest
//!   fetched item. `holder` pulls right now, and no other process does before `reserved_until`. The columns after
//!   `begun_at` are about the last pull.
//! * `delivery.is_pulled`: whether it was pulled. A pulled delivery does not end a platform's silence.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "CREATE TABLE platform_pull (
        platform_id BIGINT NOT NULL PRIMARY KEY REFERENCES platform (id),
        source TEXT NOT NULL CHECK (source IN ('xapi', 'moodle')),
        address TEXT NOT NULL,
        username TEXT,
        secret TEXT NOT NULL,
        details TEXT NOT NULL,
        every_seconds BIGINT NOT NULL,
        recorded_at BIGINT NOT NULL,
        since BIGINT,
        newest BIGINT,
        due_at BIGINT NOT NULL,
        holder TEXT,
        reserved_until BIGINT,
        begun_at BIGINT,
        ended_at BIGINT,
        succeeded_at BIGINT,
        failures BIGINT NOT NULL,
        problem TEXT,
        returned BIGINT NOT NULL,
        found BIGINT NOT NULL,
        refused BIGINT NOT NULL,
        contradicting BIGINT NOT NULL,
        undated BIGINT NOT NULL
    )",
    "ALTER TABLE delivery ADD COLUMN is_pulled BOOLEAN NOT NULL DEFAULT FALSE",
    "CREATE INDEX delivery_pulled ON delivery (platform_id, received_at) WHERE is_pulled",
];

const DOWN: &[&str] =
    &["DROP INDEX delivery_pulled", "ALTER TABLE delivery DROP COLUMN is_pulled", "DROP TABLE platform_pull"];

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
