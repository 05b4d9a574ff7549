//! A decision by hand about one identity, for a time.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "link_decision")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub platform_id: i64,
    pub key: String,
    pub value: String,
    pub home_page: String,
    pub employee_id: Option<i64>,
    pub reason: String,
    pub decided_by: String,
    pub recorded_at: i64,
    pub superseded_at: Option<i64>,
    pub undone_by: Option<String>,
    pub valid_from: Option<Date>,
    pub valid_to: Option<Date>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
