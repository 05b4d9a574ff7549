//! What PostgreSQL's planner cannot see by itself. Nothing for SQLite, which looks every index up.
//!
//! A file of results is one delivery with hundreds of thousands of events, beside deliveries of one each. From a sample of
//! these ANALYZE gathers that a delivery has thousands, and every question for the events of one then reads the whole
//! table. So it is told: about half as many deliveries as events. It takes effect at the next ANALYZE, which autovacuum does.

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
