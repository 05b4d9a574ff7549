//! What statements say about activities: one definition each, as JSON, for each platform separately.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::domain::ids::PlatformId;
use crate::store::StoreError;
use crate::store::rows::question::each;
use crate::store::rows::{Bytes, names, parameter, row, table};
use crate::store::sql::statement;

/// What is known of an activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDefinition {
    /// A JSON object.
    pub definition: String,
    /// The id of the newest statement in it.
    pub statement: i64,
}

/// The platform of an activity, and its IRI.
pub type ActivityName = (PlatformId, String);

fn key_of(iri: &str) -> [u8; 32] {
    Sha256::digest(iri.as_bytes()).into()
}

/// What is known of an activity, as a JSON object; `None` if no statement describes it.
pub async fn definition_of(
    connection: &impl ConnectionTrait,
    platform: PlatformId,
    iri: &str,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT definition FROM activity_definition WHERE key = $1 AND platform_id = $2";
    let values: [Value; 2] = [key_of(iri).to_vec().into(), platform.0.into()];
    let row = connection.query_one_raw(statement(connection, sql, values)).await?;
    Ok(row.map(|row| row.try_get("", "definition")).transpose()?)
}

row! {
    #[derive(Debug, Serialize)]
    struct LookupKey<'a> {
        platform: i64,
        key: Bytes<&'a [u8]>,
    }
}

/// What is known of some activities; unknown ones are left out.
pub async fn definitions_of(
    connection: &impl ConnectionTrait,
    activities: impl IntoIterator<Item = (PlatformId, &str)>,
) -> Result<BTreeMap<ActivityName, KnownDefinition>, StoreError> {
    let keys: Vec<(i64, [u8; 32])> = activities.into_iter().map(|(platform, iri)| (platform.0, key_of(iri))).collect();
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let lookups: Vec<LookupKey<'_>> =
        keys.iter().map(|(platform, key)| LookupKey { platform: *platform, key: Bytes(key) }).collect();
    let requested = table::<LookupKey<'_>>(connection, 1, "w");
    let of = "a.key = w.key AND a.platform_id = w.platform";
    let stored = each(connection, "activity_definition", "a", of);
    let sql = format!(
        "SELECT a.platform_id AS platform_id, a.iri AS iri, a.definition AS definition, a.statement AS statement
         FROM {requested} {stored}"
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [parameter(&lookups)?])).await?;
    let read = |row: &sea_orm::QueryResult| {
        let name = (PlatformId(row.try_get("", "platform_id")?), row.try_get("", "iri")?);
        let known =
            KnownDefinition { definition: row.try_get("", "definition")?, statement: row.try_get("", "statement")? };
        Ok((name, known))
    };
    rows.iter().map(read).collect()
}

row! {
    #[derive(Debug, Serialize)]
    struct DefinitionRow<'a> in activity_definition {
        platform_id: i64,
        key: Bytes<&'a [u8]>,
        iri: &'a str,
        definition: &'a str,
        statement: i64,
    }
}

/// Stores what is now known of activities.
pub(super) async fn keep_definitions(
    connection: &impl ConnectionTrait,
    known: &BTreeMap<ActivityName, KnownDefinition>,
) -> Result<(), StoreError> {
    if known.is_empty() {
        return Ok(());
    }
    let keys: Vec<[u8; 32]> = known.keys().map(|(_, iri)| key_of(iri)).collect();
    let rows: Vec<DefinitionRow<'_>> = known
        .iter()
        .zip(&keys)
        .map(|(((platform, iri), known), key)| DefinitionRow {
            platform_id: platform.0,
            key: Bytes(key),
            iri,
            definition: &known.definition,
            statement: known.statement,
        })
        .collect();
    let names = names::<DefinitionRow<'_>>();
    let given = table::<DefinitionRow<'_>>(connection, 1, "given_rows");
    let sql = format!(
        "INSERT INTO activity_definition ({names}) SELECT {names} FROM {given} WHERE TRUE
         ON CONFLICT (key, platform_id)
         DO UPDATE SET definition = excluded.definition, statement = excluded.statement"
    );
    connection.execute_raw(statement(connection, &sql, [parameter(&rows)?])).await?;
    Ok(())
}
