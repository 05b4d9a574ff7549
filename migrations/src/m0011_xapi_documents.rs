//! The documents of the xAPI endpoints, and the known definitions of activities.
//!
//! * `xapi_document`: a document that a platform stores here under a name, byte for byte. `belongs_to` is a digest of
//!   the resource with its activity and its agent, `key` one of that with the registration and the name: names have no
//!   longest length, and keys of an index have. A removed document is gone; documents are not evidence.
//! * `activity_definition`: an activity's definitions from statements, merged. `key` is a digest of its IRI,
//!   `statement` the newest statement that is in it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLES: &[&str] = &[
    "CREATE TABLE xapi_document (
        platform_id BIGINT NOT NULL REFERENCES platform (id),
        key {blob} NOT NULL,
        belongs_to {blob} NOT NULL,
        resource TEXT NOT NULL CHECK (resource IN ('state', 'activity_profile', 'agent_profile')),
        activity TEXT,
        agent {blob},
        registration {blob},
        name {blob} NOT NULL,
        content_type TEXT NOT NULL,
        content {blob} NOT NULL,
        digest {blob} NOT NULL,
        stored_at BIGINT NOT NULL,
        PRIMARY KEY (key, platform_id)
    )",
    "CREATE INDEX xapi_document_belongs ON xapi_document (belongs_to, platform_id)",
    "CREATE TABLE activity_definition (
        platform_id BIGINT NOT NULL REFERENCES platform (id),
        key {blob} NOT NULL,
        iri TEXT NOT NULL,
        definition TEXT NOT NULL,
        statement BIGINT NOT NULL,
        PRIMARY KEY (key, platform_id)
    )",
];

const UNDONE: &[&str] = &["DROP TABLE activity_definition", "DROP TABLE xapi_document"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // A failing migration on SQLite would otherwise leave its first tables behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let blob = match manager.get_database_backend() {
            DbBackend::Postgres => "BYTEA",
            _ => "BLOB",
        };
        for sql in TABLES {
            manager.get_connection().execute_unprepared(&sql.replace("{blob}", blob)).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for sql in UNDONE {
            manager.get_connection().execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
