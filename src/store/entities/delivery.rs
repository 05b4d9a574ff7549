//! One authenticated request from a platform, byte for byte.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub platform_id: i64,
    pub delivery_key: String,
    pub content_type: String,
    pub headers: String,
    pub body: Vec<u8>,
    pub outcome: String,
    pub problem: Option<String>,
    pub problem_pointer: Option<String>,
    pub received_at: i64,
    pub released_at: Option<i64>,
    pub is_pulled: bool,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
