//! The trend of a requirement: its figures on a series of days, in the tree of each day or in today's.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::reports::as_known::{as_known, targets_of};
use crate::app::reports::build::{BuildReportError, Tallies};
use crate::app::reports::clocks::{Clocks, View};
use crate::app::{App, Caller};
use crate::domain::access::Action;
use crate::domain::compliance::RequirementVersion;
use crate::domain::compliance::requirement::in_effect_on;
use crate::domain::compliance::state::Case;
use crate::domain::directory::succession::Successions;
use crate::domain::directory::{Employment, RecordedEmployment};
use crate::domain::ids::{AdministrationCode, RequirementCode};
use crate::domain::report::trend::{Interval, Tree, TrendFault, points};
use crate::domain::report::{AdministrationFigures, DuePeriod, Figures};
use crate::store::people::KnownEmployee;
use crate::store::{Act, StoreError, directory, reorganisations, requirements, status_counts};

/// A request for a trend.
#[derive(Debug, Clone)]
pub struct TrendRequest {
    pub requirement: RequirementCode,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub interval: Interval,
    pub tree: Tree,
    pub known_at: Option<DateTime<Utc>>,
}

/// The figures of each point, in the order of days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trend {
    pub requirement: RequirementCode,
    pub known_at: DateTime<Utc>,
    pub interval: Interval,
    pub tree: Tree,
    /// The day of the tree, if all points use one tree: the day of `known_at`.
    pub tree_of: Option<NaiveDate>,
    pub points: Vec<TrendPoint>,
}

/// The figures of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrendPoint {
    pub as_of: NaiveDate,
    /// The version in effect; `None` if there was none.
    pub version: Option<u32>,
    /// `None` for a caller that may not see it.
    pub city: Option<Figures>,
    pub administrations: Vec<AdministrationFigures>,
}

/// Why there is no trend.
#[derive(Debug, thiserror::Error)]
pub enum BuildTrendError {
    #[error(transparent)]
    Report(#[from] BuildReportError),
    #[error(transparent)]
    Trend(#[from] TrendFault),
}

impl From<StoreError> for BuildTrendError {
    fn from(error: StoreError) -> Self {
        Self::Report(error.into())
    }
}

impl App {
    /// Builds a trend within what the caller may see; the read is audited.
    pub async fn build_trend(&self, caller: &Caller, request: &TrendRequest) -> Result<Trend, BuildTrendError> {
        let grant = caller.grant(Action::ReadReport).map_err(BuildReportError::from)?;
        let TrendRequest { requirement, from, to, interval, tree, .. } = request;
        let days = points(*from, *to, *interval)?;
        let clocks = Clocks { as_of: Some(*to), known_at: request.known_at };
        let object =
            format!("trend of requirement {requirement} from {from}, by {interval}, in the tree {tree}{clocks}");
        let act = self.audited_read(caller, &grant, Act { action: "report.trend", object: &object }).await?;
        let view = self.view(clocks, act).await.map_err(BuildReportError::from)?;
        let scope = view.snapshot.scope();
        let connection = view.snapshot.connection();
        let versions = requirements::versions(connection, requirement, Some(view.known_at)).await?;
        if versions.is_empty() {
            return Err(BuildReportError::UnknownRequirement(requirement.clone()).into());
        }
        let successions = reorganisations::successions(connection, Some(view.known_at)).await?;
        let names = directory::administrations(connection, view.known_at).await?;
        let tree_of = (*tree == Tree::Today).then(|| self.calendar.day_of(view.known_at));
        let tallies = match tree_of {
            None if view.is_current => self.tally_of_days(&view, requirement, &versions, &days).await?,
            _ => {
                let known = as_known(&view.snapshot, &targets_of(&versions), view.known_at, self.calendar).await?;
                let moving = tree_of.map(|day| (&successions, day));
                tally_people(known.employees.values(), &versions, &days, moving)
            }
        };
        let point = |(as_of, tallies): (&NaiveDate, Tallies)| {
            let Tallies { city, mut administrations } = tallies;
            let listed = names.iter().filter(|(code, _)| {
                let is_there =
                    administrations.contains_key(*code) || !successions.is_gone(code, tree_of.unwrap_or(*as_of));
                scope.visible().includes(code) && is_there
            });
            let listed: Vec<(&AdministrationCode, &String)> = listed.collect();
            let figures = |(code, name): (&AdministrationCode, &String)| AdministrationFigures {
                code: code.clone(),
                name: name.clone(),
                figures: administrations.remove(code).unwrap_or_default().figures,
            };
            TrendPoint {
                as_of: *as_of,
                version: in_effect_on(&versions, *as_of).map(|version| version.version),
                administrations: listed.into_iter().map(figures).collect(),
                city: scope.is_all().then_some(city.figures),
            }
        };
        Ok(Trend {
            requirement: requirement.clone(),
            known_at: view.known_at,
            interval: *interval,
            tree: *tree,
            tree_of,
            points: days.iter().zip(tallies).map(point).collect(),
        })
    }

    /// Counts from the derived rows, which cover every day; people whose rows are stale are judged here.
    async fn tally_of_days(
        &self,
        view: &View,
        requirement: &RequirementCode,
        versions: &[RequirementVersion],
        days: &[NaiveDate],
    ) -> Result<Vec<Tallies>, StoreError> {
        let stale = self.stale_people(view).await?;
        let mut tallies = tally_people(stale.values(), versions, days, None);
        for (day, tallies) in days.iter().zip(&mut tallies) {
            let due = DuePeriod::year_to(*day);
            let counts = status_counts::count_statuses(
                view.snapshot.connection(),
                requirement,
                *day,
                due,
                (view.snapshot.scope(), None),
            )
            .await?;
            tallies.add_status_counts(counts);
        }
        Ok(tallies)
    }
}

/// Counts people one by one on each of some days. Each is judged in the tree of the day, and counts in the tree of
/// `moving`, if there is one.
fn tally_people<'a>(
    employees: impl IntoIterator<Item = &'a KnownEmployee>,
    versions: &[RequirementVersion],
    days: &[NaiveDate],
    moving: Option<(&Successions, NaiveDate)>,
) -> Vec<Tallies> {
    let mut tallies: Vec<Tallies> = days.iter().map(|_| Tallies::default()).collect();
    for employee in employees {
        let mut cases: BTreeMap<u32, Case<'_>> = BTreeMap::new();
        for (day, tallies) in days.iter().zip(&mut tallies) {
            let Some(version) = in_effect_on(versions, *day) else { continue };
            let bound = employee.person.employments.iter();
            let bound = bound.filter(|e| e.covers(*day) && version.requirement.audience.binds(e));
            let stored_results: Vec<(&Employment, Option<RecordedEmployment>)> =
                bound.map(|e| (e, moving.is_some().then(|| e.as_recorded()))).collect();
            let places: BTreeSet<&AdministrationCode> = stored_results
                .iter()
                .map(|(employment, stored_results)| match (moving, stored_results) {
                    (Some((tree, of)), Some(stored_results)) => tree.place(stored_results, of),
                    _ => &employment.administration,
                })
                .collect();
            if places.is_empty() {
                continue;
            }
            let case = cases.entry(version.version).or_insert_with(|| Case::new(&employee.person, version));
            if let Some(state) = case.on(*day) {
                tallies.add_person(&state, DuePeriod::year_to(*day), places);
            }
        }
    }
    tallies
}
