//! Checking: recomputes each digest of the chain from the current rows, and names the differences.

mod altered;
mod ended;
mod links;
mod recorded;

use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, Value};

use super::facet::{Facet, facets};
use super::fault::{Fault, LinkName, RowName, recovered};
use super::rows::{COLUMN_DIGEST, ColumnValue, Row, called};
use super::scope::Scope;
use super::{Leaf, LeafRow, Link, clock, newest};
use crate::store::StoreError;
use crate::store::sql::statement;

/// How many leaves are read at a time.
const LEAVES_AT_ONCE: u64 = 64;
/// How many uncovered rows are named for each table.
const NAMED: u64 = 20;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    pub links: u64,
    pub rows: u64,
    pub faults: Vec<Fault>,
    /// The number of faults found after the first ones.
    pub more: u64,
    pub first_broken: Option<LinkName>,
}

impl Found {
    /// The most faults that are named.
    const AT_MOST: usize = 1000;

    fn add(&mut self, fault: Fault) {
        self.first_broken = self.first_broken.into_iter().chain(fault.link()).min();
        if self.faults.len() < Self::AT_MOST { self.faults.push(fault) } else { self.more += 1 }
    }
}

/// Checks the chain against the rows of a snapshot.
pub async fn check<C: ConnectionTrait>(
    connection: &C,
    scope: Scope,
    progress: &mut (dyn FnMut(u64) + Send + Sync),
) -> Result<Found, StoreError> {
    let mut checking = Checking { connection, scope, progress, found: Found::default() };
    let Some(head) = newest(connection).await? else {
        checking.unnoted().await?;
        return Ok(checking.found);
    };
    let now = checking.clock(&head).await?;
    checking.links(&head).await?;
    for facet in facets() {
        match facet.late {
            None => checking.recorded(&facet, &head, now).await?,
            Some(_) => checking.ended(&facet, &head, now).await?,
        }
    }
    checking.altered().await?;
    checking.unnoted().await?;
    Ok(checking.found)
}

fn leaf_of(row: &QueryResult) -> Result<Leaf, StoreError> {
    Ok(LeafRow::from_query_result(row, "")?.into())
}

/// A leaf's entry for one row.
type Entry<'a> = (i64, &'a [u8]);

impl Leaf {
    fn columns(&self, facet: &Facet) -> usize {
        usize::try_from(self.column_count).unwrap_or_default().min(facet.columns().len())
    }

    fn entries(&self, columns: usize) -> impl Iterator<Item = Entry<'_>> {
        let chunks = self.entries.chunks_exact(8 + columns * COLUMN_DIGEST);
        chunks.filter_map(|chunk| {
            let (key, digests) = chunk.split_first_chunk::<8>()?;
            Some((i64::from_be_bytes(*key), digests))
        })
    }
}

struct Checking<'a, C> {
    connection: &'a C,
    scope: Scope,
    progress: &'a mut (dyn FnMut(u64) + Send + Sync),
    found: Found,
}

impl<C: ConnectionTrait> Checking<'_, C> {
    async fn query(&self, sql: &str, values: Vec<Value>) -> Result<Vec<QueryResult>, StoreError> {
        Ok(self.connection.query_all_raw(statement(self.connection, sql, values)).await?)
    }

    fn count(&mut self, rows: usize) {
        self.found.rows += rows as u64;
        (self.progress)(rows as u64);
    }

    async fn name(&self, facet: &Facet, key: i64) -> Result<RowName, StoreError> {
        let called = called(self.connection, facet.table, key).await?;
        Ok(RowName { table: facet.table.name, key: key.to_string(), called })
    }

    /// The instant of the transaction-time clock, which is not before the head.
    async fn clock(&mut self, head: &Link) -> Result<i64, StoreError> {
        let link = LinkName { number: head.number, through: head.through };
        let Some((at, next_id)) = clock(self.connection).await? else {
            self.found.add(Fault::ClockGone);
            return Ok(i64::MAX);
        };
        if at < head.through {
            self.found.add(Fault::ClockSetBack { at, link });
            return Ok(head.through);
        }
        if next_id < head.next_id {
            self.found.add(Fault::IdsSetBack { next_id, should: head.next_id, link });
        }
        Ok(at)
    }

    /// Names the columns of a row that are not as they were sealed.
    async fn compare(
        &mut self,
        facet: &Facet,
        row: &Row,
        sealed: &[u8],
        (rows, link): (&[Row], LinkName),
    ) -> Result<(), StoreError> {
        for (place, (column_values, sealed)) in row.columns.iter().zip(sealed.chunks_exact(COLUMN_DIGEST)).enumerate() {
            let Ok(sealed) = <[u8; COLUMN_DIGEST]>::try_from(sealed) else { continue };
            if column_values.short_digest() == sealed {
                continue;
            }
            let others: Vec<ColumnValue> = rows.iter().filter_map(|row| row.columns.get(place).cloned()).collect();
            let column = facet.columns().get(place).map_or("", |(name, _)| *name);
            let fault = Fault::Changed {
                row: self.name(facet, row.key).await?,
                column,
                should: recovered(sealed, column_values, &others),
                stands: column_values.shown(),
                link: Some(link),
            };
            self.found.add(fault);
        }
        Ok(())
    }
}
