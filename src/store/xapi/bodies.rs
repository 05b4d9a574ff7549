//! Reads the bytes of statements from the bodies of the deliveries that contain them.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;
use serde::Serialize;

use crate::store::StoreError;
use crate::store::rows::question::each;
use crate::store::rows::{parameter, row, table};
use crate::store::sql::statement;

/// The place of a statement's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub delivery: i64,
    pub offset: usize,
    pub length: usize,
}

row! {
    /// A range of a delivery's bytes that contains all statements requested from it.
    #[derive(Debug, Serialize)]
    struct Run {
        delivery: i64,
        first: usize,
        length: usize,
    }
}

/// The bytes of some statements, in the order of their places; each delivery is read once.
pub async fn read(connection: &impl ConnectionTrait, places: &[Place]) -> Result<Vec<String>, StoreError> {
    let mut runs: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
    for place in places {
        let end = place.offset.saturating_add(place.length);
        let run = runs.entry(place.delivery).or_insert((place.offset, end));
        *run = (run.0.min(place.offset), run.1.max(end));
    }
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<Run> = runs
        .iter()
        .map(|(delivery, (first, end))| Run { delivery: *delivery, first: *first, length: end - first })
        .collect();
    let asking = table::<Run>(connection, 1, "w");
    let stored = each(connection, "delivery", "d", "d.id = w.delivery");
    let sql = format!(
        "SELECT w.delivery AS delivery, substr(d.body, CAST(w.first AS INTEGER) + 1, CAST(w.length AS INTEGER)) AS bytes FROM {asking} {stored}"
    );
    let rows = connection.query_all_raw(statement(connection, &sql, [parameter(&keys)?])).await?;
    let mut bytes: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
    for row in rows {
        bytes.insert(row.try_get("", "delivery")?, row.try_get("", "bytes")?);
    }
    let unreadable = || StoreError::Unreadable { table: "statement", column: "body_offset" };
    let text = |place: &Place| {
        let (first, _) = runs.get(&place.delivery).ok_or_else(unreadable)?;
        let from = place.offset - first;
        let own = bytes.get(&place.delivery).and_then(|bytes| bytes.get(from..from + place.length));
        let text = std::str::from_utf8(own.ok_or_else(unreadable)?).map_err(|_| unreadable())?;
        Ok(text.to_owned())
    };
    places.iter().map(text).collect()
}
