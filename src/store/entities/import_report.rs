//! One import of HR's files.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "import_report")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub at: i64,
    pub subject: String,
    pub day: Date,
    pub extent: String,
    pub mapping_name: Option<String>,
    pub mapping_digest: Option<String>,
    pub files_key: String,
    pub summary: String,
    pub undoes: Option<i64>,
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
