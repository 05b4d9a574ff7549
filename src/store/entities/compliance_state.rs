//! A span of a person's compliance state in a requirement (derived).

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "compliance_state")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub employee_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub requirement: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub from_day: Date,
    pub until_day: Date,
    pub version: i32,
    pub status: String,
    pub clock_on: Date,
    pub due_on: Option<Date>,
    pub on_time: bool,
    pub satisfied_on: Option<Date>,
    pub valid_until: Option<Date>,
    pub evidence_event_id: Option<String>,
    pub best_score_percent: Option<String>,
    pub attempts: i32,
    pub last_attempt_on: Option<Date>,
    pub held_items: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
