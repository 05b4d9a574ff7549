//! The history of an employee: what became known to the register, from whom, and when.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::app::compliance::refresh::versions_of_all;
use crate::app::linking::unlinked::concealed;
use crate::app::reports::clocks::{Clocks, ViewError};
use crate::app::{App, Caller};
use crate::domain::access::{Action, OwnDays, Refused};
use crate::domain::calendar::{LAST_DAY, Stretch};
use crate::domain::compliance::state::Case;
use crate::domain::directory::merge::Merges;
use crate::domain::directory::records::PersonRecord;
use crate::domain::directory::succession::Successions;
use crate::domain::history::scoped::{on_own_days, through, windows, with_addresses_of_then};
use crate::domain::history::{
    Entry, Kind, Place, Received, Story, Version, entries_of, entries_of_decision, entries_of_merge,
    entries_of_proposal,
};
use crate::domain::ids::{EmployeeId, EmployeeNumber, EventId};
use crate::store::history::{self, WhoDidIt};
use crate::store::people::KnownEmployee;
use crate::store::whose::Whose;
use crate::store::{
    Act, Connection, Scope, StoreError, Unscoped, corrections, employees, merges, merging, people, platforms,
    proposals, protection, reorganisations,
};

/// Which part of a history is requested.
#[derive(Debug, Clone, Copy)]
pub struct HistoryRequest {
    /// The place of the last entry that the caller has seen.
    pub after: Option<Place>,
    pub kind: Option<Kind>,
    pub at_most: usize,
}

/// An entry, with who recorded it and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributedEntry {
    pub entry: Entry,
    /// A token's subject, `operator`, or `platform CODE`; `None` if no audit entry says it.
    pub by: Option<String>,
    pub how: How,
}

/// How something became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Import,
    Correction,
    Scim,
    Link,
    Exemption,
    PriorTraining,
    Withdrawal,
    Delivery,
    Merge,
    Other,
}

impl How {
    pub const ALL: [Self; 10] = [
        Self::Import,
        Self::Correction,
        Self::Scim,
        Self::Link,
        Self::Exemption,
        Self::PriorTraining,
        Self::Withdrawal,
        Self::Delivery,
        Self::Merge,
        Self::Other,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Correction => "correction",
            Self::Scim => "scim",
            Self::Link => "link",
            Self::Exemption => "exemption",
            Self::PriorTraining => "prior_training",
            Self::Withdrawal => "withdrawal",
            Self::Delivery => "delivery",
            Self::Merge => "merge",
            Self::Other => "other",
        }
    }

    /// Derived from the action of an audit entry.
    fn of(action: &str) -> Self {
        match action.split('.').next().unwrap_or_default() {
            "directory" => Self::Import,
            "employee" => Self::Correction,
            "scim" => Self::Scim,
            "link" => Self::Link,
            "merge" => Self::Merge,
            "exemption" => Self::Exemption,
            "prior_training" => Self::PriorTraining,
            "result" => Self::Withdrawal,
            _ => Self::Other,
        }
    }
}

/// A page of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryAnswer {
    pub number: EmployeeNumber,
    pub entries: Vec<AttributedEntry>,
    /// The place after which the next page begins; `None`: there are no more entries.
    pub next: Option<Place>,
}

/// Why no history was shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowHistoryError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no employee {0} is known here today")]
    UnknownEmployee(EmployeeNumber),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Shows the history of an employee in the order in which it became known; the read is audited.
    ///
    /// A caller that sees some administrations only gets what belongs to the days on which the person is, was or will
    /// be their own. The same goes for employments: one that moved there from elsewhere begins with the move.
    pub async fn show_history(
        &self,
        caller: &Caller,
        number: &EmployeeNumber,
        request: HistoryRequest,
    ) -> Result<HistoryAnswer, ShowHistoryError> {
        let grant = caller.grant(Action::ReadPeople)?;
        let object = format!("history of employee {number}");
        let act = self.audited_read(caller, &grant, Act { action: "employee.history", object: &object }).await?;
        let view = match self.view(Clocks::default(), act).await {
            Ok(view) => view,
            Err(ViewError::Store(error)) => return Err(error.into()),
            Err(ViewError::FutureKnownAt(_)) => return Err(ShowHistoryError::UnknownEmployee(number.clone())),
        };
        let connection = view.snapshot.connection();
        let unknown = || ShowHistoryError::UnknownEmployee(number.clone());
        let id = people::by_number(connection, number).await?.unwrap_or(EmployeeId::NOBODY);
        let merges = merges::merges(connection, None).await?;
        let id = merges.person(id);
        let scope = view.snapshot.scope();
        let found = employees::known(connection, scope, Whose::Only(&[id]), None).await?;
        let employee = found.into_values().find(|found| scope.knows(found, number)).ok_or_else(unknown)?;
        let own = scope.own_days(&employee);
        let seen = Seen { scope, own: &own, employee: &employee, now: view.known_at };
        let story = self.story_of(connection, &merges, &seen).await?;
        let (entries, next) = story.page(request.after, request.kind, request.at_most);
        let entries = self.who_said_so(connection, id, &merges, entries, &own).await?;
        Ok(HistoryAnswer { number: employee.number, entries, next })
    }

    /// The whole history of an employee as far as the caller may see it: what was recorded under each of the employee's
    /// numbers, and how the numbers were merged.
    pub(in crate::app) async fn story_of(
        &self,
        connection: &impl Connection,
        merges: &Merges,
        seen: &Seen<'_>,
    ) -> Result<Story, StoreError> {
        let id = seen.employee.id;
        let tree = reorganisations::successions(connection, None).await?;
        let counting = self.evidence_on_own_days(connection, seen).await?;
        let numbers: BTreeSet<EmployeeId> = merges.duplicates_of(id).chain([id]).collect();
        let mut parts = Vec::new();
        for (of, number) in people::numbers_of(connection, &numbers).await? {
            let number = EmployeeNumber::parse(&number);
            let unreadable = |_| StoreError::Unreadable { table: "employee", column: "number" };
            parts.push((of, number.map_err(unreadable)?));
        }
        parts.sort();
        let mut stories = Vec::new();
        for (of, number) in parts {
            let mut part = self.part_of(connection, (of, &number), &tree, seen, &counting).await?;
            if number != seen.employee.number && seen.employee.merged_numbers.contains(&number) {
                for entry in &mut part.entries {
                    entry.merged_number = Some(number.clone());
                }
            }
            stories.push(part);
        }
        let current = stories.iter().flat_map(|part| &part.protected).any(|(_, until)| until.is_none());
        let protected: Vec<Protected> = stories.iter().flat_map(|part| part.protected.iter().copied()).collect();
        let mut entries: Vec<Entry> = stories.into_iter().flat_map(|part| part.entries).collect();
        // One link by hand may appear under several of these numbers, and is shown once.
        let mut links: Vec<Entry> = Vec::new();
        entries.retain(|entry| {
            let link = (entry.kind == Kind::Link).then(|| Entry { merged_number: None, ..entry.clone() });
            let is_new = link.as_ref().is_none_or(|link| !links.contains(link));
            links.extend(link.filter(|_| is_new));
            is_new
        });
        let results = history::results(connection, id, self.calendar).await?;
        let results: Vec<_> = results.into_iter().filter(|result| self.shows(seen.own, &counting, result)).collect();
        entries.extend(entries_of(&results).into_iter().map(from_platform));
        let shown: BTreeSet<(&str, &EventId)> =
            results.iter().map(|result| (result.record.platform.as_str(), &result.record.event_id)).collect();
        for (platform, decision) in &history::result_decisions(connection, id).await? {
            if shown.contains(&(platform.as_str(), &decision.event_id)) {
                entries.extend(entries_of_decision(decision, platform).into_iter().map(|entry| {
                    // Whether the reason is shown depends on the day of the decision.
                    let is_own = seen.own.contains(self.calendar.day_of(entry.known_at));
                    Entry { reason: entry.reason.filter(|_| is_own), by: entry.by.filter(|_| is_own), ..entry }
                }));
            }
        }
        let made = merging::of_employee(connection, id).await?;
        let of_merges = made.iter().flat_map(entries_of_merge);
        entries.extend(of_merges.filter(|entry| seen.own.contains(self.calendar.day_of(entry.known_at))));
        let mut story = Story::of(entries);
        story.protect(current, &protected);
        Ok(story)
    }

    /// The results that are evidence on some own day, with the days of each; none for a caller that sees all, who is
    /// shown all.
    async fn evidence_on_own_days(
        &self,
        connection: &impl Connection,
        seen: &Seen<'_>,
    ) -> Result<Counting, StoreError> {
        if *seen.own == OwnDays::All {
            return Ok(Counting::default());
        }
        let mut found =
            employees::known(connection, &Unscoped::RestsOnEverybody.scope(), Whose::Only(&[seen.employee.id]), None)
                .await?;
        people::attach_linked_results(connection, &mut found, self.calendar).await?;
        let platforms = platforms::list(connection).await?;
        let code_of = |id| platforms.iter().find(|platform| platform.id == id).map(|p| p.code.to_string());
        let mut counting = Counting::default();
        for versions in versions_of_all(connection).await?.values() {
            for (person, version) in found.values().flat_map(|e| versions.iter().map(move |v| (&e.person, v))) {
                for (_, piece, holds) in Case::new(person, version).evidence(LAST_DAY) {
                    let key = (code_of(piece.platform).unwrap_or_default(), piece.event_id.clone());
                    counting.0.entry(key).or_default().push(holds);
                }
            }
        }
        Ok(counting)
    }

    /// Whether a result belongs to own days: it happened on one, or is evidence that holds on one.
    fn shows(&self, own: &OwnDays, counting: &Counting, result: &Version<Received>) -> bool {
        let Received { platform, event_id, occurred_at, .. } = &result.record;
        own.includes_result(self.calendar.day_of(*occurred_at), counting.holds(platform, event_id))
    }

    async fn part_of(
        &self,
        connection: &impl Connection,
        (id, number): (EmployeeId, &EmployeeNumber),
        tree: &Successions,
        seen: &Seen<'_>,
        counting: &Counting,
    ) -> Result<Part, StoreError> {
        let Seen { scope, own, employee, now } = *seen;
        let mut facts = history::facts(connection, (id, number)).await?;
        let protected = protected_during(&facts.persons);
        // A caller whose administrations have an employment now, or had it in some tree, is shown it.
        facts.employments.retain(|version| {
            let record = &version.record;
            tree.places(&record.as_recorded()).into_iter().any(|code| scope.visible().includes_of(employee.id, code))
        });
        let mut links = history::links(connection, (id, number), scope.is_all()).await?;
        // If an address links to another employee who is protected, it would reveal that employee's address.
        let linked: BTreeMap<_, _> =
            people::ids_of(connection, links.iter().filter_map(|l| l.record.employee_number.as_ref()))
                .await?
                .into_iter()
                .collect();
        let protected_now = protection::protected_among(connection, &linked.values().copied().collect()).await?;
        for link in &mut links {
            let whose = link.record.employee_number.as_ref().and_then(|number| linked.get(number));
            if whose.is_some_and(|whose| protected_now.contains(whose)) {
                link.record.identity = concealed(link.record.identity.clone());
            }
        }
        let first = facts.employments.iter().map(|version| version.recorded_at).min();
        let first = match first {
            Some(first) => first,
            None => people::known_since(connection, employee.id).await?,
        };
        if let Some(windows) = windows(own, self.calendar, first, now) {
            let is_shown = *number == employee.number || employee.merged_numbers.contains(number);
            facts.persons = if is_shown { through(facts.persons, &windows) } else { Vec::new() };
            facts.identities = through(facts.identities, &windows);
            // A link of another administration's days shows an address of those days.
            links.retain(|version| own.contains(self.calendar.day_of(version.recorded_at)));
            links = through(links, &windows);
        }
        let mut entries = entries_of(&with_addresses_of_then(facts.employments, own.known_until(self.calendar)));
        entries.extend(entries_of(&facts.persons));
        entries.extend(entries_of(&on_own_days(facts.absences, own, self.calendar)));
        entries.extend(entries_of(&on_own_days(facts.exemptions, own, self.calendar)));
        entries.extend(entries_of(&facts.identities));
        entries.extend(entries_of(&links));
        for proposal in proposals::of_employee(connection, id).await? {
            let event = proposal.as_result().map(|result| result.event_id);
            let holds = event.iter().flat_map(|event_id| counting.holds("", event_id));
            let seen = own.proposal(&proposal, self.calendar, holds);
            entries.extend(seen.iter().flat_map(entries_of_proposal));
        }
        Ok(Part { entries, protected })
    }

    /// Adds who recorded each entry, from the audit entry of the same instant, and a correction's reason. Both are left
    /// out for days that are not the caller's.
    pub(in crate::app) async fn who_said_so(
        &self,
        connection: &impl Connection,
        employee: EmployeeId,
        merges: &Merges,
        entries: Vec<Entry>,
        own: &OwnDays,
    ) -> Result<Vec<AttributedEntry>, StoreError> {
        let instants: BTreeSet<DateTime<Utc>> = entries.iter().map(|entry| entry.known_at).collect();
        let who: BTreeMap<DateTime<Utc>, WhoDidIt> = history::who_did_it(connection, &instants).await?;
        let mut reasons = corrections::reasons(connection, employee).await?;
        for duplicate in merges.duplicates_of(employee) {
            reasons.extend(corrections::reasons(connection, duplicate).await?);
        }
        let described = entries.into_iter().map(|mut entry| {
            let is_own = own.contains(self.calendar.day_of(entry.known_at));
            let who = who.get(&entry.known_at).filter(|_| is_own || entry.kind == Kind::Result);
            let how = match (entry.kind, who) {
                (Kind::Result, _) => How::Delivery,
                (_, Some(who)) => How::of(&who.action),
                (_, None) => How::Other,
            };
            if entry.reason.is_none() && is_own {
                entry.reason = reasons.get(&entry.known_at).cloned();
            }
            let by = entry.by.take().filter(|_| is_own || entry.kind == Kind::Result);
            let by = by.or_else(|| who.map(|who| who.subject.clone()));
            AttributedEntry { entry, by, how }
        });
        Ok(described.collect())
    }
}

/// For which caller a history is, and of which employee.
#[derive(Debug, Clone, Copy)]
pub(in crate::app) struct Seen<'a> {
    pub scope: &'a Scope,
    /// The employee's days that are the caller's own.
    pub own: &'a OwnDays,
    /// As the caller knows them.
    pub employee: &'a KnownEmployee,
    /// The transaction time of the history.
    pub now: DateTime<Utc>,
}

/// The results that are evidence, by platform (empty: none) and event, with the days on which they hold.
#[derive(Debug, Default)]
struct Counting(BTreeMap<(String, EventId), Vec<Stretch>>);

impl Counting {
    fn holds(&self, platform: &str, event_id: &EventId) -> impl Iterator<Item = Stretch> {
        self.0.get(&(platform.to_owned(), event_id.clone())).into_iter().flatten().copied()
    }
}

/// From when until when (`None`: still) an employee's data were protected.
type Protected = (DateTime<Utc>, Option<DateTime<Utc>>);

/// What was recorded under one employee number.
struct Part {
    entries: Vec<Entry>,
    protected: Vec<Protected>,
}

fn protected_during(persons: &[Version<PersonRecord>]) -> Vec<Protected> {
    let protected = persons.iter().filter(|version| version.record.protected);
    protected.map(|version| (version.recorded_at, version.superseded_at)).collect()
}

fn from_platform(entry: Entry) -> Entry {
    let platform = entry.changes.iter().find(|change| change.field == "platform").and_then(|c| c.after.clone());
    Entry { by: platform.map(|code| format!("platform {code}")), ..entry }
}
