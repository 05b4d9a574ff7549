//! A statistic that PostgreSQL's planner cannot estimate itself. Nothing for SQLite, which uses every index.
//!
//! A file of results is one delivery with hundreds of thousands of events; other deliveries have one each. From a
//! sample of these ANALYZE concludes that a delivery has thousands, and every query for the events of one then reads
//! the whole table. So the statistic is set: about half as many deliveries as events. It takes effect at the next
//! ANALYZE by autovacuum.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

async fn on_postgres(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        manager.get_connection().execute_unprepared(sql).await?;
    }
    Ok(())
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        on_postgres(manager, "ALTER TABLE event ALTER COLUMN delivery_id SET (n_distinct = -0.5)").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        on_postgres(manager, "ALTER TABLE event ALTER COLUMN delivery_id RESET (n_distinct)").await
    }
}
