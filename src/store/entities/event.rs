//! One result, and the employee that it belongs to (derived).

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub delivery_id: i64,
    pub platform_id: i64,
    pub learner_id: i64,
    pub event_id: String,
    pub kind: String,
    pub course_id: Option<String>,
    pub quiz_id: Option<String>,
    pub attempt: Option<i32>,
    pub occurred_at: i64,
    pub score_points: Option<String>,
    pub score_of: Option<String>,
    pub passed: Option<bool>,
    pub revokes_event_id: Option<String>,
    pub reason: Option<String>,
    pub repeats: bool,
    pub recorded_at: i64,
    pub employee_id: Option<i64>,
    pub unlinked: Option<String>,
    pub attempt_name: Option<String>,
    /// What a revocation withdraws: `event`, `statement`, `up_to` or `recent`.
    pub revokes: Option<String>,
    pub reported_at: Option<i64>,
    /// The version of the platform's own profile by which it was read.
    pub read_by: Option<i32>,
    /// How a result arrived that ends a silence: `sent` or `pulled`.
    pub arrived_by: Option<String>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
