//! A report at two transaction times: whose status differs, and because of which facts that became known between.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::employees::history::{AttributedEntry, Seen};
use crate::app::reports::as_known::{AsKnown, as_known, targets_of};
use crate::app::reports::clocks::{Clocks, FutureKnownAt, View, ViewError};
use crate::app::{App, Caller};
use crate::domain::access::{Action, Grant, Refused};
use crate::domain::compliance::requirement::in_effect_on;
use crate::domain::compliance::span::shown_employments;
use crate::domain::compliance::{Person, RequirementVersion, Status};
use crate::domain::history::{Entry, Kind, entries_of};
use crate::domain::ids::{AdministrationCode, EmployeeId, EmployeeNumber, EventId, PlatformId, RequirementCode};
use crate::domain::report::Counts;
use crate::domain::report::comparison::{FactKey, Known, Moved, because, status};
use crate::store::{
    Act, Connection, Scope, Snapshot, StoreError, Unscoped, employees, history, reorganisations, requirements,
};

/// Which two reports to compare: the one for the requested times, and the same as known at an earlier instant.
#[derive(Debug, Clone)]
pub struct ComparisonRequest {
    pub requirement: RequirementCode,
    pub clocks: Clocks,
    pub compare_known_at: DateTime<Utc>,
}

/// How two reports differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparisonAnswer {
    pub requirement: RequirementCode,
    pub as_of: NaiveDate,
    pub known_at: DateTime<Utc>,
    pub compare_known_at: DateTime<Utc>,
    /// How many persons' status differs, within what the caller may see.
    pub differing: u64,
    /// The city's counts then; `None` for a caller that may not see them.
    pub city_then: Option<Counts>,
    /// By administration: its counts then.
    pub administrations_then: BTreeMap<AdministrationCode, Counts>,
}

/// A person whose status differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferenceAnswer {
    pub number: EmployeeNumber,
    /// The administrations where the person counts, then or now.
    pub administrations: BTreeSet<AdministrationCode>,
    /// `None`: the person did not count.
    pub before: Option<Status>,
    pub now: Option<Status>,
    pub because: Vec<Cause>,
}

/// A fact that became known between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    Entry(AttributedEntry),
    /// A version of the requirement was applied.
    Requirement {
        version: u32,
        known_at: DateTime<Utc>,
        by: Option<String>,
    },
    /// A result that was known before is linked to another employee than then: by the directory or a link by hand.
    LinkedOtherwise {
        event_id: EventId,
    },
    /// Administrations were reorganised, or that was undone: it moves an employment.
    Reorganisation {
        id: i64,
        on_day: NaiveDate,
        known_at: DateTime<Utc>,
        by: String,
        is_undone: bool,
    },
    /// A fact that the caller may not see.
    NotShown,
}

/// A page of those whose status differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferencesAnswer {
    pub comparison: ComparisonAnswer,
    pub persons: Vec<DifferenceAnswer>,
    /// The number after which the next page begins; `None`: there are no more.
    pub next: Option<EmployeeNumber>,
}

/// Why nothing was compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no requirement {0} was known then")]
    UnknownRequirement(RequirementCode),
    #[error("compare_known_at lies after known_at; give the earlier instant as compare_known_at")]
    ComparedWithLater,
    #[error(transparent)]
    FutureKnownAt(#[from] FutureKnownAt),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ViewError> for CompareError {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::FutureKnownAt(error) => error.into(),
            ViewError::Store(error) => error.into(),
        }
    }
}

/// What was known at one of the two times.
struct Side {
    known: AsKnown,
    versions: Vec<RequirementVersion>,
}

impl Side {
    fn person(&self, employee: EmployeeId) -> Option<&Person> {
        self.known.employees.get(&employee).map(|employee| &employee.person)
    }

    fn status(&self, employee: EmployeeId, scope: &Scope, day: NaiveDate) -> Option<Status> {
        self.person(employee).and_then(|person| status(person, &self.versions, scope.visible(), day))
    }

    /// The administrations where a person counts, as far as they are visible.
    fn places(&self, employee: EmployeeId, scope: &Scope, day: NaiveDate) -> BTreeSet<AdministrationCode> {
        let shown = self.person(employee).zip(in_effect_on(&self.versions, day));
        let shown = shown.map(|(person, version)| shown_employments(person, version, day)).unwrap_or_default();
        shown.into_keys().filter(|code| scope.visible().includes(code)).cloned().collect()
    }

    /// The employee, if it was no duplicate, and all its merged duplicates.
    fn numbers_of(&self, employee: EmployeeId) -> impl Iterator<Item = EmployeeId> {
        let merges = &self.known.merges;
        let own = Some(employee).filter(|own| !merges.is_duplicate(*own));
        own.into_iter().chain(merges.duplicates_of(employee))
    }

    fn view(&self, employee: EmployeeId) -> Known<'_> {
        Known { person: self.person(employee), versions: &self.versions }
    }
}

/// Both times, and whose status differs between them.
struct Sides {
    then: Side,
    now: Side,
    differing: BTreeMap<EmployeeNumber, EmployeeId>,
}

impl Sides {
    /// The people from whom and to whom merges and their undoing moved results.
    fn moved(&self, employee: EmployeeId) -> Moved<'_> {
        let others = |numbers_at: &Side, people_at: &'_ Side| -> BTreeSet<EmployeeId> {
            let people = numbers_at.numbers_of(employee).map(|number| people_at.known.merges.person(number));
            people.filter(|person| *person != employee).collect()
        };
        let came = others(&self.now, &self.then).into_iter().filter_map(|person| self.then.person(person)).collect();
        let went = others(&self.then, &self.now).into_iter().filter_map(|person| self.now.person(person)).collect();
        Moved { came, went }
    }
}

impl App {
    /// Compares a report with the same as known earlier: how many differ, and the counts of then.
    pub async fn compare_reports(
        &self,
        caller: &Caller,
        request: &ComparisonRequest,
    ) -> Result<ComparisonAnswer, CompareError> {
        let grant = caller.grant(Action::ReadReport)?;
        let (view, sides) = self.both_sides(caller, &grant, request, "report.compare").await?;
        Ok(totals(&sides, &view, request))
    }

    /// The persons whose status differs, by employee number, at most so many after one; each with the facts that made
    /// the difference.
    pub async fn list_differences(
        &self,
        caller: &Caller,
        request: &ComparisonRequest,
        after: Option<&EmployeeNumber>,
        at_most: usize,
    ) -> Result<DifferencesAnswer, CompareError> {
        let grant = caller.grant(Action::ReadPeople)?;
        let (view, sides) = self.both_sides(caller, &grant, request, "report.differences").await?;
        let scope = view.snapshot.scope();
        let following = sides.differing.iter().filter(|(number, _)| after.is_none_or(|after| *number > after));
        let mut persons = Vec::new();
        let mut more = false;
        for (number, id) in following {
            if persons.len() == at_most {
                more = true;
                break;
            }
            let mut administrations = sides.then.places(*id, scope, view.as_of);
            administrations.extend(sides.now.places(*id, scope, view.as_of));
            persons.push(DifferenceAnswer {
                number: number.clone(),
                administrations,
                before: sides.then.status(*id, scope, view.as_of),
                now: sides.now.status(*id, scope, view.as_of),
                because: self.causes(&view, &sides, request, *id).await?,
            });
        }
        let next = persons.last().filter(|_| more).map(|last| last.number.clone());
        Ok(DifferencesAnswer { comparison: totals(&sides, &view, request), persons, next })
    }

    async fn both_sides(
        &self,
        caller: &Caller,
        grant: &Grant,
        request: &ComparisonRequest,
        action: &'static str,
    ) -> Result<(View, Sides), CompareError> {
        let ComparisonRequest { requirement, clocks, compare_known_at } = request;
        let object = format!("requirement {requirement}{clocks}, compared with {}", compare_known_at.to_rfc3339());
        let act = self.audited_read(caller, grant, Act { action, object: &object }).await?;
        if *compare_known_at > clocks.known_at.unwrap_or(act.known_at()) {
            return Err(CompareError::ComparedWithLater);
        }
        let view = self.view(*clocks, act).await?;
        let now = self.side(&view.snapshot, requirement, view.known_at).await?;
        if now.versions.is_empty() {
            return Err(CompareError::UnknownRequirement(requirement.clone()));
        }
        let mut then = self.side(&view.snapshot, requirement, *compare_known_at).await?;
        let mut now = now;
        let (connection, scope) = (view.snapshot.connection(), view.snapshot.scope());
        employees::keep_own(connection, scope, view.known_at, &mut now.known.employees).await?;
        employees::keep_own(connection, scope, *compare_known_at, &mut then.known.employees).await?;
        let everybody = now.known.employees.values().chain(then.known.employees.values());
        let differing = everybody
            .filter(|employee| {
                then.status(employee.id, scope, view.as_of) != now.status(employee.id, scope, view.as_of)
            })
            .map(|employee| (employee.number.clone(), employee.id))
            .collect();
        Ok((view, Sides { then, now, differing }))
    }

    async fn side(
        &self,
        snapshot: &Snapshot,
        requirement: &RequirementCode,
        known_at: DateTime<Utc>,
    ) -> Result<Side, StoreError> {
        let versions = requirements::versions(snapshot.connection(), requirement, Some(known_at)).await?;
        let known = as_known(snapshot, &targets_of(&versions), known_at, self.calendar).await?;
        Ok(Side { known, versions })
    }

    /// The facts because of which a person's status differs.
    async fn causes(
        &self,
        view: &View,
        sides: &Sides,
        request: &ComparisonRequest,
        id: EmployeeId,
    ) -> Result<Vec<Cause>, StoreError> {
        let (connection, scope) = (view.snapshot.connection(), view.snapshot.scope());
        let between = (request.compare_known_at, view.known_at);
        let both = [&sides.then, &sides.now].map(|side| side.known.employees.get(&id));
        let employments = both.into_iter().flatten().flat_map(|employee| &employee.person.employments);
        let own = scope.visible().own_days(id, employments);
        let [then, now] = both;
        let Some(employee) = now.or(then) else { return Ok(vec![Cause::NotShown]) };
        let seen = Seen { scope, own: &own, employee, now: view.known_at };
        let story = self.story_of(connection, &sides.now.known.merges, &seen).await?;
        let entries: Vec<&Entry> = story.between(between.0, between.1).collect();
        let (mut found, mut causes) = (Vec::new(), Vec::new());
        let moved = sides.moved(id);
        for shift in because(&sides.then.view(id), &sides.now.view(id), &moved, scope.visible(), view.as_of) {
            let count_before = found.len() + causes.len();
            match &shift.key {
                FactKey::Requirement => {
                    causes.extend(self.versions_between(view, request, between).await?);
                }
                FactKey::Result(platform, event_id)
                    if *platform != PlatformId::NONE && shift.is_visible(scope.visible(), &own) =>
                {
                    let result = history::result(connection, (*platform, event_id), self.calendar).await?;
                    let is_new = result.as_ref().is_some_and(|result| result.recorded_at > between.0);
                    // A decision by hand about a result is no platform's report.
                    let by_hand = entries.iter().filter(|entry| is_about(entry, &shift.key, &request.requirement));
                    found.extend(by_hand.filter(|_| result.is_none()).map(|entry| (*entry).clone()));
                    if is_new {
                        found.extend(entries_of(&result.into_iter().collect::<Vec<_>>()).into_iter().map(
                            |mut entry| {
                                let platform = entry.changes.iter().find(|change| change.field == "platform");
                                entry.by =
                                    platform.and_then(|c| c.after.clone()).map(|code| format!("platform {code}"));
                                entry
                            },
                        ));
                    } else if found.len() + causes.len() == count_before {
                        let links = entries.iter().filter(|entry| names_an_identity(entry));
                        found.extend(links.map(|entry| (*entry).clone()));
                        if found.len() + causes.len() == count_before {
                            causes.push(Cause::LinkedOtherwise { event_id: event_id.clone() });
                        }
                    }
                }
                key if shift.is_visible(scope.visible(), &own) => {
                    let of_it = entries.iter().filter(|entry| is_about(entry, key, &request.requirement));
                    found.extend(of_it.map(|entry| (*entry).clone()));
                }
                _ => {}
            }
            // Only a caller that sees the whole city is shown its reorganisations.
            if found.len() + causes.len() == count_before
                && matches!(shift.key, FactKey::Employment(_))
                && scope.is_all()
            {
                causes.extend(reorganised_between(connection, between).await?);
            }
            if found.len() + causes.len() == count_before {
                causes.push(Cause::NotShown);
            }
        }
        found.dedup();
        causes.dedup();
        let attributed = self.who_said_so(connection, id, &sides.now.known.merges, found, &own).await?;
        Ok(attributed.into_iter().map(Cause::Entry).chain(causes).collect())
    }

    async fn versions_between(
        &self,
        view: &View,
        request: &ComparisonRequest,
        between: (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<Vec<Cause>, StoreError> {
        let connection = view.snapshot.connection();
        let applied = requirements::recorded_between(connection, &request.requirement, between).await?;
        let who = history::who_did_it(connection, &applied.iter().map(|(_, at)| *at).collect()).await?;
        let cause = |(version, known_at): (u32, DateTime<Utc>)| Cause::Requirement {
            version,
            known_at,
            by: who.get(&known_at).map(|who| who.subject.clone()),
        };
        Ok(applied.into_iter().map(cause).collect())
    }
}

/// The reorganisations that became known after an instant and up to another, or were taken back.
async fn reorganised_between(
    connection: &impl Connection,
    (after, up_to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Cause>, StoreError> {
    let is_between = |at: DateTime<Utc>| after < at && at <= up_to;
    let mut causes = Vec::new();
    for known in reorganisations::list(connection, &Unscoped::RestsOnEverybody.scope()).await? {
        let (id, on_day) = (known.id, known.on_day);
        let undone = known.undone.filter(|undone| is_between(undone.at));
        match undone {
            Some(undone) if known.recorded_at <= after => {
                causes.push(Cause::Reorganisation { id, on_day, known_at: undone.at, by: undone.by, is_undone: true });
            }
            None if is_between(known.recorded_at) => causes.push(Cause::Reorganisation {
                id,
                on_day,
                known_at: known.recorded_at,
                by: known.made_by,
                is_undone: false,
            }),
            _ => {}
        }
    }
    Ok(causes)
}

/// Whether an entry is about the fact of a key.
fn is_about(entry: &Entry, key: &FactKey, requirement: &RequirementCode) -> bool {
    match key {
        FactKey::Employment(id) => entry.kind == Kind::Employment && entry.of == id.as_str(),
        FactKey::Absence(first) => entry.kind == Kind::Absence && entry.of == first.to_string(),
        FactKey::Exemption(first) => entry.kind == Kind::Exemption && entry.of == format!("{requirement} from {first}"),
        FactKey::Result(_, event_id) => {
            matches!(entry.kind, Kind::PriorTraining | Kind::Withdrawal) && entry.of == event_id.as_str()
        }
        FactKey::Merge => entry.kind == Kind::Merge,
        FactKey::Requirement => false,
    }
}

/// Whether an entry is about an identity, and so changes how results are linked.
fn names_an_identity(entry: &Entry) -> bool {
    match entry.kind {
        Kind::Link | Kind::Identity | Kind::Merge => true,
        // Addresses link, and so does being employed on the day.
        Kind::Employment => {
            entry.changes.iter().any(|change| matches!(change.field, "email" | "username" | "starts_on" | "ends_on"))
        }
        _ => false,
    }
}

fn totals(sides: &Sides, view: &View, request: &ComparisonRequest) -> ComparisonAnswer {
    let scope = view.snapshot.scope();
    let mut city_then = Counts::default();
    let mut administrations_then: BTreeMap<AdministrationCode, Counts> = BTreeMap::new();
    for id in sides.then.known.employees.keys() {
        let Some(status) = sides.then.status(*id, scope, view.as_of) else { continue };
        city_then.add(status, 1);
        for code in sides.then.places(*id, scope, view.as_of) {
            administrations_then.entry(code).or_default().add(status, 1);
        }
    }
    ComparisonAnswer {
        requirement: request.requirement.clone(),
        as_of: view.as_of,
        known_at: view.known_at,
        compare_known_at: request.compare_known_at,
        differing: sides.differing.len() as u64,
        city_then: scope.is_all().then_some(city_then),
        administrations_then,
    }
}
