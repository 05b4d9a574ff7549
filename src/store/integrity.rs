//! Whether the database's own pages are sound: indexes match their tables, and pages have valid content.

use sea_orm::ConnectionTrait;

use super::chain::coverage::TABLES;
use super::chain::scope::Scope;
use super::sql::statement;
use super::{Store, StoreError};

/// What was found.
#[derive(Debug, Default)]
pub struct Pages {
    /// A sentence for each damage.
    pub damages: Vec<String>,
    /// What could not be checked.
    pub notes: Vec<String>,
}

/// Has the database check its pages; for one part of several, only some tables and their indexes.
pub async fn look(store: &Store, scope: Scope) -> Result<Pages, StoreError> {
    let mut pages = Pages::default();
    if store.is_sqlite() {
        of_sqlite(store, scope, &mut pages).await?;
    } else {
        of_postgres(store, scope, &mut pages).await?;
    }
    Ok(pages)
}

fn tables_in(scope: Scope) -> impl Iterator<Item = &'static str> {
    let places = (0_i64..).zip(TABLES);
    places.filter(move |(place, _)| scope.has_block(*place)).map(|(_, table)| table.name)
}

async fn of_sqlite(store: &Store, scope: Scope, pages: &mut Pages) -> Result<(), StoreError> {
    let checks: Vec<String> = if scope.of <= 1 {
        vec!["PRAGMA integrity_check".to_owned()]
    } else {
        tables_in(scope).map(|table| format!("PRAGMA integrity_check({table})")).collect()
    };
    for check in checks {
        for row in store.pool_of_readers().query_all_raw(statement(store.pool_of_readers(), &check, [])).await? {
            let message: String = row.try_get_by_index(0)?;
            if message != "ok" {
                let message = message.replace('\n', " ");
                pages.damages.push(format!("the database's file should be sound, and is not: {message}"));
            }
        }
    }
    Ok(())
}

async fn of_postgres(store: &Store, scope: Scope, pages: &mut Pages) -> Result<(), StoreError> {
    let connection = store.pool_of_readers();
    let query = async |sql: &str| connection.query_all_raw(statement(connection, sql, [])).await;
    let sums = query("SELECT current_setting('data_checksums') AS sums").await?;
    let sums: Option<String> = sums.first().map(|row| row.try_get("", "sums")).transpose()?;
    if sums.as_deref() == Some("on") {
        let failures =
            "SELECT COALESCE(checksum_failures, 0) AS failures, COALESCE(checksum_last_failure::text, '') AS at
                        FROM pg_stat_database WHERE datname = current_database()";
        if let Some(row) = query(failures).await?.first() {
            let (failures, at): (i64, String) = (row.try_get("", "failures")?, row.try_get("", "at")?);
            if failures > 0 {
                let reported =
                    format!("the database's checksums should fit its pages, and {failures} did not (the last at {at})");
                pages.damages.push(reported);
            }
        }
    } else {
        pages.notes.push("the PostgreSQL server has data_checksums off: pages that were changed on the disk are noticed only as far as the chain covers what is in them".to_owned());
    }
    let amcheck = query("SELECT 1 AS there FROM pg_extension WHERE extname = 'amcheck'").await?;
    if amcheck.is_empty() {
        pages.notes.push(
            "the extension amcheck is not installed in the database: indexes are checked only by reading with them"
                .to_owned(),
        );
    }
    for table in tables_in(scope) {
        // Each page is read, and its checksum with it.
        query(&format!("SELECT COUNT(*) AS rows FROM {table}")).await?;
        if amcheck.is_empty() {
            continue;
        }
        let sql = format!(
            "SELECT c.oid::regclass::text AS index_name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
             JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'btree' AND i.indrelid = '{table}'::regclass"
        );
        for row in query(&sql).await? {
            let name: String = row.try_get("", "index_name")?;
            if let Err(error) = query(&format!("SELECT bt_index_check('{name}'::regclass, true) AS checked")).await {
                pages.damages.push(format!("the index {name} should have what its table has, and has not: {error}"));
            }
        }
    }
    Ok(())
}
