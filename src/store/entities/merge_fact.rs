//! Says that one employee number is a duplicate of another, for a time.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "merge_fact")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub duplicate_employee_id: i64,
    pub kept_employee_id: i64,
    pub reason: String,
    pub decided_by: String,
    pub recorded_at: i64,
    pub superseded_at: Option<i64>,
    pub undone_by: Option<String>,
    pub undone_because: Option<String>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
