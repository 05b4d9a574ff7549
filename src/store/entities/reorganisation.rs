//! Administrations that open, close, merge, split or change code on a day, as known for a time.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reorganisation")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub on_day: Date,
    pub reason: String,
    pub made_by: String,
    pub recorded_at: i64,
    pub undone_by: Option<String>,
    pub undone_because: Option<String>,
    pub superseded_at: Option<i64>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
