//! The story of an employee: what the register came to know, from whom, and when.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::context::Act;
use super::knowledge::{Clocks, ViewError};
use super::show_employee::is_visible;
use super::{App, Asker};
use crate::domain::access::{Action, Refused, Visible};
use crate::domain::directory::merge::Merges;
use crate::domain::directory::records::PersonRecord;
use crate::domain::directory::succession::Successions;
use crate::domain::history::{Entry, Kind, Place, Story, Version, told, told_of_merge, told_of_proposal};
use crate::domain::ids::{EmployeeId, EmployeeNumber};
use crate::store::history::{self, WhoDidIt};
use crate::store::people::Whose;
use crate::store::{Connection, StoreError, corrections, merges, people, proposals, reorganisations};

/// Which part of a story is asked for.
#[derive(Debug, Clone, Copy)]
pub struct HistoryRequest {
    /// The place of the last entry that was seen.
    pub after: Option<Place>,
    pub kind: Option<Kind>,
    pub at_most: usize,
}

/// An entry, with who said so and by which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldEntry {
    pub entry: Entry,
    /// A token's subject, `operator`, or `platform CODE`; `None` where no audit entry says it.
    pub by: Option<String>,
    pub how: How,
}

/// The way by which something became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Import,
    Correction,
    Scim,
    Link,
    Exemption,
    PriorTraining,
    Delivery,
    Merge,
    Other,
}

impl How {
    pub const ALL: [Self; 9] = [
        Self::Import,
        Self::Correction,
        Self::Scim,
        Self::Link,
        Self::Exemption,
        Self::PriorTraining,
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
            Self::Delivery => "delivery",
            Self::Merge => "merge",
            Self::Other => "other",
        }
    }

    /// By the act that an audit entry names.
    fn of(action: &str) -> Self {
        match action.split('.').next().unwrap_or_default() {
            "directory" => Self::Import,
            "employee" => Self::Correction,
            "scim" => Self::Scim,
            "link" => Self::Link,
            "merge" => Self::Merge,
            "exemption" => Self::Exemption,
            "prior_training" => Self::PriorTraining,
            _ => Self::Other,
        }
    }
}

/// A page of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryAnswer {
    pub number: EmployeeNumber,
    pub entries: Vec<ToldEntry>,
    /// The place after which to ask for more; `None`: no more.
    pub next: Option<Place>,
}

/// Why no story was told.
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
    /// Tells the story of an employee in the order in which it became known, and leaves the audit entry of the look.
    ///
    /// Who sees some administrations only sees whom they see today. Of employments they see those of their own: one that
    /// moved there from elsewhere begins with the move. All else is told from the instant on at which the register knew of
    /// an employment there; results are told from their beginning, as the evidence that a status rests on is.
    pub async fn show_history(
        &self,
        asker: &Asker,
        number: &EmployeeNumber,
        request: HistoryRequest,
    ) -> Result<HistoryAnswer, ShowHistoryError> {
        let grant = asker.grant(Action::ReadPeople)?;
        let object = format!("history of employee {number}");
        let pinned = self.look(asker, &grant, Act { action: "employee.history", object: &object }).await?;
        let view = match self.view(Clocks::default(), pinned).await {
            Ok(view) => view,
            Err(ViewError::Store(error)) => return Err(error.into()),
            Err(ViewError::FutureKnowledge(_)) => return Err(ShowHistoryError::UnknownEmployee(number.clone())),
        };
        let connection = view.snapshot.connection();
        let unknown = || ShowHistoryError::UnknownEmployee(number.clone());
        let id = people::by_number(connection, number).await?.ok_or_else(unknown)?;
        let merges = merges::merges(connection, None).await?;
        let id = merges.person(id);
        let employee =
            people::directory(connection, Whose::Only(&[id]), None).await?.remove(&id).ok_or_else(unknown)?;
        if !is_visible(grant.visible(), &employee, view.as_of) {
            return Err(unknown());
        }
        let story = self.story_of(connection, (id, &employee.number), &merges, grant.visible()).await?;
        let (entries, next) = story.page(request.after, request.kind, request.at_most);
        let entries = who_said_so(connection, id, &merges, entries).await?;
        Ok(HistoryAnswer { number: employee.number, entries, next })
    }

    /// The whole story of an employee as far as somebody may see it: what was told under every number that is theirs, and
    /// how these became theirs.
    pub(super) async fn story_of(
        &self,
        connection: &impl Connection,
        (id, number): (EmployeeId, &EmployeeNumber),
        merges: &Merges,
        visible: &Visible,
    ) -> Result<Story, StoreError> {
        let tree = reorganisations::successions(connection, None).await?;
        let mut parts = vec![part_of(connection, (id, number), &tree, visible).await?];
        for (duplicate, number) in people::numbers_of(connection, &merges.duplicates_of(id).collect()).await? {
            let number = EmployeeNumber::parse(&number);
            let unreadable = |_| StoreError::Unreadable { table: "employee", column: "number" };
            let number = number.map_err(unreadable)?;
            let mut part = part_of(connection, (duplicate, &number), &tree, visible).await?;
            for entry in &mut part.entries {
                entry.merged_number = Some(number.clone());
            }
            parts.push(part);
        }
        let first = parts.iter().filter_map(|part| part.first).min();
        let current = parts.iter().flat_map(|part| &part.protected).any(|(_, until)| until.is_none());
        let protected: Vec<Protected> = parts.iter().flat_map(|part| part.protected.iter().copied()).collect();
        let mut entries: Vec<Entry> = parts.into_iter().flat_map(|part| part.entries).collect();
        // One link by hand may speak of several of these numbers, and is told once.
        let mut links: Vec<Entry> = Vec::new();
        entries.retain(|entry| {
            let link = (entry.kind == Kind::Link).then(|| Entry { merged_number: None, ..entry.clone() });
            let is_new = link.as_ref().is_none_or(|link| !links.contains(link));
            links.extend(link.filter(|_| is_new));
            is_new
        });
        entries.extend(told(&history::results(connection, id, self.calendar).await?).into_iter().map(from_platform));
        entries.extend(merges::of_employee(connection, id).await?.iter().flat_map(told_of_merge));
        let mut story = Story::of(entries);
        if let Some(first) = first.filter(|_| !visible.is_all()) {
            story.begin_at(first, &[Kind::Result]);
        }
        story.protect(current, &protected);
        Ok(story)
    }
}

/// From when until when (`None`: still) somebody's data were protected.
type Protected = (DateTime<Utc>, Option<DateTime<Utc>>);

/// What was told under one employee number.
struct Part {
    entries: Vec<Entry>,
    /// When the register first knew of an employment that the asker may see.
    first: Option<DateTime<Utc>>,
    protected: Vec<Protected>,
}

async fn part_of(
    connection: &impl Connection,
    (id, number): (EmployeeId, &EmployeeNumber),
    tree: &Successions,
    visible: &Visible,
) -> Result<Part, StoreError> {
    let mut facts = history::facts(connection, (id, number)).await?;
    // Whoever has an employment now, or had it by some tree, is told of it.
    facts.employments.retain(|version| {
        let record = &version.record;
        let mut places = tree.places(&record.administration, &record.unit, record.starts_on, record.ends_on);
        places.any(|code| visible.includes(code))
    });
    let mut entries = told(&facts.employments);
    entries.extend(told(&facts.persons));
    entries.extend(told(&facts.absences));
    entries.extend(told(&facts.exemptions));
    entries.extend(told(&facts.identities));
    entries.extend(told(&history::links(connection, (id, number), visible.is_all()).await?));
    entries.extend(proposals::of_employee(connection, id).await?.iter().flat_map(told_of_proposal));
    let first = facts.employments.iter().map(|version| version.recorded_at).min();
    Ok(Part { entries, first, protected: protected_during(&facts.persons) })
}

fn protected_during(persons: &[Version<PersonRecord>]) -> Vec<Protected> {
    let protected = persons.iter().filter(|version| version.record.protected);
    protected.map(|version| (version.recorded_at, version.superseded_at)).collect()
}

fn from_platform(entry: Entry) -> Entry {
    let platform = entry.changes.iter().find(|change| change.field == "platform").and_then(|c| c.after.clone());
    Entry { by: platform.map(|code| format!("platform {code}")), ..entry }
}

/// Finds who said each thing: the audit entry of the same instant, and for a correction its reason.
pub(super) async fn who_said_so(
    connection: &impl Connection,
    employee: EmployeeId,
    merges: &Merges,
    entries: Vec<Entry>,
) -> Result<Vec<ToldEntry>, StoreError> {
    let instants: BTreeSet<DateTime<Utc>> = entries.iter().map(|entry| entry.known_at).collect();
    let who: BTreeMap<DateTime<Utc>, WhoDidIt> = history::who_did_it(connection, &instants).await?;
    let mut reasons = corrections::reasons(connection, employee).await?;
    for duplicate in merges.duplicates_of(employee) {
        reasons.extend(corrections::reasons(connection, duplicate).await?);
    }
    let told = entries.into_iter().map(|mut entry| {
        let who = who.get(&entry.known_at);
        let how = match (entry.kind, who) {
            (Kind::Result, _) => How::Delivery,
            (_, Some(who)) => How::of(&who.action),
            (_, None) => How::Other,
        };
        if entry.reason.is_none() {
            entry.reason = reasons.get(&entry.known_at).cloned();
        }
        let by = entry.by.take().or_else(|| who.map(|who| who.subject.clone()));
        ToldEntry { entry, by, how }
    });
    Ok(told.collect())
}
