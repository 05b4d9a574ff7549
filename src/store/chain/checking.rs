//! Checking: each digest of the chain made anew from the rows that are there now, and what differs named.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult, Value};
use sha2::{Digest, Sha256};

use super::alterations::KeptTable;
use super::coverage::{Facet, TABLES, facets};
use super::fault::{Fault, LinkName, RowName, recovered};
use super::rows::{COLUMN_DIGEST, Held, LEAF_ROWS, Row, by_instant, by_key, called};
use super::sealing::last_key;
use super::{BEFORE_ALL, LINK, Leaf, LeafRow, Link, LinkDigest, LinkDigesting, alterations, clock, link_of, newest};
use crate::store::StoreError;
use crate::store::rows::selected;
use crate::store::sql::statement;

/// How many links are checked together.
const LINKS_AT_ONCE: i64 = 256;
/// How many leaves are read at a time.
const LEAVES_AT_ONCE: u64 = 64;
/// How many rows that nothing covers are named of each table.
const NAMED: u64 = 20;

/// Which links to check: those of one part of several, and the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// From 1 on.
    pub part: u32,
    pub of: u32,
    /// Links from this one on are checked in every part.
    pub newest_from: i64,
}

impl Scope {
    /// Everything.
    pub const ALL: Self = Self { part: 1, of: 1, newest_from: i64::MAX };

    /// Whether a block of rows, or of links, is among them.
    #[must_use]
    pub fn has_block(&self, block: i64) -> bool {
        block.rem_euclid(i64::from(self.of.max(1))) == i64::from(self.part.saturating_sub(1))
    }

    fn has_link(&self, number: i64) -> bool {
        number >= self.newest_from || self.has_block(number / LINKS_AT_ONCE)
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    pub links: u64,
    pub rows: u64,
    pub faults: Vec<Fault>,
    /// Those that were found beyond the first.
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

fn leaf_of(row: &QueryResult) -> Result<Leaf, StoreError> {
    Ok(LeafRow::from_query_result(row, "")?.into())
}

/// What a leaf says of one row.
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

/// A leaf's digest on its way.
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

    /// Where the clock stands, which is not before the head.
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

    /// The digests of the links themselves.
    async fn links(&mut self, head: &Link) -> Result<(), StoreError> {
        let mut before = BEFORE_ALL;
        while before.number < head.number {
            let (first, last) = (before.number + 1, before.number + LINKS_AT_ONCE);
            let sql = format!("SELECT {LINK} FROM chain_link WHERE number >= $1 AND number <= $2 ORDER BY number");
            let rows = self.query(&sql, vec![first.into(), last.into()]).await?;
            let links: Vec<Link> = rows.iter().map(link_of).collect::<Result<_, _>>()?;
            let is_in_scope = (first..=last).any(|number| self.scope.has_link(number));
            let digests = if is_in_scope { self.link_digests(&before, &links).await? } else { BTreeMap::new() };
            for link in links {
                for number in before.number + 1..link.number.min(before.number + 100) {
                    self.found.add(Fault::LinkGone { number });
                }
                let fits = digests.get(&link.number).is_none_or(|should| *should == link.digest);
                if !fits || link.through <= before.through {
                    self.found.add(Fault::Link(LinkName { number: link.number, through: link.through }));
                }
                self.found.links += u64::from(is_in_scope);
                before = link;
            }
            if before.number < last && before.number < head.number {
                // Whole stretches of it are gone.
                self.found.add(Fault::LinkGone { number: before.number + 1 });
                before = Link { number: last.min(head.number), ..before };
            }
        }
        Ok(())
    }

    /// What the digests of links that follow each other should be.
    async fn link_digests(&self, before: &Link, links: &[Link]) -> Result<BTreeMap<i64, LinkDigest>, StoreError> {
        let mut digesting = BTreeMap::new();
        let mut previous = before.digest;
        for link in links {
            digesting.insert(
                link.number,
                LinkDigesting::begin(&previous, link.number, link.through, link.next_id, &link.reader),
            );
            previous = link.digest;
        }
        let (Some(first), Some(last)) = (links.first(), links.last()) else { return Ok(BTreeMap::new()) };
        let leaf = selected::<LeafRow>("l");
        let sql = format!(
            "SELECT {leaf} FROM chain_leaf l WHERE (l.link, l.facet, l.part) > ($1, $2, $3) AND l.link <= $4
             ORDER BY l.link, l.facet, l.part LIMIT {LEAVES_AT_ONCE}"
        );
        let mut following = (first.number, String::new(), -1);
        let mut leaves: Vec<Leaf> = Vec::new();
        loop {
            let (link, facet, part) = following;
            let values = vec![link.into(), facet.into(), part.into(), last.number.into()];
            let rows = self.query(&sql, values).await?;
            for row in &rows {
                leaves.push(leaf_of(row)?);
            }
            let Some(newest) = leaves.last() else { break };
            if rows.is_empty() {
                break;
            }
            following = (newest.link, newest.facet.clone(), newest.part);
            let complete = leaves.partition_point(|leaf| leaf.link < newest.link);
            put_in_order(leaves.drain(..complete).collect(), &mut digesting);
        }
        put_in_order(leaves, &mut digesting);
        Ok(digesting.into_iter().map(|(number, digesting)| (number, digesting.end())).collect())
    }

    /// The rows that links cover when they are recorded.
    async fn recorded(&mut self, facet: &Facet, head: &Link, now: i64) -> Result<(), StoreError> {
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

    /// Leaves that follow each other: their rows are read together.
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

    /// What a row says of itself that its digest does not need for being wrong.
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

    /// Which rows of a leaf are not as they were.
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

    /// Names the columns of a row that are not as they were sealed.
    async fn compare(
        &mut self,
        facet: &Facet,
        row: &Row,
        sealed: &[u8],
        (rows, link): (&[Row], LinkName),
    ) -> Result<(), StoreError> {
        for (place, (held, sealed)) in row.columns.iter().zip(sealed.chunks_exact(COLUMN_DIGEST)).enumerate() {
            let Ok(sealed) = <[u8; COLUMN_DIGEST]>::try_from(sealed) else { continue };
            if held.short_digest() == sealed {
                continue;
            }
            let others: Vec<Held> = rows.iter().filter_map(|row| row.columns.get(place).cloned()).collect();
            let column = facet.columns().get(place).map_or("", |(name, _)| *name);
            let fault = Fault::Changed {
                row: self.name(facet, row.key).await?,
                column,
                should: recovered(sealed, held, &others),
                stands: held.shown(),
                link: Some(link),
            };
            self.found.add(fault);
        }
        Ok(())
    }

    /// Rows that no link covers were recorded after the head.
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
            // Without an instant, what it is of is not there.
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

    /// What links cover when it is set.
    async fn ended(&mut self, facet: &Facet, head: &Link, now: i64) -> Result<(), StoreError> {
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

    /// The same in some links that follow each other.
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
        let digests = chunks.map(|rows| super::leaf_digest(facet, columns, rows));
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

    /// What stands in a column of a row; nothing where there is no row.
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

    /// Rows that change in place, with what was noted of each when it last changed.
    async fn altered(&mut self) -> Result<(), StoreError> {
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
                let Some(KeptTable { table, columns, .. }) = alterations::kept(name) else { continue };
                let keys: Vec<String> = noted.iter().map(|one| one.key.clone()).collect();
                let rows = alterations::rows_of(self.connection, name, &keys).await?;
                let rows: BTreeMap<&str, &[Held]> =
                    rows.iter().map(|row| (row.key.as_str(), row.columns.as_slice())).collect();
                for one in noted {
                    let row = RowName { table: table.name, key: one.key.clone(), called: None };
                    match rows.get(one.key.as_str()) {
                        None if one.is_gone() => {}
                        None => self.found.add(Fault::Gone { row, link: None }),
                        Some(_) if one.is_gone() => self.found.add(Fault::Added { row, link: None }),
                        Some(held) => {
                            let noted: Vec<&[u8]> = one.columns.chunks_exact(COLUMN_DIGEST).collect();
                            for place in one.differing(held) {
                                let (Some(held), Some(noted)) = (held.get(place), noted.get(place)) else { continue };
                                let noted = <[u8; COLUMN_DIGEST]>::try_from(*noted).unwrap_or_default();
                                let is_secret = columns.get(place).is_some_and(|(name, _)| is_secret(name));
                                self.found.add(Fault::Changed {
                                    row: row.clone(),
                                    column: columns.get(place).map_or("", |(name, _)| *name),
                                    should: recovered(noted, held, &[]),
                                    stands: if is_secret { "another secret".to_owned() } else { held.shown() },
                                    link: None,
                                });
                            }
                        }
                    }
                }
            }
        }
    }

    /// Rows that change in place and that nothing noted.
    async fn unnoted(&mut self) -> Result<(), StoreError> {
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

/// Whether a column holds a secret, which no sentence shows.
fn is_secret(column: &str) -> bool {
    ["secret", "secret_digest", "private_key"].contains(&column)
}

/// Leaves as their link's digest takes them.
fn put_in_order(mut leaves: Vec<Leaf>, digesting: &mut BTreeMap<i64, LinkDigesting>) {
    leaves.sort_by(|a, b| (a.link, &a.facet, a.part).cmp(&(b.link, &b.facet, b.part)));
    for leaf in leaves {
        if let Some(digesting) = digesting.get_mut(&leaf.link) {
            leaf.put(&mut digesting.0);
        }
    }
}

/// The entry of a key that is most like a row; it is taken away.
fn take_like<'e>(sealed: &mut Vec<&'e [u8]>, row: &Row, columns: usize) -> &'e [u8] {
    let own = row.short_digests(columns);
    let place = sealed.iter().position(|entry| *entry == own.as_slice()).unwrap_or_default();
    if place < sealed.len() { sealed.remove(place) } else { &[] }
}

/// Leaves of about a thousand rows that follow each other without a gap.
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
