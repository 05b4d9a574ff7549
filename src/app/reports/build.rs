//! The report: how a requirement is met in the city and in each administration, on a day, as known at an instant.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::app::compliance::judge::{Judged, judge};
use crate::app::compliance::statements_without_result::without_result_of;
use crate::app::linking::own_waiting::own_waiting_as_known;
use crate::app::reports::as_known::{as_known, by_learner, targets_of};
use crate::app::reports::clocks::{Clocks, FutureKnownAt, View, ViewError};
use crate::app::{App, Caller};
use crate::domain::access::{Action, Refused, Visible};
use crate::domain::compliance::requirement::in_effect_on;
use crate::domain::compliance::state::held_items_on;
use crate::domain::compliance::{ComplianceState, RequirementVersion, Status};
use crate::domain::ids::{AdministrationCode, EmployeeId, RequirementCode};
use crate::domain::linking::Unlinked;
use crate::domain::report::waiting::{ByItems, could_be_done};
use crate::domain::report::{
    AdministrationFigures, CityQuality, DataQuality, DuePeriod, Figures, LinkedShares, OnboardingReport,
};
use crate::domain::training::LinkedResult;
use crate::store::judged_for::{JudgedFor, judged_for};
use crate::store::people::KnownEmployee;
use crate::store::stored_results::StoredResult;
use crate::store::whose::Whose;
use crate::store::{
    Act, Connection, Scope, StoreError, Unscoped, deliveries, directory, employees, people, reorganisations,
    requirements, stale, status_counts, stored_results, waiting,
};

/// A request for a report; `None` is the default.
#[derive(Debug, Clone)]
pub struct ReportRequest {
    pub requirement: RequirementCode,
    pub clocks: Clocks,
    pub due_from: Option<NaiveDate>,
    pub due_to: Option<NaiveDate>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum BuildReportError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no requirement {0} was known then")]
    UnknownRequirement(RequirementCode),
    #[error("due_from {from} lies after due_to {to}")]
    EmptyPeriod { from: NaiveDate, to: NaiveDate },
    #[error(transparent)]
    FutureKnownAt(#[from] FutureKnownAt),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ViewError> for BuildReportError {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::FutureKnownAt(error) => error.into(),
            ViewError::Store(error) => error.into(),
        }
    }
}

/// Figures being added up.
#[derive(Default)]
pub(in crate::app) struct Tally {
    pub(in crate::app) figures: Figures,
    undone: ByItems,
}

impl Tally {
    fn add(&mut self, status: Status, on_time: bool, due: bool, held_items: u64, people: u64) {
        self.figures.counts.add(status, people);
        if !status.is_done() && status.in_scope() {
            *self.undone.entry(held_items).or_default() += people;
        }
        if due && status.in_scope() {
            self.figures.due += people;
            self.figures.on_time += if on_time { people } else { 0 };
        }
    }

    fn finish(mut self, waiting: &ByItems, alternatives: &[u64]) -> Figures {
        self.figures.could_be_done = could_be_done(&self.undone, waiting, alternatives);
        self.figures
    }
}

/// The tallies of the city and of every administration.
#[derive(Default)]
pub(in crate::app) struct Tallies {
    pub(in crate::app) city: Tally,
    pub(in crate::app) administrations: BTreeMap<AdministrationCode, Tally>,
}

impl Tallies {
    /// Counts people one by one, as judged from their facts.
    fn add_people<'a>(
        &mut self,
        employees: impl IntoIterator<Item = &'a KnownEmployee>,
        versions: &[RequirementVersion],
        day: NaiveDate,
        (due, scope): (DuePeriod, &Scope),
    ) {
        for employee in employees.into_iter().filter_map(|employee| scope.as_judged(employee, day)) {
            let employee = employee.as_ref();
            let Some(Judged { state, shown }) = judge(employee, versions, day) else { continue };
            self.add_person(&state, due, shown.into_keys());
        }
    }

    /// Counts one person, in the city and in each administration where they count.
    pub(in crate::app) fn add_person<'a>(
        &mut self,
        state: &ComplianceState,
        due: DuePeriod,
        places: impl IntoIterator<Item = &'a AdministrationCode>,
    ) {
        let is_due = state.due_on.is_some_and(|day| due.contains(day));
        let add = |tally: &mut Tally| {
            tally.add(state.status, state.on_time, is_due, state.held_items, 1);
        };
        add(&mut self.city);
        for administration in places {
            add(self.administrations.entry(administration.clone()).or_default());
        }
    }

    /// Counts people by how many stand alike.
    pub(in crate::app) fn add_status_counts(&mut self, alike: Vec<status_counts::StatusCount>) {
        for alike in alike {
            let tally = match alike.administration {
                None => &mut self.city,
                Some(code) => self.administrations.entry(code).or_default(),
            };
            tally.add(alike.status, alike.on_time, alike.due, alike.held_items, alike.people);
        }
    }
}

impl App {
    /// Builds a report within what the caller may see; the read is audited.
    pub async fn build_report(
        &self,
        caller: &Caller,
        request: &ReportRequest,
    ) -> Result<OnboardingReport, BuildReportError> {
        let grant = caller.grant(Action::ReadReport)?;
        let object = format!("requirement {}{}", request.requirement, request.clocks);
        let act = self.audited_read(caller, &grant, Act { action: "report.read", object: &object }).await?;
        let view = self.view(request.clocks, act).await?;
        let (connection, scope) = (view.snapshot.connection(), view.snapshot.scope());
        let standard = DuePeriod::year_to(view.as_of);
        let due =
            DuePeriod { from: request.due_from.unwrap_or(standard.from), to: request.due_to.unwrap_or(standard.to) };
        if due.from > due.to {
            return Err(BuildReportError::EmptyPeriod { from: due.from, to: due.to });
        }
        let versions =
            requirements::versions(view.snapshot.connection(), &request.requirement, Some(view.known_at)).await?;
        if versions.is_empty() {
            return Err(BuildReportError::UnknownRequirement(request.requirement.clone()));
        }
        let counted = if view.is_current {
            self.count_now(&view, &request.requirement, &versions, due).await?
        } else {
            self.count_as_known(&view, &versions, due).await?
        };
        let in_effect = in_effect_on(&versions, view.as_of);
        let administrations = directory::administrations(view.snapshot.connection(), view.known_at).await?;
        let (waiting, alternatives) = what_waits(&counted.waiting, &versions, view.as_of);
        let Tallies { city, administrations: mut tallies } = counted.tallies;
        let tree = reorganisations::successions(view.snapshot.connection(), Some(view.known_at)).await?;
        let counting: BTreeSet<AdministrationCode> = tallies.keys().cloned().collect();
        let is_there = |code: &AdministrationCode| counting.contains(code) || !tree.is_gone(code, view.as_of);
        let figures_of = |(code, name): (AdministrationCode, String)| {
            let tally = tallies.remove(&code).unwrap_or_default();
            AdministrationFigures { code, name, figures: tally.finish(&waiting, &alternatives) }
        };
        let seen = administrations.into_iter().filter(|(code, _)| scope.visible().includes(code) && is_there(code));
        Ok(OnboardingReport {
            requirement: request.requirement.clone(),
            as_of: view.as_of,
            known_at: view.known_at,
            due,
            version: in_effect.map(|version| version.version),
            administrations: seen.map(figures_of).collect(),
            city: scope.is_all().then(|| city.finish(&waiting, &alternatives)),
            data_quality: DataQuality {
                unlinked_results: counted.unlinked_results,
                city: match counted.city {
                    Some((dismissed_results, linked)) => Some(CityQuality {
                        dismissed_results,
                        linked,
                        quarantined_deliveries: deliveries::count_quarantined(connection, view.known_at).await?,
                        platforms: self.silences(connection, view.known_at, view.is_current).await?,
                        without_result: {
                            let targets = in_effect.map(|version| version.requirement.targets()).unwrap_or_default();
                            without_result_of(connection, &targets, view.known_at).await?
                        },
                    }),
                    None => None,
                },
            },
        })
    }

    /// Counts from the derived rows; people whose rows are stale are judged here.
    async fn count_now(
        &self,
        view: &View,
        requirement: &RequirementCode,
        versions: &[RequirementVersion],
        due: DuePeriod,
    ) -> Result<Counted, StoreError> {
        let (connection, scope) = (view.snapshot.connection(), view.snapshot.scope());
        let mut tallies = Tallies::default();
        let mut people = self.stale_people(view).await?;
        // Absences after the last own day move due days that are after the day, and none before it.
        let except = match scope.visible() {
            Visible::Only(own) if due.to > view.as_of => {
                let whom = JudgedFor { today: self.today() };
                let ids = judged_for(connection, &own.administrations, view.as_of, whom).await?;
                people.extend(self.people_with_results(connection, ids).await?);
                Some(whom)
            }
            _ => None,
        };
        let alike = status_counts::count_statuses(connection, requirement, view.as_of, due, (scope, except)).await?;
        tallies.add_status_counts(alike);
        tallies.add_people(people.values(), versions, view.as_of, (due, scope));
        let stored = stored_results::waiting_about(connection, &targets_of(versions), self.calendar).await?;
        let own = match scope.is_all() {
            true => None,
            false => Some(self.own_waiting(connection, scope).await?),
        };
        // What is dismissed could not satisfy anybody.
        let waits = |stored: &&StoredResult| {
            stored.owner.is_none()
                && stored.why != Some(Unlinked::Dismissed)
                && own.as_ref().is_none_or(|own| own.contains_key(&stored.learner))
        };
        let unowned = stored.iter().filter(waits).map(|stored| (stored.learner, stored.result.clone())).collect();
        // What a revocation names is withdrawn, whether the revocation is linked or not.
        let naming: Vec<&LinkedResult> = stored.iter().map(|stored| &stored.result).collect();
        let waiting = by_learner(unowned, &naming);
        let Some(own) = own else {
            let (unlinked_results, dismissed_results) = waiting::count_unlinked(connection).await?;
            let linked = self.linked_shares_now(connection, view.as_of).await?;
            return Ok(Counted { tallies, waiting, unlinked_results, city: Some((dismissed_results, linked)) });
        };
        Ok(Counted { tallies, waiting, unlinked_results: own.values().sum(), city: None })
    }

    /// Counts from the facts that were known.
    async fn count_as_known(
        &self,
        view: &View,
        versions: &[RequirementVersion],
        due: DuePeriod,
    ) -> Result<Counted, StoreError> {
        let scope = view.snapshot.scope();
        let known = as_known(&view.snapshot, &targets_of(versions), view.known_at, self.calendar).await?;
        let mut tallies = Tallies::default();
        tallies.add_people(known.employees.values(), versions, view.as_of, (due, scope));
        let connection = view.snapshot.connection();
        if scope.is_all() {
            let clocks = (view.as_of, view.known_at);
            let linked = self.linked_shares_as_known(connection, clocks, &known.linker).await?;
            let city = Some((known.dismissed_results, linked));
            let waiting = known.waiting.into_values().collect();
            return Ok(Counted { tallies, waiting, unlinked_results: known.unlinked_results, city });
        }
        let own = own_waiting_as_known(&known, scope, self.calendar.day_of(view.known_at));
        let unlinked_results = own.iter().filter_map(|learner| known.unlinked_by_learner.get(learner)).sum();
        let waiting = known.waiting.into_iter().filter(|(learner, _)| own.contains(learner));
        Ok(Counted { tallies, waiting: waiting.map(|(_, results)| results).collect(), unlinked_results, city: None })
    }

    /// The people whose derived rows are stale in a view of now, with their results.
    pub(in crate::app) async fn stale_people(
        &self,
        view: &View,
    ) -> Result<BTreeMap<EmployeeId, KnownEmployee>, StoreError> {
        let connection = view.snapshot.connection();
        let ids = stale::stale_employees(connection).await?.into_iter().collect();
        self.people_with_results(connection, ids).await
    }

    /// Some people as they are known now, with their results.
    pub(in crate::app) async fn people_with_results(
        &self,
        connection: &impl Connection,
        ids: BTreeSet<EmployeeId>,
    ) -> Result<BTreeMap<EmployeeId, KnownEmployee>, StoreError> {
        let ids: Vec<EmployeeId> = ids.into_iter().collect();
        let mut employees =
            employees::known(connection, &Unscoped::RestsOnEverybody.scope(), Whose::Only(&ids), None).await?;
        people::attach_linked_results(connection, &mut employees, self.calendar).await?;
        Ok(employees)
    }
}

/// What was counted, and what waits.
struct Counted {
    tallies: Tallies,
    /// For each learner whose results wait: these results.
    waiting: Vec<Vec<LinkedResult>>,
    /// Within what the caller may see.
    unlinked_results: u64,
    /// For a caller that sees all: how many were dismissed, and the linked shares.
    city: Option<(u64, LinkedShares)>,
}

/// How many waiting learners have results for which items on a day, and the items of each alternative.
fn what_waits(waiting: &[Vec<LinkedResult>], versions: &[RequirementVersion], day: NaiveDate) -> (ByItems, Vec<u64>) {
    let Some(version) = in_effect_on(versions, day) else { return (ByItems::new(), Vec::new()) };
    let mut by_items = ByItems::new();
    for results in waiting {
        let brought = held_items_on(results, version, day);
        if brought != 0 {
            *by_items.entry(brought).or_default() += 1;
        }
    }
    (by_items, version.requirement.alternatives_by_items())
}
