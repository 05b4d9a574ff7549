//! Keys have days: when HR's identities hold, which days a link by hand is for, and the claims of undone imports.
//!
//! A dismissal becomes a reason of its own, since one learner's results may be dismissed on some days and wait on
//! others.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const WAS: &str = "'unknown', 'ambiguous', 'contradicted'";
const IS: &str = "'unknown', 'dismissed', 'ambiguous', 'contradicted'";

/// SQLite cannot change a column's condition: a new column replaces it.
fn with_reasons(table: &str, reasons: &str) -> [String; 4] {
    [
        format!("ALTER TABLE {table} ADD COLUMN unlinked_because TEXT CHECK (unlinked_because IN ({reasons}))"),
        format!(
            "UPDATE {table} SET unlinked_because = CASE WHEN unlinked IN ({reasons}) THEN unlinked ELSE 'unknown' END
             WHERE unlinked IS NOT NULL"
        ),
        format!("ALTER TABLE {table} DROP COLUMN unlinked"),
        format!("ALTER TABLE {table} RENAME COLUMN unlinked_because TO unlinked"),
    ]
}

const UP: &[&str] = &[
    "ALTER TABLE identity_claim ADD COLUMN valid_from DATE",
    "ALTER TABLE identity_claim ADD COLUMN valid_to DATE",
    // Set with superseded_at, if the import that gave it is undone.
    "ALTER TABLE identity_claim ADD COLUMN undone BOOLEAN NOT NULL DEFAULT FALSE",
    // The instant at which an import, undone by this row, took the key back.
    "ALTER TABLE identity_claim ADD COLUMN continues BIGINT",
    "ALTER TABLE link_decision ADD COLUMN valid_from DATE",
    "ALTER TABLE link_decision ADD COLUMN valid_to DATE",
    // One identity may belong to several people by hand, on different days.
    "DROP INDEX link_decision_current",
    // Counts of some days: dismissed results are not among those that wait.
    "DROP INDEX event_happened",
    "CREATE INDEX event_happened ON event (occurred_at, platform_id, employee_id, unlinked, repeats, kind)
        WHERE NOT repeats AND kind <> 'revocation'",
    // For a linked employee the other results of an instant are queried.
    "DROP INDEX event_employee",
    "CREATE INDEX event_employee ON event (employee_id, occurred_at)",
];

const DOWN: &[&str] = &[
    "DROP INDEX event_employee",
    "CREATE INDEX event_employee ON event (employee_id)",
    "DROP INDEX event_happened",
    "CREATE INDEX event_happened ON event (occurred_at, platform_id, employee_id, learner_id, repeats, kind)
        WHERE NOT repeats AND kind <> 'revocation'",
    "CREATE UNIQUE INDEX link_decision_current ON link_decision (platform_id, key, value, home_page)
        WHERE superseded_at IS NULL",
    "ALTER TABLE link_decision DROP COLUMN valid_to",
    "ALTER TABLE link_decision DROP COLUMN valid_from",
    "ALTER TABLE identity_claim DROP COLUMN continues",
    "ALTER TABLE identity_claim DROP COLUMN undone",
    "ALTER TABLE identity_claim DROP COLUMN valid_to",
    "ALTER TABLE identity_claim DROP COLUMN valid_from",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for table in ["learner", "event"] {
            for sql in with_reasons(table, IS) {
                connection.execute_unprepared(&sql).await?;
            }
        }
        for sql in UP {
            connection.execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for sql in DOWN {
            connection.execute_unprepared(sql).await?;
        }
        for table in ["event", "learner"] {
            for sql in with_reasons(table, WAS) {
                connection.execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }
}
