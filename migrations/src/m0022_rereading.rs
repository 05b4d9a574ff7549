//! Rereading: the earlier content of an event that a newer profile read differently, and the profile that read it.
//!
//! `event` contains what is known now for each id. When a delivery is reread, the row with the earlier content moves to
//! `superseded_event` unchanged, with the instant until which it was known. So nothing that a report depended on is
//! lost, and receiving reads only current rows. `read_by` is the version of the platform's own profile; empty if it had
//! none.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &[&str] = &[
    "ALTER TABLE event ADD COLUMN read_by INTEGER",
    "CREATE TABLE superseded_event (
        id BIGINT PRIMARY KEY,
        delivery_id BIGINT NOT NULL REFERENCES delivery (id),
        platform_id BIGINT NOT NULL REFERENCES platform (id),
        learner_id BIGINT NOT NULL REFERENCES learner (id),
        event_id TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('completion', 'attempt', 'revocation')),
        course_id TEXT,
        quiz_id TEXT,
        attempt INTEGER,
        occurred_at BIGINT NOT NULL,
        score_points TEXT,
        score_of TEXT,
        passed BOOLEAN,
        revokes_event_id TEXT,
        reason TEXT,
        repeats BOOLEAN NOT NULL,
        recorded_at BIGINT NOT NULL,
        employee_id BIGINT REFERENCES employee (id),
        unlinked TEXT,
        attempt_name TEXT,
        revokes TEXT,
        reported_at BIGINT,
        read_by INTEGER,
        superseded_at BIGINT NOT NULL
    )",
    "CREATE INDEX superseded_event_learner ON superseded_event (learner_id)",
    "CREATE INDEX superseded_event_name ON superseded_event (event_id, platform_id)",
    "CREATE INDEX superseded_event_course ON superseded_event (course_id) WHERE course_id IS NOT NULL",
    "CREATE INDEX superseded_event_quiz ON superseded_event (quiz_id) WHERE quiz_id IS NOT NULL",
    "CREATE INDEX superseded_event_happened ON superseded_event (occurred_at)",
    "CREATE INDEX superseded_event_delivery ON superseded_event (delivery_id)",
    "CREATE INDEX superseded_event_superseded_at ON superseded_event (superseded_at)",
];

const DOWN: &[&str] = &["DROP TABLE superseded_event", "ALTER TABLE event DROP COLUMN read_by"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // A failing migration on SQLite would otherwise leave its first half behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::run(manager, DOWN).await
    }
}
