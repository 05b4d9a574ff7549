//! What an event said until its delivery was reread.

use sea_orm::entity::prelude::*;

use super::event;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "superseded_event")]
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
    pub revokes: Option<String>,
    pub reported_at: Option<i64>,
    pub read_by: Option<i32>,
    pub arrived_by: Option<String>,
    pub superseded_at: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl From<Model> for event::Model {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            delivery_id: row.delivery_id,
            platform_id: row.platform_id,
            learner_id: row.learner_id,
            event_id: row.event_id,
            kind: row.kind,
            course_id: row.course_id,
            quiz_id: row.quiz_id,
            attempt: row.attempt,
            occurred_at: row.occurred_at,
            score_points: row.score_points,
            score_of: row.score_of,
            passed: row.passed,
            revokes_event_id: row.revokes_event_id,
            reason: row.reason,
            repeats: row.repeats,
            recorded_at: row.recorded_at,
            employee_id: row.employee_id,
            unlinked: row.unlinked,
            attempt_name: row.attempt_name,
            revokes: row.revokes,
            reported_at: row.reported_at,
            read_by: row.read_by,
            arrived_by: row.arrived_by,
        }
    }
}
