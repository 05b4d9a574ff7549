//! A user of an identity provider whom the directory does not know yet.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "scim_waiting")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    /// `waiting`, `known` or `deleted`.
    pub state: String,
    pub active: bool,
    pub user_name: String,
    pub user_name_key: String,
    pub email_key: Option<String>,
    pub external_id: Option<String>,
    /// The User as JSON, as far as it is stored.
    pub resource: String,
    pub created_at: i64,
    pub changed_at: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
