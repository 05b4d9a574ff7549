//! Shows one employee: employments, and for each requirement the status and the evidence for it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};

use crate::app::compliance::judge::Requirements;
use crate::app::reports::as_known::{as_known, targets_of};
use crate::app::reports::clocks::{Clocks, FutureKnownAt, View, ViewError};
use crate::app::{App, Caller};
use crate::domain::access::{Action, OwnDays, Refused};
use crate::domain::compliance::requirement::in_effect_on;
use crate::domain::compliance::state::Case;
use crate::domain::compliance::{ComplianceState, Item};
use crate::domain::directory::{Absence, Employment};
use crate::domain::ids::{EmployeeId, EmployeeNumber, EventId, PlatformId, RequirementCode};
use crate::domain::training::{ResultKind, Target};
use crate::store::people::KnownEmployee;
use crate::store::whose::Whose;
use crate::store::{Act, StoreError, employees, merges, people, platforms, requirements};

pub use crate::store::people::Contact;

/// An employee as the caller may see it. Protected personal data are reduced to the number and the statuses, without
/// name, address or unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmployeeAnswer {
    pub as_of: NaiveDate,
    pub known_at: DateTime<Utc>,
    pub number: EmployeeNumber,
    pub protected: bool,
    /// The numbers of duplicates that are merged into this one.
    pub merged_numbers: Vec<EmployeeNumber>,
    pub given_name: String,
    pub family_name: String,
    /// Those in administrations that the caller may see, by first day.
    pub employments: Vec<(Employment, Contact)>,
    pub absences: Vec<Absence>,
    /// The requirements that are in effect on the day and bind the employee, by code.
    pub requirements: Vec<RequirementAnswer>,
}

/// An employee's state in one requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementAnswer {
    pub requirement: RequirementCode,
    pub title_sv: String,
    pub title_en: String,
    pub version: u32,
    pub state: ComplianceState,
    pub evidence: Vec<EvidenceAnswer>,
}

/// One result that is evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceAnswer {
    /// The item for which it counts.
    pub item: Item,
    pub event_id: EventId,
    /// `None`: no platform reported it; it is prior training that was recognised by hand.
    pub platform: Option<String>,
    pub occurred_at: Option<DateTime<Utc>>,
    /// The days on which it holds; `until` is the first on which it does not (`None`: for ever).
    pub from: NaiveDate,
    pub until: Option<NaiveDate>,
}

/// Why no employee was shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowEmployeeError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("no employee {0} is known here on that day")]
    UnknownEmployee(EmployeeNumber),
    #[error(transparent)]
    FutureKnownAt(#[from] FutureKnownAt),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ViewError> for ShowEmployeeError {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::FutureKnownAt(error) => error.into(),
            ViewError::Store(error) => error.into(),
        }
    }
}

impl App {
    /// Shows an employee; the read is audited. A merged duplicate's number shows the employee into whom it was merged.
    pub async fn show_employee(
        &self,
        caller: &Caller,
        number: &EmployeeNumber,
        clocks: Clocks,
    ) -> Result<EmployeeAnswer, ShowEmployeeError> {
        let grant = caller.grant(Action::ReadPeople)?;
        let object = format!("employee {number}");
        let act = self.audited_read(caller, &grant, Act { action: "employee.read", object: &object }).await?;
        let view = self.view(clocks, act).await?;
        let mut all = Requirements::new();
        for code in requirements::codes(view.snapshot.connection()).await? {
            let versions = requirements::versions(view.snapshot.connection(), &code, Some(view.known_at)).await?;
            all.insert(code, versions);
        }
        let employee = self.find(&view, number, &all).await?;
        let employee = employee.ok_or_else(|| ShowEmployeeError::UnknownEmployee(number.clone()))?;
        let scope = view.snapshot.scope();
        let own = scope.own_days(&employee);
        let platforms: BTreeMap<PlatformId, String> = platforms::list(view.snapshot.connection())
            .await?
            .into_iter()
            .map(|platform| (platform.id, platform.code.to_string()))
            .collect();
        let judged = own.judged(employee.person.clone(), view.as_of);
        let answers = all.iter().filter_map(|(code, versions)| {
            let version = in_effect_on(versions, view.as_of)?;
            let binds = |e: &Employment| e.covers(view.as_of) && version.requirement.audience.binds(e);
            let mut employments = employee.person.employments.iter();
            // What binds an employee through an employment elsewhere is not the caller's to see.
            employments.find(|e| scope.visible().includes_of(employee.id, &e.administration) && binds(e))?;
            let case = Case::new(&judged, version);
            Some(RequirementAnswer {
                requirement: code.clone(),
                title_sv: version.requirement.title_sv.clone(),
                title_en: version.requirement.title_en.clone(),
                version: version.version,
                state: case.on(view.as_of)?,
                evidence: evidence_of(&employee, &case, (view.as_of, &own), &platforms),
            })
        });
        let requirements = answers.collect();
        Ok(seen(employee, requirements, &view))
    }

    /// The employee with a number, if the day is one of the caller's own. Unknown and hidden employees take the same
    /// queries, so that the time shows no difference.
    async fn find(
        &self,
        view: &View,
        number: &EmployeeNumber,
        requirements: &Requirements,
    ) -> Result<Option<KnownEmployee>, StoreError> {
        let connection = view.snapshot.connection();
        let id = people::ever_by_number(connection, number).await?.unwrap_or(EmployeeId::NOBODY);
        let known_at = (!view.is_current).then_some(view.known_at);
        let id = merges::merges(connection, known_at).await?.person(id);
        let scope = view.snapshot.scope();
        let found = employees::known_on(connection, scope, view.as_of, Whose::Only(&[id]), known_at).await?;
        let Some(mut employee) = found.into_values().find(|employee| scope.knows(employee, number)) else {
            return Ok(None);
        };
        if view.is_current {
            let mut found = BTreeMap::from([(id, employee)]);
            people::attach_linked_results(connection, &mut found, self.calendar).await?;
            return Ok(found.remove(&id));
        }
        let targets: Vec<Target> = requirements.values().flat_map(|versions| targets_of(versions)).collect();
        let mut known = as_known(&view.snapshot, &targets, view.known_at, self.calendar).await?;
        let Some(known) = known.employees.remove(&id) else { return Ok(None) };
        (employee.person, employee.protected) = (known.person, known.protected);
        Ok(Some(employee))
    }
}

fn evidence_of(
    employee: &KnownEmployee,
    case: &Case<'_>,
    (day, own): (NaiveDate, &OwnDays),
    platforms: &BTreeMap<PlatformId, String>,
) -> Vec<EvidenceAnswer> {
    let items = case.version().requirement.items();
    let results = || {
        let reported = employee.person.results.iter();
        reported.filter(|result| !matches!(result.kind, ResultKind::Revocation { .. }))
    };
    let mut seen: BTreeSet<(usize, PlatformId, &EventId)> = BTreeSet::new();
    let mut answers = Vec::new();
    for (place, piece, holds) in case.evidence(day) {
        let Some(item) = items.get(place) else { continue };
        // What was done elsewhere is shown where it holds on some own day: a status there may rest on it.
        let is_own = own.includes_result(piece.day, std::iter::once(holds));
        if !is_own || !seen.insert((place, piece.platform, &piece.event_id)) {
            continue;
        }
        let result = results().find(|result| result.event_id == piece.event_id && result.platform == piece.platform);
        let platform = result.and_then(|result| platforms.get(&result.platform)).cloned();
        answers.push(EvidenceAnswer {
            item: (*item).clone(),
            event_id: piece.event_id.clone(),
            platform,
            occurred_at: result.map(|result| result.occurred_at),
            from: holds.first,
            until: holds.until,
        });
    }
    answers
}

/// The employee as far as the caller and the protection allow.
fn seen(employee: KnownEmployee, requirements: Vec<RequirementAnswer>, view: &View) -> EmployeeAnswer {
    let scope = view.snapshot.scope();
    let own = scope.own_days(&employee);
    let KnownEmployee { id, number, given_name, family_name, protected, merged_numbers, contacts, person, .. } =
        employee;
    let visible = scope.visible();
    let employments = person.employments.into_iter().filter(|e| visible.includes_of(id, &e.administration));
    let mut employments: Vec<(Employment, Contact)> = employments
        .map(|mut employment| {
            let mut contact = contacts.get(&employment.fact_id).cloned().unwrap_or_default();
            if protected {
                employment.unit.clear();
                contact = Contact::default();
            }
            (employment, contact)
        })
        .collect();
    employments.sort_by(|(a, _), (b, _)| (a.starts_on, &a.id).cmp(&(b.starts_on, &b.id)));
    let name = |name: String| if protected { String::new() } else { name };
    EmployeeAnswer {
        as_of: view.as_of,
        known_at: view.known_at,
        number,
        protected,
        merged_numbers,
        given_name: name(given_name),
        family_name: name(family_name),
        employments,
        absences: own.absences(&person.absences),
        requirements,
    }
}
