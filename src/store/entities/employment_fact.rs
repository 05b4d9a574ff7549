//! An employment, as known for a time.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "employment_fact")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub employee_id: i64,
    pub employment_id: String,
    pub administration: String,
    pub unit: String,
    pub form: String,
    pub starts_on: Date,
    pub ends_on: Option<Date>,
    pub email: Option<String>,
    pub username: Option<String>,
    pub manager_number: Option<String>,
    /// Its earlier places (`domain::directory::EarlierPlace`), as JSON; empty if it never changed.
    pub earlier: Option<String>,
    pub recorded_at: i64,
    pub superseded_at: Option<i64>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
