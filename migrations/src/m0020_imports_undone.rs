//! Imports that are undone: an undoing is an import of its own that names the one that it undoes, and why.
//!
//! `employee.is_known` is derived, for the statements that find people by number: whether the register knows the person
//! now, that is whether a row of `employee_fact` holds. It is false for people that only an undone import had reported.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// Tables whose facts are found by the instant of the import that recorded or superseded them.
const FACTS: [&str; 5] = ["employee_fact", "employment_fact", "absence_fact", "exemption_fact", "identity_claim"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared("ALTER TABLE import_report ADD COLUMN undoes BIGINT").await?;
        connection.execute_unprepared("ALTER TABLE import_report ADD COLUMN reason TEXT").await?;
        let undoings = "CREATE INDEX import_report_undoes ON import_report (undoes) WHERE undoes IS NOT NULL";
        connection.execute_unprepared(undoings).await?;
        let known = "ALTER TABLE employee ADD COLUMN is_known BOOLEAN NOT NULL DEFAULT TRUE";
        connection.execute_unprepared(known).await?;
        for table in FACTS {
            let recorded = format!("CREATE INDEX {table}_recorded ON {table} (recorded_at)");
            connection.execute_unprepared(&recorded).await?;
            let superseded =
                format!("CREATE INDEX {table}_superseded ON {table} (superseded_at) WHERE superseded_at IS NOT NULL");
            connection.execute_unprepared(&superseded).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for table in FACTS {
            connection.execute_unprepared(&format!("DROP INDEX {table}_superseded")).await?;
            connection.execute_unprepared(&format!("DROP INDEX {table}_recorded")).await?;
        }
        connection.execute_unprepared("ALTER TABLE employee DROP COLUMN is_known").await?;
        connection.execute_unprepared("DROP INDEX import_report_undoes").await?;
        connection.execute_unprepared("ALTER TABLE import_report DROP COLUMN reason").await?;
        connection.execute_unprepared("ALTER TABLE import_report DROP COLUMN undoes").await?;
        Ok(())
    }
}
