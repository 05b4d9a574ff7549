//! Columns that are set later than their row is recorded, and covered when they are set.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;

use super::{Checking, NAMED, leaf_of};
use crate::store::StoreError;
use crate::store::chain::facet::Facet;
use crate::store::chain::fault::{Fault, LinkName};
use crate::store::chain::rows::{LEAF_ROWS, Row, by_instant};
use crate::store::chain::scope::LINKS_AT_ONCE;
use crate::store::chain::{Leaf, LeafRow, Link, leaf_digest};
use crate::store::rows::selected;

impl<C: ConnectionTrait> Checking<'_, C> {
    /// Checks what links cover when it is set.
    pub(super) async fn ended(&mut self, facet: &Facet, head: &Link, now: i64) -> Result<(), StoreError> {
        let Some(late) = facet.late else { return Ok(()) };
        let mut first = 1;
        while first <= head.number {
            let last = ((first / LINKS_AT_ONCE + 1) * LINKS_AT_ONCE - 1).min(head.number);
            if self.scope.has_link(first) || self.scope.has_link(last) {
                self.ended_in(facet, first, last).await?;
            }
            first = last + 1;
        }
        let (key, table) = (facet.table.key, facet.table.name);
        let sql = format!(
            "SELECT CAST({key} AS BIGINT) AS k, CAST(t.{instant} AS BIGINT) AS i FROM {table} t WHERE t.{instant} > $1
             ORDER BY t.{instant} LIMIT {NAMED}",
            instant = late.instant
        );
        for row in self.query(&sql, vec![now.into()]).await? {
            let (key, at) = (row.try_get("", "k")?, row.try_get("", "i")?);
            let row = self.name(facet, key).await?;
            self.found.add(Fault::InTheFuture { row, column: late.instant, at });
        }
        Ok(())
    }

    /// Checks the same in some consecutive links.
    async fn ended_in(&mut self, facet: &Facet, first: i64, last: i64) -> Result<(), StoreError> {
        let sql = "SELECT number, through FROM chain_link WHERE number >= $1 AND number <= $2 ORDER BY number";
        let rows = self.query(sql, vec![(first - 1).into(), last.into()]).await?;
        let mut throughs: Vec<LinkName> = Vec::with_capacity(rows.len());
        for row in &rows {
            throughs.push(LinkName { number: row.try_get("", "number")?, through: row.try_get("", "through")? });
        }
        let Some(end) = throughs.last().copied() else { return Ok(()) };
        let begin = throughs.first().filter(|link| link.number < first).map_or(i64::MIN, |link| link.through);
        let mut leaves = self.leaves_of(facet, first, last).await?;
        let mut of_link: Vec<Row> = Vec::new();
        let mut current: Option<LinkName> = None;
        let mut following = (i64::MIN, i64::MIN);
        loop {
            let rows = by_instant(self.connection, facet, (begin, end.through), following, LEAF_ROWS).await?;
            self.count(rows.len());
            let Some(newest) = rows.last() else { break };
            following = (newest.instant.unwrap_or(i64::MAX), newest.key);
            for row in rows {
                let at = row.instant.unwrap_or_default();
                let link = throughs.get(throughs.partition_point(|link| link.through < at)).copied();
                if link != current {
                    if let Some(link) = current {
                        let sealed = leaves.remove(&link.number).unwrap_or_default();
                        self.compare_ended(facet, link, &of_link, sealed).await?;
                    }
                    of_link.clear();
                    current = link;
                }
                of_link.push(row);
            }
        }
        if let Some(link) = current {
            let sealed = leaves.remove(&link.number).unwrap_or_default();
            self.compare_ended(facet, link, &of_link, sealed).await?;
        }
        for (number, sealed) in leaves {
            let link = throughs.iter().copied().find(|link| link.number == number);
            let link = link.unwrap_or(LinkName { number, through: 0 });
            self.compare_ended(facet, link, &[], sealed).await?;
        }
        Ok(())
    }

    /// The leaves of a facet in some links.
    async fn leaves_of(&self, facet: &Facet, first: i64, last: i64) -> Result<BTreeMap<i64, Vec<Leaf>>, StoreError> {
        let leaf = selected::<LeafRow>("l");
        let sql = format!(
            "SELECT {leaf} FROM chain_leaf l WHERE l.facet = $1 AND l.link >= $2 AND l.link <= $3 ORDER BY l.link, l.part"
        );
        let mut leaves: BTreeMap<i64, Vec<Leaf>> = BTreeMap::new();
        for row in self.query(&sql, vec![facet.name().into(), first.into(), last.into()]).await? {
            let leaf = leaf_of(&row)?;
            leaves.entry(leaf.link).or_default().push(leaf);
        }
        Ok(leaves)
    }

    async fn compare_ended(
        &mut self,
        facet: &Facet,
        link: LinkName,
        rows: &[Row],
        sealed: Vec<Leaf>,
    ) -> Result<(), StoreError> {
        let Some(late) = facet.late else { return Ok(()) };
        let columns = sealed.first().map_or_else(|| facet.columns().len(), |leaf| leaf.columns(facet));
        let chunks = rows.chunks(usize::try_from(LEAF_ROWS).unwrap_or(usize::MAX));
        let digests = chunks.map(|rows| leaf_digest(facet, columns, rows));
        if digests.eq(sealed.iter().map(|leaf| leaf.digest)) {
            return Ok(());
        }
        let before = self.found.faults.len();
        let mut entries: BTreeMap<i64, &[u8]> = sealed.iter().flat_map(|leaf| leaf.entries(columns)).collect();
        for row in rows {
            match entries.remove(&row.key) {
                Some(sealed) => self.compare(facet, row, sealed, (rows, link)).await?,
                None => {
                    let name = self.name(facet, row.key).await?;
                    let at = row.instant.unwrap_or_default();
                    self.found.add(Fault::SetLater { row: name, column: late.instant, at, link: Some(link) });
                }
            }
        }
        for key in entries.into_keys() {
            let (name, stands) = (self.name(facet, key).await?, self.stands(facet, key, late.instant).await?);
            self.found.add(match stands {
                Some(stands) => Fault::NotSet { row: name, column: late.instant, stands, link },
                None => Fault::Gone { row: name, link: Some(link) },
            });
        }
        if before == self.found.faults.len() {
            self.found.add(Fault::Leaf { facet: facet.name(), link });
        }
        Ok(())
    }

    /// The current content of a row's column; `None` if there is no row.
    async fn stands(&self, facet: &Facet, key: i64, column: &str) -> Result<Option<String>, StoreError> {
        let sql = format!(
            "SELECT CAST(t.{column} AS TEXT) AS c FROM {} t WHERE {} = $1 LIMIT 1",
            facet.table.name, facet.table.key
        );
        let rows = self.query(&sql, vec![key.into()]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let stands: Option<String> = row.try_get("", "c")?;
        Ok(Some(stands.unwrap_or_else(|| "nothing".to_owned())))
    }
}
