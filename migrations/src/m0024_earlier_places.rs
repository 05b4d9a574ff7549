//! The earlier administrations that HR named for an employment, and the unit of a derived span.
//!
//! HR's systems rename an administration for all days. The place of an employment follows from all names that HR gave
//! for it and from the reorganisations in force, so both are stored. The derived rows are rebuilt at the next start.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared("ALTER TABLE employment_fact ADD COLUMN earlier TEXT").await?;
        connection
            .execute_unprepared("ALTER TABLE compliance_state_scope ADD COLUMN unit TEXT NOT NULL DEFAULT ''")
            .await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        connection.execute_unprepared("ALTER TABLE compliance_state_scope DROP COLUMN unit").await?;
        connection.execute_unprepared("ALTER TABLE employment_fact DROP COLUMN earlier").await?;
        Ok(())
    }
}
