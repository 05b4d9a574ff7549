//! Administrations open, close, merge, split or change code on a day; the recorded employments follow.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::app::compliance::refresh::versions_of_all;
use crate::app::{App, Caller};
use crate::domain::access::{Action, Grant, Refused};
use crate::domain::calendar::day_before;
use crate::domain::compliance::requirement::in_effect_on;
use crate::domain::directory::succession::{Reorganisation, Step, Successions, Unworkable};
use crate::domain::directory::{Employment, RecordedEmployment};
use crate::domain::ids::{AdministrationCode, EmployeeId, RequirementCode};
use crate::store::{Act, Connection, StoreError, directory, people, reorganisations};

/// What happens to administrations on a day.
#[derive(Debug, Clone)]
pub struct ReorganisationRequest {
    pub on_day: NaiveDate,
    pub steps: Vec<Step>,
    /// The names and boards of the administrations that open, by code; required for those that are not known yet.
    pub names: BTreeMap<AdministrationCode, (String, String)>,
    pub reason: String,
    /// Whether this is a dry run.
    pub dry_run: bool,
}

/// How much moves from one administration to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    /// Employments that run on the day or start later.
    pub employments: u64,
    /// How many people these employments are of.
    pub people: u64,
}

/// A reorganisation as it was recorded or would be, and what it moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReorganisationAnswer {
    /// `None` in a dry run.
    pub id: Option<i64>,
    pub reorganisation: Reorganisation,
    /// By the administrations of origin and of destination.
    pub moved: BTreeMap<(AdministrationCode, AdministrationCode), Moved>,
    /// Employments that HR already records under the new code: before the day they return to their administration
    /// before that.
    pub named_before: Moved,
    /// Requirements whose audience names an administration that no one belongs to any more: from the day on they bind
    /// no one there, until a new version names the new administration.
    pub requirements: Vec<(RequirementCode, AdministrationCode)>,
}

/// Why nothing was reorganised.
#[derive(Debug, thiserror::Error)]
pub enum ReorganiseError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("it moves, opens and closes nothing; say what happens on the day")]
    Nothing,
    #[error("no administration {0} is known; import it first, or open it here with a name")]
    UnknownAdministration(AdministrationCode),
    #[error("administration {0} is known already, as {1}; leave its name out, or change it by HR's file")]
    KnownOtherwise(AdministrationCode, String),
    #[error(transparent)]
    Unworkable(#[from] Unworkable),
    #[error("{employments} employments would be in {code} when it is closed; say where they move, or end them first")]
    LeftBehind { code: AdministrationCode, employments: u64 },
    #[error("no reorganisation {0} is known")]
    UnknownReorganisation(i64),
    #[error("reorganisation {0} was undone already")]
    AlreadyUndone(i64),
    #[error("reorganisation {needed_by} needs {code}, which this one opens; take that back first")]
    Needed { code: AdministrationCode, needed_by: i64 },
    #[error(
        "{employments} employments rest on {code}, which this one opens: HR names it for them; have them named elsewhere first, or record where {code} moves"
    )]
    InUse { code: AdministrationCode, employments: u64 },
    #[error("it cannot be undone alone: {0}")]
    CannotStandWithout(Unworkable),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Records what happens to administrations on a day: all or nothing.
    pub async fn reorganise(
        &self,
        caller: &Caller,
        request: &ReorganisationRequest,
    ) -> Result<ReorganisationAnswer, ReorganiseError> {
        let grant = caller.grant(Action::Operate)?;
        let ReorganisationRequest { on_day, steps, names, reason, dry_run } = request;
        if steps.is_empty() {
            return Err(ReorganiseError::Nothing);
        }
        let change = self.begin_change(caller, &grant).await?;
        let connection = change.connection();
        let known = directory::administrations(connection, change.known_at()).await?;
        let opened = opened(&known, steps, names)?;
        let in_force = reorganisations::in_force(connection, None).await?;
        let before = tree(&in_force, None)?;
        let new: Vec<(NaiveDate, &Step)> = steps.iter().map(|step| (*on_day, step)).collect();
        let after = tree(&in_force, Some(&new))?;
        let recorded_in = connected(&in_force, steps);
        let employments = people::recorded_in(connection, &recorded_in).await?;
        nobody_is_left(&after, &employments)?;
        let answer = |id, reorganisation| ReorganisationAnswer {
            id,
            reorganisation,
            moved: moved(&employments, (&before, &after), *on_day),
            named_before: named_before(&employments, (&before, &after), *on_day),
            requirements: Vec::new(),
        };
        let recorded = |id: i64, subject: &str| Reorganisation {
            id,
            on_day: *on_day,
            steps: steps.clone(),
            reason: reason.clone(),
            made_by: subject.to_owned(),
            recorded_at: change.known_at(),
            undone: None,
        };
        let left: Vec<&AdministrationCode> =
            known.keys().filter(|code| leaves(code, &before, &after, *on_day)).collect();
        let requirements = self.requirements_naming(connection, &left, *on_day).await?;
        if *dry_run {
            let answer = answer(None, recorded(0, grant.subject()));
            let object = format!("reorganisation on {on_day}: {} steps, because {reason}", steps.len());
            self.end_preview(change, Act { action: "reorganisation.preview", object: &object }).await?;
            return Ok(ReorganisationAnswer { requirements, ..answer });
        }
        for (code, name) in opened {
            reorganisations::open_administration(&change, code, name).await?;
        }
        let id = reorganisations::insert(&change, *on_day, steps, (grant.subject(), reason)).await?;
        reorganisations::mark_stale(&change, &recorded_in.iter().collect()).await?;
        let object = format!("reorganisation {id} on {on_day}: {} steps, because {reason}", steps.len());
        let answer = answer(Some(id), recorded(id, grant.subject()));
        change.commit(Act { action: "reorganisation.make", object: &object }).await?;
        Ok(ReorganisationAnswer { requirements, ..answer })
    }

    /// Undoes a reorganisation: as known from now on, it never happened.
    pub async fn undo_reorganisation(
        &self,
        caller: &Caller,
        id: i64,
        because: &str,
    ) -> Result<Reorganisation, ReorganiseError> {
        let grant = caller.grant(Action::Operate)?;
        let change = self.begin_change(caller, &grant).await?;
        let connection = change.connection();
        let all = reorganisations::list(connection, change.scope()).await?;
        let undone = all.iter().find(|known| known.id == id).ok_or(ReorganiseError::UnknownReorganisation(id))?;
        if undone.undone.is_some() {
            return Err(ReorganiseError::AlreadyUndone(id));
        }
        let others: Vec<Reorganisation> =
            all.iter().filter(|known| known.id != id && known.undone.is_none()).cloned().collect();
        for step in &undone.steps {
            let Step::Opens(code) = step else { continue };
            let needs = |other: &&Reorganisation| {
                other.steps.iter().any(|step| matches!(step, Step::Moves { to, .. } | Step::Opens(to) if to == code))
            };
            if let Some(other) = others.iter().find(needs) {
                return Err(ReorganiseError::Needed { code: code.clone(), needed_by: other.id });
            }
        }
        let after = tree(&others, None).map_err(|error| match error {
            ReorganiseError::Unworkable(why) => ReorganiseError::CannotStandWithout(why),
            other => other,
        })?;
        let recorded_in = connected(&others, &undone.steps);
        let employments = people::recorded_in(connection, &recorded_in).await?;
        for step in &undone.steps {
            let Step::Opens(code) = step else { continue };
            if !reorganisations::was_known_before(connection, code, undone.recorded_at).await? {
                nobody_rests_on(code, &after, &employments)?;
            }
        }
        nobody_is_left(&after, &employments)?;
        reorganisations::undo(&change, undone, (grant.subject(), because)).await?;
        reorganisations::mark_stale(&change, &recorded_in.iter().collect()).await?;
        let object = format!("reorganisation {id} on {}, because {because}", undone.on_day);
        let found = reorganisations::list(connection, change.scope()).await?.into_iter().find(|known| known.id == id);
        change.commit(Act { action: "reorganisation.undo", object: &object }).await?;
        found.ok_or(ReorganiseError::UnknownReorganisation(id))
    }

    /// Every reorganisation that was recorded, newest first; for callers that see the whole city.
    pub async fn list_reorganisations(&self, caller: &Caller) -> Result<Vec<Reorganisation>, ReorganiseError> {
        let grant: Grant = caller.grant(Action::ReadReport)?;
        if !grant.visible().is_all() {
            return Err(Refused.into());
        }
        let entry = Act { action: "reorganisation.list", object: "reorganisations" };
        let reading = self.begin_read(caller, &grant, entry).await?;
        Ok(reorganisations::list(reading.connection(), reading.scope()).await?)
    }

    async fn requirements_naming(
        &self,
        connection: &impl Connection,
        left: &[&AdministrationCode],
        on_day: NaiveDate,
    ) -> Result<Vec<(RequirementCode, AdministrationCode)>, StoreError> {
        let mut naming = Vec::new();
        for (code, versions) in versions_of_all(connection).await? {
            let Some(version) = in_effect_on(&versions, on_day) else { continue };
            let named = &version.requirement.audience.administrations;
            naming.extend(left.iter().filter(|left| named.contains(left)).map(|left| (code.clone(), (*left).clone())));
        }
        Ok(naming)
    }
}

/// An administration that becomes known, its name and its board.
type Opened<'r> = (&'r AdministrationCode, (&'r str, &'r str));

/// The administrations that become known, with their names and boards; or an error for one that has no name.
fn opened<'r>(
    known: &BTreeMap<AdministrationCode, String>,
    steps: &'r [Step],
    names: &'r BTreeMap<AdministrationCode, (String, String)>,
) -> Result<Vec<Opened<'r>>, ReorganiseError> {
    let mut opened: BTreeMap<&AdministrationCode, (&str, &str)> = BTreeMap::new();
    for step in steps {
        let Step::Opens(code) = step else { continue };
        match (known.get(code), names.get(code)) {
            (Some(is), Some((name, _))) if is != name => {
                return Err(ReorganiseError::KnownOtherwise(code.clone(), is.clone()));
            }
            (None, Some((name, board))) => {
                opened.insert(code, (name, board));
            }
            (None, None) => return Err(ReorganiseError::UnknownAdministration(code.clone())),
            (Some(_), _) => {}
        }
    }
    let named = steps.iter().flat_map(|step| match step {
        Step::Moves { from, to, .. } => vec![from, to],
        Step::Opens(code) | Step::Closes(code) => vec![code],
    });
    match named.into_iter().find(|code| !known.contains_key(*code) && !opened.contains_key(*code)) {
        Some(unknown) => Err(ReorganiseError::UnknownAdministration(unknown.clone())),
        None => Ok(opened.into_iter().collect()),
    }
}

fn tree(in_force: &[Reorganisation], new: Option<&[(NaiveDate, &Step)]>) -> Result<Successions, ReorganiseError> {
    let steps = in_force.iter().flat_map(|known| known.steps.iter().map(|step| (known.on_day, step)));
    Ok(Successions::of(steps.chain(new.unwrap_or_default().iter().copied()))?)
}

/// The codes under which an affected employee may be recorded: those that the steps name, and those that other steps
/// connect with them, directly or not.
fn connected(in_force: &[Reorganisation], steps: &[Step]) -> BTreeSet<AdministrationCode> {
    fn named(step: &Step) -> Vec<&AdministrationCode> {
        match step {
            Step::Moves { from, to, .. } => vec![from, to],
            Step::Opens(code) | Step::Closes(code) => vec![code],
        }
    }
    let mut codes: BTreeSet<AdministrationCode> = steps.iter().flat_map(named).cloned().collect();
    loop {
        let steps = in_force.iter().flat_map(|known| &known.steps).map(named);
        let touching = steps.filter(|named| named.iter().any(|code| codes.contains(*code)));
        let more: Vec<AdministrationCode> = touching.flatten().filter(|code| !codes.contains(*code)).cloned().collect();
        if more.is_empty() {
            return codes;
        }
        codes.extend(more);
    }
}

/// Whether no one belongs to an administration any more from the day on.
fn leaves(code: &AdministrationCode, before: &Successions, after: &Successions, on_day: NaiveDate) -> bool {
    !before.is_gone(code, on_day) && after.is_gone(code, on_day)
}

fn nobody_is_left(after: &Successions, employments: &[(EmployeeId, Employment)]) -> Result<(), ReorganiseError> {
    let mut left: BTreeMap<AdministrationCode, u64> = BTreeMap::new();
    for (_, employment) in employments {
        if let Some(code) = after.closed_to(&employment.as_recorded()) {
            *left.entry(code).or_default() += 1;
        }
    }
    match left.into_iter().next() {
        Some((code, employments)) => Err(ReorganiseError::LeftBehind { code, employments }),
        None => Ok(()),
    }
}

/// Whether no employment is, was or will be in an administration without the step that opens it.
fn nobody_rests_on(
    code: &AdministrationCode,
    after: &Successions,
    employments: &[(EmployeeId, Employment)],
) -> Result<(), ReorganiseError> {
    let resting = employments.iter().filter(|(_, employment)| after.leads_to(&employment.as_recorded(), code)).count();
    match resting as u64 {
        0 => Ok(()),
        employments => Err(ReorganiseError::InUse { code: code.clone(), employments }),
    }
}

/// What the reorganisation moves: employments that run on the day or start later.
fn moved(
    employments: &[(EmployeeId, Employment)],
    (before, after): (&Successions, &Successions),
    on_day: NaiveDate,
) -> BTreeMap<(AdministrationCode, AdministrationCode), Moved> {
    let mut found: BTreeMap<(AdministrationCode, AdministrationCode), (u64, BTreeSet<EmployeeId>)> = BTreeMap::new();
    for (employee, employment) in employments {
        if employment.ends_on.is_some_and(|last| last < on_day.max(employment.starts_on)) {
            continue;
        }
        let day = on_day.max(employment.starts_on);
        let recorded = employment.as_recorded();
        let (from, to) = (before.place(&recorded, day), after.place(&recorded, day));
        if from != to {
            let (count, people) = found.entry((from.clone(), to.clone())).or_default();
            *count += 1;
            people.insert(*employee);
        }
    }
    let counted = |(places, (employments, people)): (_, (u64, BTreeSet<_>))| {
        (places, Moved { employments, people: people.len() as u64 })
    };
    found.into_iter().map(counted).collect()
}

/// What it moves on days before its own: HR recorded the new code before the register knew the step.
fn named_before(
    employments: &[(EmployeeId, Employment)],
    (before, after): (&Successions, &Successions),
    on_day: NaiveDate,
) -> Moved {
    let mut found = Moved::default();
    let mut people = BTreeSet::new();
    for (employee, employment) in employments.iter().filter(|(_, employment)| employment.starts_on < on_day) {
        let last = employment.ends_on.map_or(day_before(on_day), |last| last.min(day_before(on_day)));
        let until = RecordedEmployment { ends_on: Some(last), ..employment.as_recorded() };
        if before.stays(&until) != after.stays(&until) {
            found.employments += 1;
            people.insert(*employee);
        }
    }
    found.people = people.len() as u64;
    found
}
