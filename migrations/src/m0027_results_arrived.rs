//! How a result arrived, so that a platform's silence is measured by its results and not only by its deliveries.
//!
//! `arrived_by` is `sent` if the platform sent it by itself, and `pulled` if it was pulled. It is empty if the event
//! does not end a silence: a revocation, an attempt that is not graded, and all events of a file of history. An event's
//! `delivery_id` increases with the instant at which its delivery arrived, even if it was read later or again, so the
//! index finds the last result and the first and last of an hour with one lookup each.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: [&str; 2] = ["event", "superseded_event"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // A failing migration on SQLite would otherwise leave its first half behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for table in TABLES {
            for sql in [
                format!("ALTER TABLE {table} ADD COLUMN arrived_by TEXT"),
                format!(
                    "UPDATE {table} SET arrived_by = (SELECT CASE WHEN d.is_pulled THEN 'pulled' ELSE 'sent' END
                                                   FROM delivery d
                                                   WHERE d.id = {table}.delivery_id AND d.content_type <> 'text/csv')
                     WHERE kind = 'completion'
                         OR (kind = 'attempt' AND (score_points IS NOT NULL OR passed IS NOT NULL))"
                ),
                format!(
                    "CREATE INDEX {table}_arrived ON {table} (platform_id, arrived_by, repeats, delivery_id)
                     WHERE arrived_by IS NOT NULL"
                ),
            ] {
                connection.execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for table in TABLES {
            connection.execute_unprepared(&format!("DROP INDEX {table}_arrived")).await?;
            connection.execute_unprepared(&format!("ALTER TABLE {table} DROP COLUMN arrived_by")).await?;
        }
        Ok(())
    }
}
