//! What an employment was named before HR named another administration, and the unit of a derived span.
//!
//! HR's systems rename an administration for all days. Where an employment was follows from everything that was named for it
//! and from the reorganisations that stand, so both are kept. The derived rows are made anew at the next start.

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
