//! Compliance states: every person's spans, derived again from the facts.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{AT_ONCE, Progress, Verified};
use crate::app::App;
use crate::app::compliance::refresh::all_requirements;
use crate::domain::compliance::{ComplianceState, ScopeSpan, StateSpan};
use crate::domain::ids::{EmployeeId, RequirementCode};
use crate::store::chain::scope::BLOCK;
use crate::store::chain::scope::Scope;
use crate::store::compliance_states::{self, Derived};
use crate::store::{StoreError, people, stale};

/// The most rounds of refreshing, whatever becomes stale meanwhile.
const ROUNDS: usize = 1000;

/// HR's numbers of employees.
type Numbers = HashMap<EmployeeId, String>;

impl App {
    /// Refreshes the stale employees, for a limited number of rounds. Those who become stale meanwhile are not
    /// compared: reports judge them from the facts.
    pub(super) async fn refresh_what_waits(&self) -> Result<(), StoreError> {
        for _ in 0..ROUNDS {
            if self.refresh_some().await? < usize::try_from(AT_ONCE).unwrap_or(usize::MAX) / 4 {
                break;
            }
        }
        Ok(())
    }

    pub(super) async fn verify_compliance_states(
        &self,
        scope: Scope,
        verified: &mut Verified,
        progress: &mut Progress<'_>,
    ) -> Result<(), StoreError> {
        let snapshot = self.snapshot_for().await?;
        let requirements = all_requirements(&snapshot).await?;
        let mut after = EmployeeId(0);
        loop {
            let mut ids = people::ids_after(snapshot.connection(), after, AT_ONCE).await?;
            let Some(last) = ids.last() else { break };
            after = *last;
            ids.retain(|id| scope.of <= 1 || scope.has_block(id.0 / BLOCK));
            if ids.is_empty() {
                continue;
            }
            progress(ids.len() as u64);
            verified.employees += ids.len() as u64;
            // Facts that were recorded since the refresh are not derived yet, and reports judge these people
            // themselves.
            let waiting = stale::stale_among(snapshot.connection(), &ids).await?;
            let numbers = people::numbers_of(snapshot.connection(), &ids.iter().copied().collect()).await?;
            let should = self.derive_from_scratch(&snapshot, &ids, &requirements).await?;
            let stored = compliance_states::stored(snapshot.connection(), &ids).await?;
            compare(stored, should, &waiting, &numbers, verified);
        }
        let orphans = compliance_states::count_orphans(snapshot.connection()).await?;
        if orphans > 0 {
            verified.differs(format!("{orphans} standings are of nobody whom the directory knows"));
        }
        for number in people::known_otherwise(snapshot.connection()).await? {
            verified.differs(format!("employee {number} is stored as known, or as unknown, against the facts"));
        }
        Ok(())
    }
}

fn compare(
    stored: Vec<Derived>,
    should: Vec<Derived>,
    waiting: &BTreeSet<EmployeeId>,
    numbers: &Numbers,
    verified: &mut Verified,
) {
    let mut should = by_name(should);
    for stored in stored {
        let should = should.remove(&(stored.employee, stored.requirement.clone()));
        if !waiting.contains(&stored.employee)
            && let Some(difference) = difference(&stored, should.as_ref(), numbers)
        {
            verified.differs(difference);
        }
    }
    for missing in should.into_values().filter(|missing| !waiting.contains(&missing.employee)) {
        verified.differs(format!(
            "{}: {} should be kept as the facts give them, and nothing is",
            named(&missing, numbers),
            spans(missing.compliance_states.len())
        ));
    }
}

fn named(derived: &Derived, numbers: &Numbers) -> String {
    let number = numbers.get(&derived.employee).map_or("without a number", String::as_str);
    format!("employee {number} and requirement {}", derived.requirement)
}

fn spans(count: usize) -> String {
    format!("{count} {}", if count == 1 { "span" } else { "spans" })
}

fn by_name(derived: Vec<Derived>) -> BTreeMap<(EmployeeId, RequirementCode), Derived> {
    derived.into_iter().map(|derived| ((derived.employee, derived.requirement.clone()), derived)).collect()
}

/// The difference between what is stored and what the facts give.
fn difference(stored: &Derived, should: Option<&Derived>, numbers: &Numbers) -> Option<String> {
    let name = named(stored, numbers);
    let Some(should) = should else {
        return Some(format!(
            "{name}: nothing should be kept as the facts give it, and {} are",
            spans(stored.compliance_states.len())
        ));
    };
    if stored.compliance_states != should.compliance_states {
        let mut pairs = stored.compliance_states.iter().zip(&should.compliance_states);
        return Some(match pairs.find(|(stored, should)| stored != should) {
            Some((stored, should)) => {
                let fields = fields_of(should).into_iter();
                let differing = fields.zip(fields_of(stored)).find(|(should, stored)| should != stored);
                let (field, should, stands) = differing
                    .map_or(("compliance_state", String::new(), String::new()), |(should, stored)| {
                        (should.0, should.1, stored.1)
                    });
                format!(
                    "{name}: from {} {field} should be {should} as the facts give it, and is {stands}",
                    stored.days.first
                )
            }
            None => format!(
                "{name}: {} should be kept as the facts give them, and {} are",
                spans(should.compliance_states.len()),
                stored.compliance_states.len()
            ),
        });
    }
    if stored.scopes == should.scopes {
        return None;
    }
    let mut pairs = stored.scopes.iter().zip(&should.scopes);
    Some(match pairs.find(|(stored, should)| stored != should) {
        Some(((stored, stored_key), (should, should_key))) => {
            let (should, stands) = if stored == should {
                (format!("sorted by {}", hex::encode(should_key)), hex::encode(stored_key))
            } else {
                (place(should), place(stored))
            };
            format!(
                "{name}: the place where the person counts should be {should} as the facts give it, and is {stands}"
            )
        }
        None => format!(
            "{name}: {} places where the person counts should be kept as the facts give them, and {} are",
            should.scopes.len(),
            stored.scopes.len()
        ),
    })
}

fn shown<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

fn place(span: &ScopeSpan) -> String {
    let ScopeSpan { days, administration, unit, employment_fact } = span;
    let until = shown(days.until.as_ref());
    format!("{administration} {unit:?} from {} until {until} by employment_fact {employment_fact}", days.first)
}

fn fields_of(span: &StateSpan) -> Vec<(&'static str, String)> {
    let StateSpan { days, version, state } = span;
    // Each field by its name: a new field is then a compile error here, and not a difference that no sentence shows.
    let ComplianceState {
        status,
        clock,
        due_on,
        on_time,
        satisfied_on,
        valid_until,
        evidence_event_id,
        best_score_percent,
        attempts,
        last_attempt_on,
        held_items,
    } = state;
    vec![
        ("the first day", days.first.to_string()),
        ("the day after the last", shown(days.until.as_ref())),
        ("version", version.to_string()),
        ("status", status.as_str().to_owned()),
        ("clock_on", clock.to_string()),
        ("due_on", shown(due_on.as_ref())),
        ("on_time", on_time.to_string()),
        ("satisfied_on", shown(satisfied_on.as_ref())),
        ("valid_until", shown(valid_until.as_ref())),
        ("evidence_event_id", shown(evidence_event_id.as_ref())),
        ("best_score_percent", shown(best_score_percent.as_ref())),
        ("attempts", attempts.to_string()),
        ("last_attempt_on", shown(last_attempt_on.as_ref())),
        ("held_items", held_items.to_string()),
    ]
}
