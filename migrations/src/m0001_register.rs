//! The register's first tables.
//!
//! * Instants are whole microseconds since 1970-01-01T00:00:00Z (`…_at`), so that both databases order them the same;
//!   days are dates (`…_on`).
//! * A row of a `…_fact` table was known from `recorded_at` up to `superseded_at` (empty: still known). Nothing else in
//!   it changes.
//! * `transaction_clock` has one row. A transaction that records something takes it first: facts
//!   get strictly increasing instants in commit order, even with several writing processes.
//! * `compliance_state`, `compliance_state_scope`, and the link columns of `learner` and `event` are derived; `stale`
//!   lists the employees for whom they are not up to date.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &[
    "CREATE TABLE transaction_clock (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        at BIGINT NOT NULL,
        next_id BIGINT NOT NULL
    )",
    "INSERT INTO transaction_clock (id, at, next_id) VALUES (1, 0, 1)",
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    // The directory
    "CREATE TABLE administration_fact (
        id {id},
        code TEXT NOT NULL,
        name TEXT NOT NULL,
        board TEXT NOT NULL,
        recorded_at BIGINT NOT NULL,
        superseded_at BIGINT
    )",
    "CREATE UNIQUE INDEX administration_fact_current ON administration_fact (code) WHERE superseded_at IS NULL",
    "CREATE TABLE employee (
        id {id},
        number TEXT NOT NULL UNIQUE,
        recorded_at BIGINT NOT NULL
    )",
    "CREATE TABLE employee_fact (
        id {id},
        employee_id BIGINT NOT NULL REFERENCES employee (id),
        given_name TEXT NOT NULL,
        family_name TEXT NOT NULL,
        protected BOOLEAN NOT NULL,
        recorded_at BIGINT NOT NULL,
        superseded_at BIGINT
    )",
    "CREATE UNIQUE INDEX employee_fact_current ON employee_fact (employee_id) WHERE superseded_at IS NULL",
    "CREATE INDEX employee_fact_history ON employee_fact (employee_id, recorded_at)",
    "CREATE TABLE employment_fact (
        id {id},
        employee_id BIGINT NOT NULL REFERENCES employee (id),
        employment_id TEXT NOT NULL,
        administration TEXT NOT NULL,
        unit TEXT NOT NULL,
        form TEXT NOT NULL CHECK (form IN ('permanent', 'fixed_term', 'hourly', 'consultant', 'trainee')),
        starts_on DATE NOT NULL,
        ends_on DATE,
        email TEXT,
        username TEXT,
        manager_number TEXT,
        recorded_at BIGINT NOT NULL,
        superseded_at BIGINT
    )",
    "CREATE UNIQUE INDEX employment_fact_current ON employment_fact (employee_id, employment_id) WHERE superseded_at IS NULL",
    "CREATE INDEX employment_fact_history ON employment_fact (employee_id, recorded_at)",
    "CREATE TABLE absence_fact (
        id {id},
        employee_id BIGINT NOT NULL REFERENCES employee (id),
        starts_on DATE NOT NULL,
        ends_on DATE,
        recorded_at BIGINT NOT NULL,
        superseded_at BIGINT
    )",
    "CREATE UNIQUE INDEX absence_fact_current ON absence_fact (employee_id, starts_on) WHERE superseded_at IS NULL",
    "CREATE TABLE exemption_fact (
        id {id},
        employee_id BIGINT NOT NULL REFERENCES employee (id),
        requirement TEXT NOT NULL,
        starts_on DATE NOT NULL,
        ends_on DATE,
        reason TEXT NOT NULL,
        recorded_at BIGINT NOT NULL,
        superseded_at BIGINT
    )",
    "CREATE UNIQUE INDEX exemption_fact_current ON exemption_fact (employee_id, requirement, starts_on) WHERE superseded_at IS NULL",
    // Platforms, and the owners of their identities
    "CREATE TABLE platform (
        id {id},
        code TEXT NOT NULL UNIQUE,
        adapter TEXT NOT NULL,
        linking_keys TEXT NOT NULL,
        time_zone TEXT NOT NULL,
        recorded_at BIGINT NOT NULL
    )",
    "CREATE TABLE platform_secret (
        id {id},
        platform_id BIGINT NOT NULL REFERENCES platform (id),
        secret TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT
    )",
    "CREATE INDEX platform_secret_platform ON platform_secret (platform_id)",
    "CREATE TABLE identity_claim (
        id {id},
        employee_id BIGINT NOT NULL REFERENCES employee (id),
        platform_id BIGINT REFERENCES platform (id),
        key TEXT NOT NULL CHECK (key IN ('employee_number', 'email', 'username', 'account')),
        value TEXT NOT NULL,
        home_page TEXT NOT NULL,
        source TEXT NOT NULL CHECK (source IN ('employments', 'identities')),
        recorded_at BIGINT NOT NULL,
        superseded_at BIGINT
    )",
    "CREATE INDEX identity_claim_value ON identity_claim (value, key)",
    "CREATE INDEX identity_claim_employee ON identity_claim (employee_id)",
    "CREATE TABLE link_decision (
        id {id},
        platform_id BIGINT NOT NULL REFERENCES platform (id),
        key TEXT NOT NULL CHECK (key IN ('employee_number', 'email', 'username', 'account')),
        value TEXT NOT NULL,
        home_page TEXT NOT NULL,
        employee_id BIGINT REFERENCES employee (id),
        reason TEXT NOT NULL,
        decided_by TEXT NOT NULL,
        recorded_at BIGINT NOT NULL,
        superseded_at BIGINT,
        undone_by TEXT
    )",
    "CREATE UNIQUE INDEX link_decision_current ON link_decision (platform_id, key, value, home_page) WHERE superseded_at IS NULL",
    "CREATE INDEX link_decision_value ON link_decision (value) WHERE superseded_at IS NULL",
    // Requirements
    "CREATE TABLE requirement_version (
        id {id},
        code TEXT NOT NULL,
        version INTEGER NOT NULL,
        definition TEXT NOT NULL,
        recorded_at BIGINT NOT NULL,
        UNIQUE (code, version)
    )",
    // What platforms send
    "CREATE TABLE delivery (
        id BIGINT PRIMARY KEY,
        platform_id BIGINT NOT NULL REFERENCES platform (id),
        delivery_key TEXT NOT NULL,
        content_type TEXT NOT NULL,
        headers TEXT NOT NULL,
        body {blob} NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('accepted', 'ignored', 'quarantined')),
        problem TEXT,
        problem_pointer TEXT,
        received_at BIGINT NOT NULL,
        released_at BIGINT,
        UNIQUE (delivery_key, platform_id)
    )",
    "CREATE INDEX delivery_quarantine ON delivery (received_at) WHERE problem IS NOT NULL",
    "CREATE INDEX delivery_received ON delivery (platform_id, received_at)",
    "CREATE TABLE learner (
        id BIGINT PRIMARY KEY,
        platform_id BIGINT NOT NULL REFERENCES platform (id),
        fingerprint {blob} NOT NULL,
        employee_number TEXT,
        email TEXT,
        username TEXT,
        account_home_page TEXT,
        account_name TEXT,
        recorded_at BIGINT NOT NULL,
        depends_on_day BOOLEAN NOT NULL,
        employee_id BIGINT REFERENCES employee (id),
        link_key TEXT,
        unlinked TEXT CHECK (unlinked IN ('unknown', 'ambiguous', 'contradicted')),
        UNIQUE (platform_id, fingerprint)
    )",
    "CREATE INDEX learner_number ON learner (employee_number) WHERE employee_number IS NOT NULL",
    "CREATE INDEX learner_email ON learner (email) WHERE email IS NOT NULL",
    "CREATE INDEX learner_username ON learner (username) WHERE username IS NOT NULL",
    "CREATE INDEX learner_account ON learner (account_name) WHERE account_name IS NOT NULL",
    "CREATE TABLE event (
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
        unlinked TEXT CHECK (unlinked IN ('unknown', 'ambiguous', 'contradicted')),
        UNIQUE (platform_id, event_id)
    )",
    "CREATE INDEX event_learner ON event (learner_id, occurred_at)",
    "CREATE INDEX event_employee ON event (employee_id)",
    "CREATE INDEX event_course ON event (course_id) WHERE course_id IS NOT NULL",
    "CREATE INDEX event_quiz ON event (quiz_id) WHERE quiz_id IS NOT NULL",
    "CREATE INDEX event_waiting ON event (learner_id) WHERE employee_id IS NULL",
    "CREATE INDEX event_delivery ON event (delivery_id)",
    "CREATE INDEX event_revokes ON event (platform_id, revokes_event_id) WHERE revokes_event_id IS NOT NULL",
    // The read model
    "CREATE TABLE stale (id {counting_id}, employee_id BIGINT NOT NULL)",
    "CREATE TABLE compliance_state (
        employee_id BIGINT NOT NULL,
        requirement TEXT NOT NULL,
        from_day DATE NOT NULL,
        until_day DATE NOT NULL,
        version INTEGER NOT NULL,
        status TEXT NOT NULL,
        clock_on DATE NOT NULL,
        due_on DATE,
        on_time BOOLEAN NOT NULL,
        satisfied_on DATE,
        valid_until DATE,
        evidence_event_id TEXT,
        best_score_percent TEXT,
        attempts INTEGER NOT NULL,
        last_attempt_on DATE,
        held_items BIGINT NOT NULL,
        PRIMARY KEY (employee_id, requirement, from_day)
    )",
    // All columns that a report counts by, so that it reads only the indexes.
    "CREATE INDEX compliance_state_requirement ON compliance_state
        (requirement, until_day, from_day, employee_id, status, on_time, due_on, held_items)",
    "CREATE TABLE compliance_state_scope (
        employee_id BIGINT NOT NULL,
        requirement TEXT NOT NULL,
        administration TEXT NOT NULL,
        from_day DATE NOT NULL,
        until_day DATE NOT NULL,
        employment_fact_id BIGINT NOT NULL,
        sort_key {blob} NOT NULL,
        PRIMARY KEY (employee_id, requirement, administration, from_day)
    )",
    "CREATE INDEX compliance_state_scope_administration ON compliance_state_scope (administration, sort_key)",
    "CREATE INDEX compliance_state_scope_requirement ON compliance_state_scope
        (requirement, employee_id, until_day, from_day, administration)",
    // Tokens and the audit trail
    "CREATE TABLE signing_key (
        kid TEXT PRIMARY KEY,
        private_key {blob} NOT NULL,
        public_key {blob} NOT NULL,
        created_at BIGINT NOT NULL,
        retired_at BIGINT
    )",
    "CREATE TABLE audit_entry (
        id {id},
        at BIGINT NOT NULL,
        subject TEXT NOT NULL,
        action TEXT NOT NULL,
        object TEXT NOT NULL,
        scope TEXT NOT NULL,
        request_id TEXT NOT NULL
    )",
    "CREATE INDEX audit_entry_at ON audit_entry (at)",
];

const NAMES: &[&str] = &[
    "audit_entry",
    "signing_key",
    "compliance_state_scope",
    "compliance_state",
    "stale",
    "event",
    "learner",
    "delivery",
    "requirement_version",
    "link_decision",
    "identity_claim",
    "platform_secret",
    "platform",
    "exemption_fact",
    "absence_fact",
    "employment_fact",
    "employee_fact",
    "employee",
    "administration_fact",
    "setting",
    "transaction_clock",
];

fn in_words_of(backend: DbBackend, sql: &str) -> String {
    let (id, counting_id, blob) = match backend {
        DbBackend::Postgres => {
            let identity = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY";
            (identity, identity, "BYTEA")
        }
        // AUTOINCREMENT never gives an id twice, which `stale` relies on; the other tables lose no rows.
        _ => ("INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT", "BLOB"),
    };
    sql.replace("{id}", id).replace("{counting_id}", counting_id).replace("{blob}", blob)
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // A failing migration on SQLite would otherwise leave its first tables behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for sql in TABLES {
            connection.execute_unprepared(&in_words_of(manager.get_database_backend(), sql)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in NAMES {
            manager.get_connection().execute_unprepared(&format!("DROP TABLE {name}")).await?;
        }
        Ok(())
    }
}
