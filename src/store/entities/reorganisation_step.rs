//! The effect of one reorganisation on one administration, or on a unit of it.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reorganisation_step")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub reorganisation_id: i64,
    pub kind: String,
    pub from_code: Option<String>,
    pub to_code: Option<String>,
    pub unit: Option<String>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
