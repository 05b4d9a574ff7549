//! Indexes for queries that scanned whole tables: a person's absences and exemptions at any transaction time,
//! superseded readings of a person's results, people who are or were protected, the statements of a delivery, and the
//! few ignored deliveries.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "CREATE INDEX absence_fact_employee ON absence_fact (employee_id)",
    "CREATE INDEX exemption_fact_employee ON exemption_fact (employee_id)",
    "CREATE INDEX superseded_event_employee ON superseded_event (employee_id)",
    "CREATE INDEX statement_delivery ON statement (delivery_id)",
    "CREATE INDEX statement_attachment_delivery ON statement_attachment (delivery_id)",
    "CREATE INDEX delivery_ignored ON delivery (id) WHERE outcome = 'ignored'",
    "CREATE INDEX employee_fact_ever_protected ON employee_fact (superseded_at) WHERE protected",
];

const DOWN: &[&str] = &[
    "DROP INDEX employee_fact_ever_protected",
    "DROP INDEX delivery_ignored",
    "DROP INDEX statement_attachment_delivery",
    "DROP INDEX statement_delivery",
    "DROP INDEX superseded_event_employee",
    "DROP INDEX exemption_fact_employee",
    "DROP INDEX absence_fact_employee",
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
