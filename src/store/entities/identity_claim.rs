//! A key by which the directory knows a person, for a time.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "identity_claim")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub employee_id: i64,
    pub platform_id: Option<i64>,
    pub key: String,
    pub value: String,
    pub home_page: String,
    pub source: String,
    pub recorded_at: i64,
    pub superseded_at: Option<i64>,
    pub valid_from: Option<Date>,
    pub valid_to: Option<Date>,
    pub undone: bool,
    pub continues: Option<i64>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
