//! Rows that change in place.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;

use super::{Checking, NAMED};
use crate::store::StoreError;
use crate::store::chain::alterations::{self, MutableTable};
use crate::store::chain::coverage::TABLES;
use crate::store::chain::fault::{Fault, RowName, recovered};
use crate::store::chain::newest;
use crate::store::chain::rows::{COLUMN_DIGEST, ColumnValue, LEAF_ROWS};

impl<C: ConnectionTrait> Checking<'_, C> {
    /// Checks rows that change in place against what was noted when they last changed.
    pub(super) async fn altered(&mut self) -> Result<(), StoreError> {
        let mut after = i64::MIN;
        loop {
            let (noted, last) = alterations::newest_after(self.connection, after, LEAF_ROWS).await?;
            let Some(last) = last else { return Ok(()) };
            after = last;
            self.count(noted.len());
            let mut tables: BTreeMap<&str, Vec<&alterations::Noted>> = BTreeMap::new();
            for one in &noted {
                tables.entry(one.table.as_str()).or_default().push(one);
            }
            for (name, noted) in tables {
                let Some(MutableTable { table, columns, .. }) = alterations::mutable(name) else { continue };
                let keys: Vec<String> = noted.iter().map(|one| one.key.clone()).collect();
                let rows = alterations::rows_of(self.connection, name, &keys).await?;
                let rows: BTreeMap<&str, &[ColumnValue]> =
                    rows.iter().map(|row| (row.key.as_str(), row.columns.as_slice())).collect();
                for one in noted {
                    let row = RowName { table: table.name, key: one.key.clone(), called: None };
                    match rows.get(one.key.as_str()) {
                        None if one.is_gone() => {}
                        None => self.found.add(Fault::Gone { row, link: None }),
                        Some(_) if one.is_gone() => self.found.add(Fault::Added { row, link: None }),
                        Some(column_values) => {
                            let noted: Vec<&[u8]> = one.columns.chunks_exact(COLUMN_DIGEST).collect();
                            for place in one.differing(column_values) {
                                let (Some(column_values), Some(noted)) = (column_values.get(place), noted.get(place))
                                else {
                                    continue;
                                };
                                let noted = <[u8; COLUMN_DIGEST]>::try_from(*noted).unwrap_or_default();
                                let is_secret = columns.get(place).is_some_and(|(name, _)| is_secret(name));
                                self.found.add(Fault::Changed {
                                    row: row.clone(),
                                    column: columns.get(place).map_or("", |(name, _)| *name),
                                    should: recovered(noted, column_values, &[]),
                                    stands: if is_secret { "another secret".to_owned() } else { column_values.shown() },
                                    link: None,
                                });
                            }
                        }
                    }
                }
            }
        }
    }

    /// Finds rows that change in place and were never noted.
    pub(super) async fn unnoted(&mut self) -> Result<(), StoreError> {
        if newest(self.connection).await?.is_none() {
            // They are noted when the first link is sealed.
            return Ok(());
        }
        for table in TABLES {
            for row in alterations::unnoted(self.connection, table, NAMED).await? {
                let row = RowName { table: table.name, key: row.key, called: None };
                self.found.add(Fault::Added { row, link: None });
            }
        }
        Ok(())
    }
}

/// Whether a column holds a secret, which is never shown in a sentence.
fn is_secret(column: &str) -> bool {
    ["secret", "secret_digest", "private_key"].contains(&column)
}
