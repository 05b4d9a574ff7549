//! The results of some days, by platform and by whether they are linked: a report's linked share counts them.
//!
//! The index contains all counted columns, so that no row is read; SQLite needs the columns of its condition in it,
//! too. A dismissal needs no column: it is a decision by hand in `link_decision` that an identity belongs to no
//! employee.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql =
            "CREATE INDEX event_happened ON event (occurred_at, platform_id, employee_id, learner_id, repeats, kind)
                   WHERE NOT repeats AND kind <> 'revocation'";
        manager.get_connection().execute_unprepared(sql).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.get_connection().execute_unprepared("DROP INDEX event_happened").await?;
        Ok(())
    }
}
