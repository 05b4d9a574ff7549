//! Several users of an identity provider for one employee: a row for each, with the employments that it provisioned.
//!
//! A row's `id` is the employee's key and the generation, as `17-2`. Rows that were there keep the employee's key
//! alone: it is the name under which the chain of digests knows them. `governs` is a JSON list of employments' ids; the
//! only user of an employee provisioned all that have an id of a provider. `ended_at` is when the user was last
//! deactivated or deleted.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

const INDEXES: [&str; 3] = [
    "CREATE UNIQUE INDEX scim_user_name ON scim_user (user_name_key) WHERE deleted = FALSE",
    "CREATE INDEX scim_user_name_key ON scim_user (user_name_key)",
    "CREATE INDEX scim_user_external ON scim_user (external_id) WHERE external_id IS NOT NULL",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let aggregate = match manager.get_database_backend() {
            DbBackend::Postgres => "string_agg",
            _ => "group_concat",
        };
        let copied = format!(
            "INSERT INTO scim_user_anew
             SELECT CAST(u.employee_id AS TEXT), u.employee_id, u.generation, u.deleted, u.active, u.user_name,
                    u.user_name_key, u.external_id, u.provisioned, u.changed_at,
                    '[' || COALESCE((SELECT {aggregate}('\"' || f.employment_id || '\"', ',') FROM employment_fact f
                                     WHERE f.employee_id = u.employee_id AND f.superseded_at IS NULL
                                     AND f.employment_id LIKE 'scim:%' AND u.deleted = FALSE), '') || ']',
                    NULL
             FROM scim_user u"
        );
        let connection = manager.get_connection();
        connection
            .execute_unprepared(
                "CREATE TABLE scim_user_anew (
                     id TEXT PRIMARY KEY,
                     employee_id BIGINT NOT NULL REFERENCES employee (id),
                     generation INTEGER NOT NULL,
                     deleted BOOLEAN NOT NULL,
                     active BOOLEAN NOT NULL,
                     user_name TEXT NOT NULL,
                     user_name_key TEXT NOT NULL,
                     external_id TEXT,
                     provisioned TEXT NOT NULL,
                     changed_at BIGINT NOT NULL,
                     governs TEXT NOT NULL,
                     ended_at BIGINT
                 )",
            )
            .await?;
        for sql in [copied.as_str(), "DROP TABLE scim_user", "ALTER TABLE scim_user_anew RENAME TO scim_user"] {
            connection.execute_unprepared(sql).await?;
        }
        for sql in
            INDEXES.into_iter().chain(["CREATE UNIQUE INDEX scim_user_of ON scim_user (employee_id, generation)"])
        {
            connection.execute_unprepared(sql).await?;
        }
        Ok(())
    }

    /// Of several users of an employee the newest stays.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        for sql in [
            "CREATE TABLE scim_user_anew (
                 employee_id BIGINT PRIMARY KEY REFERENCES employee (id),
                 generation INTEGER NOT NULL,
                 deleted BOOLEAN NOT NULL,
                 active BOOLEAN NOT NULL,
                 user_name TEXT NOT NULL,
                 user_name_key TEXT NOT NULL,
                 external_id TEXT,
                 provisioned TEXT NOT NULL,
                 changed_at BIGINT NOT NULL
             )",
            "INSERT INTO scim_user_anew
             SELECT u.employee_id, u.generation, u.deleted, u.active, u.user_name, u.user_name_key, u.external_id, u.provisioned,
                    u.changed_at
             FROM scim_user u
             WHERE u.generation = (SELECT MAX(v.generation) FROM scim_user v WHERE v.employee_id = u.employee_id)",
            "DROP TABLE scim_user",
            "ALTER TABLE scim_user_anew RENAME TO scim_user",
        ] {
            connection.execute_unprepared(sql).await?;
        }
        for sql in INDEXES {
            connection.execute_unprepared(sql).await?;
        }
        Ok(())
    }
}
