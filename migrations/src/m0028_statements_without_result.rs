//! Statements about a course or quiz that a requirement may name, which give no result of it, so that a report can say
//! how many there are, and why. One row for each, found by its subject. If a statement is later read differently, its
//! row ends, and the new reading is a row of its own.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &[
    "CREATE TABLE statement_without_result (
        statement_id BIGINT NOT NULL REFERENCES statement (id),
        platform_id BIGINT NOT NULL REFERENCES platform (id),
        object TEXT NOT NULL,
        lacks TEXT NOT NULL CHECK (lacks IN ('both', 'course', 'quiz')),
        reason TEXT NOT NULL,
        verb TEXT NOT NULL,
        recorded_at BIGINT NOT NULL,
        superseded_at BIGINT,
        PRIMARY KEY (statement_id, recorded_at)
    )",
    "CREATE INDEX statement_without_result_object ON statement_without_result (object, lacks)",
];

const UNDONE: &[&str] = &["DROP TABLE statement_without_result"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // A failing migration on SQLite would otherwise leave its first tables behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in TABLES {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in UNDONE {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
