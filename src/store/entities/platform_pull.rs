//! Where a platform is pulled from for what it may have failed to send, and how far that has come.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "platform_pull")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub platform_id: i64,
    pub source: String,
    pub address: String,
    pub username: Option<String>,
    pub secret: String,
    pub details: String,
    pub every_seconds: i64,
    pub recorded_at: i64,
    pub since: Option<i64>,
    pub newest: Option<i64>,
    pub due_at: i64,
    pub holder: Option<String>,
    pub reserved_until: Option<i64>,
    pub begun_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub succeeded_at: Option<i64>,
    pub failures: i64,
    pub problem: Option<String>,
    pub returned: i64,
    pub found: i64,
    pub refused: i64,
    pub contradicting: i64,
    pub undated: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
