//! Indexes for scope with days: lists that are read by instant, since their ids no longer follow an order, and
//! protected people.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const INDEXES: &[(&str, &str)] = &[
    ("link_decision_recorded", "link_decision (recorded_at)"),
    ("proposal_proposed", "proposal (kind, proposed_at)"),
    ("employee_fact_protected", "employee_fact (employee_id) WHERE protected AND superseded_at IS NULL"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for (name, on) in INDEXES {
            connection.execute_unprepared(&format!("CREATE INDEX {name} ON {on}")).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for (name, _) in INDEXES {
            connection.execute_unprepared(&format!("DROP INDEX {name}")).await?;
        }
        Ok(())
    }
}
