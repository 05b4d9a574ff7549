//! A set of keys by which a platform names a person, and the employee to whom they link (derived).

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "learner")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub platform_id: i64,
    pub fingerprint: Vec<u8>,
    pub employee_number: Option<String>,
    pub email: Option<String>,
    pub username: Option<String>,
    pub account_home_page: Option<String>,
    pub account_name: Option<String>,
    pub recorded_at: i64,
    pub depends_on_day: bool,
    pub employee_id: Option<i64>,
    pub link_key: Option<String>,
    pub unlinked: Option<String>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
