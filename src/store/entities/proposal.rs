//! An exemption or prior training that somebody proposed in Kurskoll, as decided for a time.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "proposal")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub kind: String,
    pub employee_id: i64,
    pub requirement: Option<String>,
    pub course_id: Option<String>,
    pub quiz_id: Option<String>,
    pub score_points: Option<String>,
    pub score_of: Option<String>,
    pub starts_on: Date,
    pub ends_on: Option<Date>,
    pub reason: String,
    pub proposed_by: String,
    pub proposed_at: i64,
    pub decided_by: Option<String>,
    pub recorded_at: Option<i64>,
    pub ended_by: Option<String>,
    pub ended_because: Option<String>,
    pub superseded_at: Option<i64>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
