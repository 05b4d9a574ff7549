//! Indexes that SQLite finds without statistics.
//!
//! Without statistics its planner assumes that every first column of an index is equally selective. For `platform_id =
//! ? AND refers_to = ?` it chose the index that begins with the platform, and read all of that platform's statements.
//! An index with both columns is always chosen, on an empty database and on a large one.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "DROP INDEX statement_refers",
    "CREATE INDEX statement_refers ON statement (refers_to, platform_id) WHERE refers_to IS NOT NULL",
    "DROP INDEX statement_cmi5_progress",
    "CREATE INDEX statement_cmi5_progress ON statement (registration, platform_id) WHERE progress IS NOT NULL",
    "DROP INDEX pending_result_registration",
    "CREATE INDEX pending_result_registration ON pending_result (registration, platform_id)",
    "CREATE INDEX delivery_waiting_of_platform ON delivery (platform_id, outcome, id)
         WHERE outcome = 'quarantined'",
];

const DOWN: &[&str] = &[
    "DROP INDEX delivery_waiting_of_platform",
    "DROP INDEX pending_result_registration",
    "CREATE INDEX pending_result_registration ON pending_result (registration)",
    "DROP INDEX statement_cmi5_progress",
    "CREATE INDEX statement_cmi5_progress ON statement (registration) WHERE progress IS NOT NULL",
    "DROP INDEX statement_refers",
    "CREATE INDEX statement_refers ON statement (refers_to) WHERE refers_to IS NOT NULL",
];

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
