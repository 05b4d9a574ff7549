//! What an identity provider wrote about a user, in addition to the directory's facts.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "scim_user")]
pub struct Model {
    /// The employee's key and the generation, as `17-2`; the key alone in rows from before a person could have several
    /// users.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub employee_id: i64,
    pub generation: i32,
    pub deleted: bool,
    pub active: bool,
    pub user_name: String,
    pub user_name_key: String,
    pub external_id: Option<String>,
    pub provisioned: String,
    pub changed_at: i64,
    /// The ids of the employments that it provisioned, as JSON.
    pub governs: String,
    pub ended_at: Option<i64>,
    /// The id under which the user waited before the directory knew them.
    pub waited_as: Option<i64>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
