//! The chain: digests over everything that a report can depend on, in the order in which it was recorded.
//!
//! Every change takes the transaction-time clock first, so all changes have an order. A **link** covers what was
//! recorded or ended at the instants after the previous link, up to its own. Its digest covers the previous link's
//! digest and its own **leaves**; each leaf is the digest of at most a thousand rows of one table. Links are sealed
//! after receiving ([`sealing`]), from committed data: no request waits for them. [`checking`] recomputes each digest
//! from the current rows.
//!
//! Rows that change in place have no instants by which a link could find them again. Their content after each change is
//! written with the change ([`alterations`]), and links cover that. Start at [`coverage`] for what is covered, and how.
//!
//! Anyone who can write the database can recompute the whole chain. So its head is shown where it may be written down
//! elsewhere: a recomputed chain has other digests from its first changed link on.

pub mod alterations;
pub mod checking;
pub mod coverage;
pub mod facet;
pub mod fault;
pub mod rows;
pub mod scope;
pub mod sealing;
pub mod table;

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, QueryResult};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::rows::{Bytes, row};
use super::sql::statement;
use super::{StoreError, instant};
use facet::Facet;
use rows::{COLUMN_DIGEST, Row};

/// A digest of the chain.
pub type LinkDigest = [u8; 32];

/// A link without its leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// From 1 on.
    pub number: i64,
    pub through: i64,
    pub next_id: i64,
    pub reader: String,
    pub digest: LinkDigest,
}

/// Where the chain ends: what is worth writing down elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub number: i64,
    /// The transaction time up to which it covers.
    pub through: DateTime<Utc>,
    pub digest: LinkDigest,
}

impl std::fmt::Display for Head {
    /// `INSTANT:DIGEST`, as `verify --head` takes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let through = self.through.to_rfc3339_opts(SecondsFormat::Micros, true);
        write!(f, "{through}:{}", hex::encode(self.digest))
    }
}

impl From<&Link> for Head {
    fn from(link: &Link) -> Self {
        Self { number: link.number, through: instant::read(link.through), digest: link.digest }
    }
}

/// Before the first link.
const BEFORE_ALL: Link = Link { number: 0, through: i64::MIN, next_id: 0, reader: String::new(), digest: [0; 32] };

/// The digests of some rows of a facet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leaf {
    link: i64,
    facet: String,
    /// From 0 on within its link and facet.
    part: i64,
    /// It covers the first of the facet's columns.
    column_count: i64,
    /// Its rows have keys after this one, up to and including `last_key`.
    after_key: i64,
    last_key: i64,
    row_count: i64,
    digest: LinkDigest,
    /// For each row its key, and a short digest of each column.
    entries: Vec<u8>,
}

row! {
    /// A [`Leaf`] in its table.
    #[derive(Debug, Serialize, FromQueryResult)]
    struct LeafRow in chain_leaf {
        link: i64,
        facet: String,
        part: i64,
        column_count: i64,
        after_key: i64,
        last_key: i64,
        row_count: i64,
        digest: Bytes,
        entries: Bytes,
    }
}

impl From<Leaf> for LeafRow {
    fn from(leaf: Leaf) -> Self {
        let Leaf { link, facet, part, column_count, after_key, last_key, row_count, digest, entries } = leaf;
        let (digest, entries) = (Bytes(digest.to_vec()), Bytes(entries));
        Self { link, facet, part, column_count, after_key, last_key, row_count, digest, entries }
    }
}

impl From<LeafRow> for Leaf {
    /// A digest of another length becomes all zeros.
    fn from(row: LeafRow) -> Self {
        let LeafRow { link, facet, part, column_count, after_key, last_key, row_count, digest, entries } = row;
        let (digest, entries) = (digest.0.try_into().unwrap_or_default(), entries.0);
        Self { link, facet, part, column_count, after_key, last_key, row_count, digest, entries }
    }
}

/// The digest of rows of a facet.
fn leaf_digest(facet: &Facet, column_count: usize, rows: &[Row]) -> LinkDigest {
    let mut digest = Sha256::new();
    digest.update(facet.name());
    for (name, _) in facet.columns().iter().take(column_count) {
        digest.update([0]);
        digest.update(name);
    }
    for row in rows {
        digest.update(row.key.to_be_bytes());
        digest.update(row.digest(column_count));
    }
    digest.finalize().into()
}

/// The keys of rows, and the short digests of their columns.
fn entries_of(rows: &[Row], column_count: usize) -> Vec<u8> {
    let mut entries = Vec::with_capacity(rows.len() * (8 + column_count * COLUMN_DIGEST));
    for row in rows {
        entries.extend(row.key.to_be_bytes());
        entries.extend(row.short_digests(column_count));
    }
    entries
}

impl Leaf {
    fn put(&self, digest: &mut Sha256) {
        for text in [self.facet.as_bytes(), &self.entries] {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        for number in [self.part, self.column_count, self.after_key, self.last_key, self.row_count] {
            digest.update(number.to_be_bytes());
        }
        digest.update(self.digest);
    }
}

/// The digest of a link that follows another, over its leaves in the order of their facets and parts.
struct LinkDigesting(Sha256);

impl LinkDigesting {
    fn begin(before: &LinkDigest, number: i64, through: i64, next_id: i64, reader: &str) -> Self {
        let mut digest = Sha256::new();
        digest.update(b"kurskoll chain 1");
        digest.update(before);
        for number in [number, through, next_id] {
            digest.update(number.to_be_bytes());
        }
        digest.update((reader.len() as u64).to_be_bytes());
        digest.update(reader);
        Self(digest)
    }

    fn end(self) -> LinkDigest {
        self.0.finalize().into()
    }
}

fn digest_in(row: &QueryResult) -> Result<Option<LinkDigest>, StoreError> {
    let bytes: Vec<u8> = row.try_get("", "digest")?;
    Ok(bytes.try_into().ok())
}

const LINK: &str = "number, through, next_id, reader, digest";

fn link_of(row: &QueryResult) -> Result<Link, StoreError> {
    Ok(Link {
        number: row.try_get("", "number")?,
        through: row.try_get("", "through")?,
        next_id: row.try_get("", "next_id")?,
        reader: row.try_get("", "reader")?,
        // A digest of another length matches nothing.
        digest: digest_in(row)?.unwrap_or_default(),
    })
}

/// The newest link, if there is one.
pub(super) async fn newest(connection: &impl ConnectionTrait) -> Result<Option<Link>, StoreError> {
    let sql = format!("SELECT {LINK} FROM chain_link ORDER BY number DESC LIMIT 1");
    let row = connection.query_one_raw(statement(connection, &sql, [])).await?;
    row.as_ref().map(link_of).transpose()
}

/// Where the chain ends, if it has begun.
pub async fn head(connection: &impl ConnectionTrait) -> Result<Option<Head>, StoreError> {
    Ok(newest(connection).await?.as_ref().map(Head::from))
}

/// The link that ends at an instant, if there is one.
pub async fn ending_at(connection: &impl ConnectionTrait, through: DateTime<Utc>) -> Result<Option<Head>, StoreError> {
    let sql = format!("SELECT {LINK} FROM chain_link WHERE through = $1");
    let row = connection.query_one_raw(statement(connection, &sql, [instant::stored(through).into()])).await?;
    Ok(row.as_ref().map(link_of).transpose()?.as_ref().map(Head::from))
}

/// The version that read deliveries at an instant: the `reader` of the link that covers it.
pub async fn reader_at(connection: &impl ConnectionTrait, at: DateTime<Utc>) -> Result<Option<String>, StoreError> {
    let sql = "SELECT reader FROM chain_link WHERE through >= $1 ORDER BY through LIMIT 1";
    let row = connection.query_one_raw(statement(connection, sql, [instant::stored(at).into()])).await?;
    Ok(row.map(|row| row.try_get("", "reader")).transpose()?)
}

/// The instant of the transaction-time clock, and the next id; `None` if its row is gone.
pub async fn clock(connection: &impl ConnectionTrait) -> Result<Option<(i64, i64)>, StoreError> {
    let row = connection.query_one_raw(statement(connection, "SELECT at, next_id FROM transaction_clock", [])).await?;
    row.map(|row| Ok((row.try_get("", "at")?, row.try_get("", "next_id")?))).transpose()
}
