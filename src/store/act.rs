//! Acts: the only way to people's data. A caller that reads or changes something begins an act, and the act leaves an
//! audit entry.
//!
//! A [`Scope`] says which people an act may see. No other code can build one: [`Store::begin_read`] makes it together
//! with the audit entry of the read, and [`Store::begin_change`] together with a change that can only be committed with
//! such an entry. Store functions that read people, counts of people or anything that belongs to an administration take
//! a `Scope`. Code that forgets the permission or the audit entry does not compile.
//!
//! The service's own work (receiving, refreshing the read model, verifying) has no caller whose permission could be
//! checked. It uses [`Unscoped`], and `tests/access.rs` lists every place that does.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use sea_orm::{EntityTrait, Set};

use super::clock::Change;
use super::entities::audit_entry;
use super::{Pool, Snapshot, Store, StoreError};
use crate::domain::access::{Grant, Visible};
use crate::domain::calendar::CityCalendar;

/// What an audit entry says was done, and to what.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// `noun.verb`, for example `report.read`.
    pub action: &'static str,
    pub object: &'a str,
}

/// The author of an act: the grant that permits it, and the request that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    pub grant: &'a Grant,
    /// Ties the audit entry to the log.
    pub request_id: &'a str,
}

/// Writes an entry, at the change's own instant; returns its id.
async fn leave_entry(change: &Change, author: Author<'_>, entry: Act<'_>) -> Result<i64, StoreError> {
    let row = audit_entry::ActiveModel {
        at: Set(change.at()),
        subject: Set(author.grant.subject().to_owned()),
        action: Set(entry.action.to_owned()),
        object: Set(entry.object.to_owned()),
        scope: Set(author.grant.visible().to_string()),
        request_id: Set(author.request_id.to_owned()),
        ..Default::default()
    };
    Ok(audit_entry::Entity::insert(row).exec(change.connection()).await?.last_insert_id)
}

/// The people whom an act may see. Only acts make a scope, and it is not copied out of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Scope {
    visible: Visible,
    /// Turns instants into the days on which a person belonged to the caller.
    calendar: CityCalendar,
}

impl Scope {
    /// The people in it.
    #[must_use]
    pub const fn visible(&self) -> &Visible {
        &self.visible
    }

    /// Whether it is the whole city.
    #[must_use]
    pub const fn is_all(&self) -> bool {
        self.visible.is_all()
    }

    #[must_use]
    pub(super) const fn calendar(&self) -> CityCalendar {
        self.calendar
    }
}

/// Work of the service itself, which no caller requested or which must see more than its caller may. Each use is listed
/// in `tests/access.rs`, with the reason that is written here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unscoped {
    /// What platforms send, and what they may read back: a platform sees its own data, by its own permission.
    Receiving,
    /// The read model: states, links and digests are derived for everybody.
    Deriving,
    /// Whether the stored data is whole, and the service well: figures without people.
    Operating,
    /// What an import would change, planned before the change that leaves the entry.
    Planning,
    /// Settings, requirements, platforms and keys: not about any person.
    Configuration,
    /// A figure of one scope that depends on everybody: which employee an identity fits, and whose results wait.
    RestsOnEverybody,
}

impl Unscoped {
    /// The whole city, for work that has no caller.
    #[must_use]
    pub fn scope(self) -> Scope {
        Scope { visible: Visible::All, calendar: CityCalendar::default() }
    }
}

/// A read whose audit entry is committed.
#[derive(Debug)]
pub struct AuditedRead {
    scope: Scope,
    entry_id: i64,
    known_at: DateTime<Utc>,
}

impl AuditedRead {
    /// The transaction time of the audit entry. Everything recorded from here on is later.
    #[must_use]
    pub const fn known_at(&self) -> DateTime<Utc> {
        self.known_at
    }

    /// Opens what the act reads from.
    pub async fn open(self, store: &Store) -> Result<Reading, StoreError> {
        Ok(Reading { scope: self.scope, entry_id: self.entry_id, snapshot: store.open_snapshot().await? })
    }
}

/// An act that reads: a scope, and one read snapshot.
#[derive(Debug)]
pub struct Reading {
    scope: Scope,
    entry_id: i64,
    snapshot: Snapshot,
}

impl Reading {
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The id of the act's audit entry. Entries with a smaller id existed before the act.
    #[must_use]
    pub const fn entry_id(&self) -> i64 {
        self.entry_id
    }
}

impl Deref for Reading {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.snapshot
    }
}

/// An act that changes something: a scope, and a [`Change`] that is committed with an audit entry or not at all.
#[derive(Debug)]
pub struct Changing<'a> {
    scope: Scope,
    change: Change,
    author: Author<'a>,
    has_entry: AtomicBool,
}

impl<'a> Changing<'a> {
    /// A caller's change over one that was begun in another way: with ids reserved for a batch, for example.
    pub(super) fn over(change: Change, author: Author<'a>, calendar: CityCalendar) -> Self {
        let scope = Scope { visible: author.grant.visible().clone(), calendar };
        Self { scope, change, author, has_entry: AtomicBool::new(false) }
    }

    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The author of the change, as facts name them.
    #[must_use]
    pub fn subject(&self) -> &'a str {
        self.author.grant.subject()
    }

    /// The grant and the request of the change.
    #[must_use]
    pub const fn author(&self) -> Author<'a> {
        self.author
    }

    /// Makes the change durable, with its audit entry.
    pub async fn commit(self, entry: Act<'_>) -> Result<(), StoreError> {
        self.note(entry).await?;
        self.change.commit().await
    }

    /// Writes a separate audit entry for one of several things that the change does.
    pub async fn note(&self, entry: Act<'_>) -> Result<(), StoreError> {
        leave_entry(&self.change, self.author, entry).await?;
        self.has_entry.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Commits a change that has noted what it does. If nothing was noted, it rolls back.
    pub async fn commit_noted(self) -> Result<(), StoreError> {
        match self.has_entry.load(Ordering::Relaxed) {
            true => self.change.commit().await,
            false => self.change.roll_back().await,
        }
    }

    /// Undoes everything, the audit entry included.
    pub async fn roll_back(self) -> Result<(), StoreError> {
        self.change.roll_back().await
    }
}

impl Deref for Changing<'_> {
    type Target = Change;

    fn deref(&self) -> &Change {
        &self.change
    }
}

impl Store {
    /// Leaves the audit entry of a read, and moves the transaction-time clock to now. Everything recorded from here on
    /// is later than the instant of the act.
    pub async fn begin_read(
        &self,
        author: Author<'_>,
        entry: Act<'_>,
        (now, calendar): (DateTime<Utc>, CityCalendar),
    ) -> Result<AuditedRead, StoreError> {
        let change = self.open_change(now).await?;
        let entry_id = leave_entry(&change, author, entry).await?;
        let known_at = change.known_at();
        change.commit().await?;
        Ok(AuditedRead { scope: Scope { visible: author.grant.visible().clone(), calendar }, entry_id, known_at })
    }

    /// Begins a change that a caller makes.
    pub async fn begin_change<'a>(
        &self,
        author: Author<'a>,
        (now, calendar): (DateTime<Utc>, CityCalendar),
    ) -> Result<Changing<'a>, StoreError> {
        Ok(Changing::over(self.open_change(now).await?, author, calendar))
    }

    /// A change that the service itself makes.
    pub async fn change(&self, _: Unscoped, now: DateTime<Utc>) -> Result<Change, StoreError> {
        self.open_change(now).await
    }

    /// A read snapshot for the service's own work.
    pub async fn snapshot(&self, _: Unscoped) -> Result<Snapshot, StoreError> {
        self.open_snapshot().await
    }

    /// The pool, for a single statement of the service's own work.
    #[must_use]
    pub const fn connection(&self, _: Unscoped) -> &Pool {
        self.pool_of_readers()
    }
}
