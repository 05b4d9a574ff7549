//! Rows that links cover when they are recorded.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;
use sha2::{Digest, Sha256};

use super::{Checking, LEAVES_AT_ONCE, NAMED, leaf_of};
use crate::store::StoreError;
use crate::store::chain::facet::Facet;
use crate::store::chain::fault::{Fault, LinkName, RowName};
use crate::store::chain::rows::{LEAF_ROWS, Row, by_key};
use crate::store::chain::scope::LINKS_AT_ONCE;
use crate::store::chain::sealing::last_key;
use crate::store::chain::{Leaf, LeafRow, Link, LinkDigest};
use crate::store::rows::selected;

/// A leaf with the instants that its link covers.
struct Bounded {
    leaf: Leaf,
    before: Option<i64>,
    through: Option<i64>,
}

impl Bounded {
    fn link(&self) -> LinkName {
        LinkName { number: self.leaf.link, through: self.through.unwrap_or_default() }
    }
}

/// A leaf's digest while it is computed.
struct LeafDigesting(Sha256);

impl LeafDigesting {
    fn begin(facet: &Facet, columns: usize) -> Self {
        let mut digest = Sha256::new();
        digest.update(facet.name());
        for (name, _) in facet.columns().iter().take(columns) {
            digest.update([0]);
            digest.update(name);
        }
        Self(digest)
    }

    fn add(&mut self, key: i64, row: LinkDigest) {
        self.0.update(key.to_be_bytes());
        self.0.update(row);
    }

    fn end(self) -> LinkDigest {
        self.0.finalize().into()
    }
}

impl<C: ConnectionTrait> Checking<'_, C> {
    /// Checks the rows that links cover when they are recorded.
    pub(super) async fn recorded(&mut self, facet: &Facet, head: &Link, now: i64) -> Result<(), StoreError> {
        let of = i64::from(self.scope.of.max(1));
        let leaf = selected::<LeafRow>("l");
        let sql = format!(
            "SELECT {leaf}, k.through AS through, (SELECT p.through FROM chain_link p WHERE p.number = l.link - 1) AS before
             FROM chain_leaf l LEFT JOIN chain_link k ON k.number = l.link
             WHERE l.facet = $1 AND (l.link, l.part) > ($2, $3)
                 AND ((l.link / {LINKS_AT_ONCE}) % {of} = $4 OR l.link >= $5)
             ORDER BY l.link, l.part LIMIT {LEAVES_AT_ONCE}"
        );
        let name = facet.name();
        let block = i64::from(self.scope.part.saturating_sub(1));
        let mut following = (i64::MIN, i64::MIN);
        let mut sealed_to = None;
        loop {
            let values = vec![
                name.as_str().into(),
                following.0.into(),
                following.1.into(),
                block.into(),
                self.scope.newest_from.into(),
            ];
            let rows = self.query(&sql, values).await?;
            let mut leaves = Vec::with_capacity(rows.len());
            for row in &rows {
                let bounds = (row.try_get("", "before")?, row.try_get("", "through")?);
                leaves.push(Bounded { leaf: leaf_of(row)?, before: bounds.0, through: bounds.1 });
            }
            let Some(last) = leaves.last() else { break };
            following = (last.leaf.link, last.leaf.part);
            for together in in_runs(&leaves) {
                if let (Some(first), Some(last)) = (together.first(), together.last()) {
                    let is_whole = self.scope.of <= 1;
                    if is_whole && sealed_to.unwrap_or(i64::MIN) != first.leaf.after_key {
                        self.found.add(Fault::Leaf { facet: name.clone(), link: first.link() });
                    }
                    sealed_to = Some(last.leaf.last_key);
                }
                self.run(facet, together).await?;
            }
        }
        self.beyond(facet, head, now).await
    }

    /// Checks consecutive leaves, whose rows are read together.
    async fn run(&mut self, facet: &Facet, leaves: &[Bounded]) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (leaves.first(), leaves.last()) else { return Ok(()) };
        let columns = |bounded: &Bounded| bounded.leaf.columns(facet);
        let mut digesting: Vec<LeafDigesting> =
            leaves.iter().map(|bounded| LeafDigesting::begin(facet, columns(bounded))).collect();
        let mut after = first.leaf.after_key;
        loop {
            let (rows, is_all) = by_key(self.connection, facet, (after, last.leaf.last_key), LEAF_ROWS).await?;
            self.count(rows.len());
            for row in &rows {
                let place = leaves.partition_point(|bounded| bounded.leaf.last_key < row.key);
                let (Some(bounded), Some(digesting)) = (leaves.get(place), digesting.get_mut(place)) else { continue };
                digesting.add(row.key, row.digest(columns(bounded)));
                self.in_time(facet, row, bounded).await?;
            }
            match rows.last() {
                Some(last) if !is_all => after = last.key,
                _ => break,
            }
        }
        for (bounded, digesting) in leaves.iter().zip(digesting) {
            if digesting.end() != bounded.leaf.digest {
                self.examine(facet, bounded).await?;
            }
        }
        Ok(())
    }

    /// Checks that a row's columns are possible, and that its instant lies within its link. The digest can match
    /// although these are wrong.
    async fn in_time(&mut self, facet: &Facet, row: &Row, bounded: &Bounded) -> Result<(), StoreError> {
        if let Some(column) = &row.impossible {
            let fault = Fault::Impossible { row: self.name(facet, row.key).await?, column: column.clone() };
            self.found.add(fault);
        }
        let (Some(at), Some(through)) = (row.instant, bounded.through) else { return Ok(()) };
        if at > through || bounded.before.is_some_and(|before| at <= before) {
            let fault = Fault::OutOfTime { row: self.name(facet, row.key).await?, at, link: bounded.link() };
            self.found.add(fault);
        }
        Ok(())
    }

    /// Finds the rows of a leaf that are not as they were.
    async fn examine(&mut self, facet: &Facet, bounded: &Bounded) -> Result<(), StoreError> {
        let (leaf, link) = (&bounded.leaf, bounded.link());
        let columns = leaf.columns(facet);
        let mut entries: BTreeMap<i64, Vec<&[u8]>> = BTreeMap::new();
        for (key, digests) in leaf.entries(columns) {
            entries.entry(key).or_default().push(digests);
        }
        let before = self.found.faults.len() as u64 + self.found.more;
        let mut after = leaf.after_key;
        loop {
            let (rows, is_all) = by_key(self.connection, facet, (after, leaf.last_key), LEAF_ROWS).await?;
            for row in &rows {
                let sealed = entries.get_mut(&row.key).filter(|sealed| !sealed.is_empty());
                match sealed.map(|sealed| take_like(sealed, row, columns)) {
                    Some(sealed) => self.compare(facet, row, sealed, (&rows, link)).await?,
                    None => {
                        let fault = Fault::Added { row: self.name(facet, row.key).await?, link: Some(link) };
                        self.found.add(fault);
                    }
                }
            }
            match rows.last() {
                Some(last) if !is_all => after = last.key,
                _ => break,
            }
        }
        for (key, left) in entries {
            for _ in left {
                let row = RowName { table: facet.table.name, key: key.to_string(), called: None };
                self.found.add(Fault::Gone { row, link: Some(link) });
            }
        }
        if before == self.found.faults.len() as u64 + self.found.more {
            self.found.add(Fault::Leaf { facet: leaf.facet.clone(), link });
        }
        Ok(())
    }

    /// Rows that no link covers must have been recorded after the head.
    async fn beyond(&mut self, facet: &Facet, head: &Link, now: i64) -> Result<(), StoreError> {
        let Some(instant) = facet.table.instant else { return Ok(()) };
        let key = facet.table.key;
        let sql = format!(
            "SELECT CAST({key} AS BIGINT) AS k, CAST({instant} AS BIGINT) AS i FROM {} t
             WHERE {key} > $1 AND ({instant} IS NULL OR {instant} <= $2 OR {instant} > $3) ORDER BY {key} LIMIT {NAMED}",
            facet.table.source()
        );
        let last = last_key(self.connection, &facet.name()).await?;
        for row in self.query(&sql, vec![last.into(), head.through.into(), now.into()]).await? {
            // The row that the instant comes from is not there.
            let (key, at): (i64, Option<i64>) = (row.try_get("", "k")?, row.try_get("", "i")?);
            let row = self.name(facet, key).await?;
            let column = instant.trim_start_matches("t.");
            self.found.add(match at {
                Some(at) if at > now => {
                    Fault::InTheFuture { row, column: if column.contains(' ') { "its instant" } else { column }, at }
                }
                _ => Fault::Added { row, link: None },
            });
        }
        Ok(())
    }
}

/// Runs of consecutive leaves without a gap, each of about a thousand rows.
fn in_runs(leaves: &[Bounded]) -> impl Iterator<Item = &[Bounded]> {
    let mut left = leaves;
    std::iter::from_fn(move || {
        let mut rows = 0;
        let mut end = None;
        let run = left.iter().take_while(|bounded| {
            let fits = end.is_none_or(|end| bounded.leaf.after_key == end) && rows < 1000;
            rows += bounded.leaf.row_count;
            end = Some(bounded.leaf.last_key);
            fits
        });
        let length = run.count();
        let (run, rest) = left.split_at(length);
        left = rest;
        (!run.is_empty()).then_some(run)
    })
}

/// The entry of a key that is most like a row; it is removed from `sealed`.
fn take_like<'e>(sealed: &mut Vec<&'e [u8]>, row: &Row, columns: usize) -> &'e [u8] {
    let own = row.short_digests(columns);
    let place = sealed.iter().position(|entry| *entry == own.as_slice()).unwrap_or_default();
    if place < sealed.len() { sealed.remove(place) } else { &[] }
}
