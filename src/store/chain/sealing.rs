//! Sealing: writes the next link, over what was committed since the last.
//!
//! It reads a snapshot and writes a few rows in a separate transaction, so that no writer waits for the reading. Two
//! processes that seal at once make the same link; the second finds its number taken.

use sea_orm::{ConnectionTrait, SqlErr, Value};

use super::facet::{Facet, facets};
use super::rows::{LEAF_ROWS, Row, by_instant, by_key};
use super::{
    BEFORE_ALL, Head, Leaf, LeafRow, Link, LinkDigesting, alterations, clock, entries_of, leaf_digest, newest,
};
use crate::store::clock::begin_immediate;
use crate::store::rows::insertion::insert_in_chunks;
use crate::store::sql::statement;
use crate::store::{Store, StoreError};

/// About how many deliveries, learners and events are sealed in one link; a single change may have more.
const IDS_AT_ONCE: i64 = 50_000;

/// The outcome of sealing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// Nothing had been recorded since the last link.
    Nothing,
    /// Sealed up to here; `is_all` if nothing is left to seal.
    Through { head: Head, is_all: bool },
    /// The transaction-time clock is before the newest link: it was set back.
    ClockSetBack,
}

impl Store {
    /// Seals the next link. `reader` is the version that reads deliveries now; `now` is used if a first link must note
    /// mutable rows.
    pub async fn seal_some(&self, reader: &str, now: chrono::DateTime<chrono::Utc>) -> Result<Sealed, StoreError> {
        if newest(self.pool_of_readers()).await?.is_none() {
            self.note_what_was_there(now).await?;
        }
        let snapshot = self.open_snapshot().await?;
        let connection = snapshot.connection();
        let before = newest(connection).await?.unwrap_or(BEFORE_ALL);
        let Some((at, next_id)) = clock(connection).await? else { return Ok(Sealed::ClockSetBack) };
        if at < before.through || (before.number > 0 && next_id < before.next_id) {
            return Ok(Sealed::ClockSetBack);
        }
        if at == before.through {
            return Ok(Sealed::Nothing);
        }
        let (through, next_id) = match nearer(connection, &before, next_id).await? {
            Some(nearer) => nearer,
            None => (at, next_id),
        };
        let number = before.number + 1;
        let mut digesting = LinkDigesting::begin(&before.digest, number, through, next_id, reader);
        let mut leaves = Vec::new();
        let mut facets: Vec<Facet> = facets().collect();
        facets.sort_by_key(Facet::name);
        for facet in &facets {
            let gathering = Gathering { facet, number, before: before.through, through, clock: at };
            leaves.extend(match facet.late {
                None => gathering.recorded(connection).await?,
                Some(_) => gathering.ended(connection).await?,
            });
        }
        drop(snapshot);
        if leaves.is_empty() && before.number > 0 && through == at {
            // The clock moved, and nothing was recorded.
            return Ok(Sealed::Nothing);
        }
        for leaf in &leaves {
            leaf.put(&mut digesting.0);
        }
        let link = Link { number, through, next_id, reader: reader.to_owned(), digest: digesting.end() };
        let is_all = through == at;
        let head = Head::from(&link);
        self.write_link(link, leaves).await?;
        Ok(Sealed::Through { head, is_all })
    }

    /// Before the first link, notes the current content of rows that change in place.
    async fn note_what_was_there(&self, now: chrono::DateTime<chrono::Utc>) -> Result<(), StoreError> {
        let change = self.open_change(now).await?;
        if alterations::note_the_unnoted(&change).await? == 0 {
            return change.roll_back().await;
        }
        change.commit().await
    }

    async fn write_link(&self, link: Link, leaves: Vec<Leaf>) -> Result<(), StoreError> {
        let transaction = begin_immediate(self).await?;
        let sql = "INSERT INTO chain_link (number, through, next_id, reader, digest) VALUES ($1, $2, $3, $4, $5)";
        let values: [Value; 5] = [
            link.number.into(),
            link.through.into(),
            link.next_id.into(),
            link.reader.into(),
            link.digest.to_vec().into(),
        ];
        match transaction.execute_raw(statement(&transaction, sql, values)).await {
            Ok(_) => {}
            // Another process sealed it.
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        let rows: Vec<LeafRow> = leaves.into_iter().map(LeafRow::from).collect();
        insert_in_chunks(&transaction, &rows, &|_| {}).await?;
        Ok(transaction.commit().await?)
    }
}

/// If much is left to seal: an earlier instant at which a link ends, and the next id there.
async fn nearer(
    connection: &impl ConnectionTrait,
    before: &Link,
    next_id: i64,
) -> Result<Option<(i64, i64)>, StoreError> {
    if next_id.saturating_sub(before.next_id) <= IDS_AT_ONCE {
        return Ok(None);
    }
    let sql = "SELECT id, received_at FROM delivery WHERE id >= $1 ORDER BY id LIMIT 1";
    let from = before.next_id.saturating_add(IDS_AT_ONCE);
    let row = connection.query_one_raw(statement(connection, sql, [from.into()])).await?;
    let Some(row) = row else { return Ok(None) };
    let (id, received_at): (i64, i64) = (row.try_get("", "id")?, row.try_get("", "received_at")?);
    let through = received_at.saturating_sub(1);
    Ok((through > before.through).then_some((through, id)))
}

/// The leaves of a facet in a new link.
struct Gathering<'a> {
    facet: &'a Facet,
    number: i64,
    before: i64,
    through: i64,
    /// Nothing is recorded after it.
    clock: i64,
}

impl Gathering<'_> {
    /// Rows that were recorded since the last link. A row with an instant that was never given out is included: it must
    /// not keep others out, and checking finds it.
    async fn recorded(&self, connection: &impl ConnectionTrait) -> Result<Vec<Leaf>, StoreError> {
        let mut leaves = Vec::new();
        let mut after = last_key(connection, &self.facet.name()).await?;
        loop {
            let (mut rows, mut is_all) = by_key(connection, self.facet, (after, i64::MAX), LEAF_ROWS).await?;
            let is_later = |row: &Row| row.instant.is_some_and(|at| at > self.through && at <= self.clock);
            if let Some(first) = rows.iter().position(is_later) {
                rows.truncate(first);
                is_all = true;
            }
            if let Some(last) = rows.last().map(|row| row.key) {
                leaves.push(self.leaf(leaves.len(), &rows, (after, last)));
                after = last;
            }
            if is_all {
                return Ok(leaves);
            }
        }
    }

    /// What was set at instants since the last link.
    async fn ended(&self, connection: &impl ConnectionTrait) -> Result<Vec<Leaf>, StoreError> {
        let mut leaves = Vec::new();
        let mut following = (i64::MIN, i64::MIN);
        loop {
            let between = (self.before, self.through);
            let rows = by_instant(connection, self.facet, between, following, LEAF_ROWS).await?;
            let Some(last) = rows.last() else { return Ok(leaves) };
            following = (last.instant.unwrap_or(i64::MAX), last.key);
            leaves.push(self.leaf(leaves.len(), &rows, (0, 0)));
        }
    }

    fn leaf(&self, part: usize, rows: &[Row], (after_key, last_key): (i64, i64)) -> Leaf {
        let column_count = self.facet.columns().len();
        Leaf {
            link: self.number,
            facet: self.facet.name(),
            part: i64::try_from(part).unwrap_or(i64::MAX),
            column_count: i64::try_from(column_count).unwrap_or(i64::MAX),
            after_key,
            last_key,
            row_count: i64::try_from(rows.len()).unwrap_or(i64::MAX),
            digest: leaf_digest(self.facet, column_count, rows),
            entries: entries_of(rows, column_count),
        }
    }
}

/// The last key of a facet that is sealed.
pub(super) async fn last_key(connection: &impl ConnectionTrait, facet: &str) -> Result<i64, StoreError> {
    let sql = "SELECT last_key FROM chain_leaf WHERE facet = $1 ORDER BY link DESC, part DESC LIMIT 1";
    let row = connection.query_one_raw(statement(connection, sql, [facet.into()])).await?;
    Ok(row.map(|row| row.try_get("", "last_key")).transpose()?.unwrap_or(i64::MIN))
}
