//! Differences from what was sealed, and the sentences that describe them.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

use super::rows::{COLUMN_DIGEST, ColumnValue};
use crate::store::instant;

/// A link as it is named in sentences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkName {
    pub number: i64,
    pub through: i64,
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {} (through {})", self.number, shown(self.through))
    }
}

fn shown(at: i64) -> String {
    let at: DateTime<Utc> = instant::read(at);
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A row as it is named in sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowName {
    pub table: &'static str,
    pub key: String,
    pub called: Option<String>,
}

impl fmt::Display for RowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, key, called } = self;
        match called.as_deref().filter(|called| *called != key) {
            Some(called) => write!(f, "{table} {key} ({called})"),
            None => write!(f, "{table} {key}"),
        }
    }
}

/// The expected content of a column, as far as its digest reveals it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Should {
    /// The text that has the sealed digest.
    Be(String),
    Digest([u8; COLUMN_DIGEST]),
}

impl fmt::Display for Should {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Be(text) => f.write_str(text),
            Self::Digest(digest) => write!(f, "what has the digest {}", hex::encode(digest)),
        }
    }
}

/// One difference from what was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A column holds something else than was sealed.
    Changed {
        row: RowName,
        column: &'static str,
        should: Should,
        stands: String,
        link: Option<LinkName>,
    },
    /// A row that was recorded is gone.
    Gone {
        row: RowName,
        link: Option<LinkName>,
    },
    /// A row is there that was not recorded.
    Added {
        row: RowName,
        link: Option<LinkName>,
    },
    /// The instant of a column is not set, although a link covers it.
    NotSet {
        row: RowName,
        column: &'static str,
        stands: String,
        link: LinkName,
    },
    /// A column is set at an instant that a link covers, but was not sealed in that link.
    SetLater {
        row: RowName,
        column: &'static str,
        at: i64,
        link: Option<LinkName>,
    },
    /// A row says that it was recorded at an instant that its link does not cover.
    OutOfTime {
        row: RowName,
        at: i64,
        link: LinkName,
    },
    /// A row's recorded or ended instant is later than the transaction-time clock.
    InTheFuture {
        row: RowName,
        column: &'static str,
        at: i64,
    },
    /// A column holds a value that is not possible with the row's other columns.
    Impossible {
        row: RowName,
        column: String,
    },
    /// Leaves leave a gap between them, or a leaf's digest does not match its own entries.
    Leaf {
        facet: String,
        link: LinkName,
    },
    /// A link's digest is not that of its leaves and of the link before it.
    Link(LinkName),
    LinkGone {
        number: i64,
    },
    ClockGone,
    ClockSetBack {
        at: i64,
        link: LinkName,
    },
    IdsSetBack {
        next_id: i64,
        should: i64,
        link: LinkName,
    },
}

impl Fault {
    /// The link that the fault breaks.
    #[must_use]
    pub const fn link(&self) -> Option<LinkName> {
        match self {
            Self::Changed { link, .. }
            | Self::Gone { link, .. }
            | Self::Added { link, .. }
            | Self::SetLater { link, .. } => *link,
            Self::NotSet { link, .. } | Self::OutOfTime { link, .. } | Self::Leaf { link, .. } | Self::Link(link) => {
                Some(*link)
            }
            Self::InTheFuture { .. }
            | Self::Impossible { .. }
            | Self::LinkGone { .. }
            | Self::ClockGone
            | Self::ClockSetBack { .. }
            | Self::IdsSetBack { .. } => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { row, column, should, stands, link } => {
                write!(f, "{row}: {column} should be {should}, and is {stands}")?;
                in_link(f, *link)
            }
            Self::Gone { row, link } => {
                write!(f, "{row}: it should be there, and is gone")?;
                in_link(f, *link)
            }
            Self::Added { row, link } => {
                write!(f, "{row}: it should not be there, and is: nothing recorded it")?;
                in_link(f, *link)
            }
            Self::NotSet { row, column, stands, link } => {
                write!(f, "{row}: {column} should be an instant of {link}, and is {stands}")
            }
            Self::SetLater { row, column, at, link } => {
                write!(f, "{row}: {column} should not be {}, and is: it was not sealed then", shown(*at))?;
                in_link(f, *link)
            }
            Self::OutOfTime { row, at, link } => write!(
                f,
                "{row}: it says that it was recorded at {}, and it was not there before {link} was sealed",
                shown(*at)
            ),
            Self::InTheFuture { row, column, at } => {
                write!(f, "{row}: {column} should not be later than the transaction-time clock, and is {}", shown(*at))
            }
            Self::Impossible { row, column } => {
                write!(f, "{row}: {column} has a value that is not possible with the row's other columns")
            }
            Self::Leaf { facet, link } => {
                write!(f, "the leaves of {facet} in {link} do not fit each other: the chain itself was changed")
            }
            Self::Link(link) => write!(
                f,
                "{link}: its digest is not that of its leaves and of the link before it: the chain itself was changed"
            ),
            Self::LinkGone { number } => write!(f, "link {number}: it should be there, and is gone"),
            Self::ClockGone => f.write_str("transaction_clock: its row should be there, and is gone"),
            Self::ClockSetBack { at, link } => write!(
                f,
                "transaction_clock: at should be {} or later, and is {}: the clock was set back ({link})",
                shown(link.through),
                shown(*at)
            ),
            Self::IdsSetBack { next_id, should, link } => {
                write!(f, "transaction_clock: next_id should be {should} or more, and is {next_id} ({link})")
            }
        }
    }
}

fn in_link(f: &mut fmt::Formatter<'_>, link: Option<LinkName>) -> fmt::Result {
    link.map_or(Ok(()), |link| write!(f, " ({link})"))
}

/// The text of a short digest, if it is one of few: nothing, a day, a small number, one of our own values, or what
/// another row holds in the same column.
#[must_use]
pub fn recovered(digest: [u8; COLUMN_DIGEST], stands: &ColumnValue, others: &[ColumnValue]) -> Should {
    let fits = |column_values: &ColumnValue| column_values.short_digest() == digest;
    if let Some(other) = others.iter().find(|other| fits(other)) {
        return Should::Be(other.shown());
    }
    let found = few(stands).find(fits);
    found.map_or(Should::Digest(digest), |column_values| Should::Be(column_values.shown()))
}

const WORDS: [&str; 24] = [
    "true",
    "false",
    "accepted",
    "ignored",
    "quarantined",
    "completion",
    "attempt",
    "revocation",
    "permanent",
    "fixed_term",
    "hourly",
    "consultant",
    "trainee",
    "employee_number",
    "email",
    "username",
    "account",
    "full",
    "partial",
    "native",
    "xapi",
    "profile",
    "exemption",
    "prior_training",
];

fn few(stands: &ColumnValue) -> impl Iterator<Item = ColumnValue> {
    let numbers = (-1..=2000_i64)
        .flat_map(|number| [b'i', b't'].map(|kind| ColumnValue::of(kind, number.to_string().into_bytes())));
    let words = WORDS.iter().map(|word| ColumnValue::text(Some(word)));
    let looks_like_a_day = stands.is_nothing() || stands.is_day();
    let first = chrono::NaiveDate::from_ymd_opt(1990, 1, 1).unwrap_or_default();
    let days = first.iter_days().take(if looks_like_a_day { 365 * 70 } else { 0 });
    let days = days.map(|day| ColumnValue::text(Some(&day.to_string())));
    std::iter::once(ColumnValue::text(None)).chain(words).chain(numbers).chain(days)
}
