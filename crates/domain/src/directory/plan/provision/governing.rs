//! The employments that an account governs after a plan, and the employments that exist then.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Act, Change, Plan};
use super::{KnownPerson, ProvisionedState};
use crate::directory::records::EmploymentRecord;
use crate::ids::EmploymentId;

/// The employments that an account governs after a plan: those that it governed and that still exist, those that it
/// provisions now, and those of its list that another account provisioned as well.
#[must_use]
pub fn governed_after(
    governed: &BTreeSet<EmploymentId>,
    known: &KnownPerson,
    plan: &Plan,
    was: Option<&ProvisionedState>,
    provisioned: &ProvisionedState,
) -> BTreeSet<EmploymentId> {
    let mut after = governed.clone();
    let listed = |provisioned: &ProvisionedState| -> BTreeSet<EmploymentId> {
        provisioned.employments.iter().flatten().filter_map(|employment| employment.id.clone()).collect()
    };
    let (was, now) = (was.map(listed).unwrap_or_default(), listed(provisioned));
    if provisioned.employments.is_some() {
        after.retain(|id| now.contains(id) || !was.contains(id) || !known.beside.of_active.contains(id));
    }
    after.extend(now.into_iter().filter(|id| !was.contains(id) && known.beside.of_active.contains(id)));
    for change in &plan.changes {
        match change {
            Change::Employment(Act::Added(employment)) => {
                let is_restored = known.beside.ended_today.contains_key(&employment.employment_id);
                after.extend(Some(employment.employment_id.clone()).filter(|_| !is_restored));
            }
            Change::Employment(Act::Withdrawn(employment)) => drop(after.remove(&employment.employment_id)),
            _ => {}
        }
    }
    after
}

/// A person's employments as they are after a plan.
#[must_use]
pub fn employments_after(known: &KnownPerson, plan: &Plan) -> BTreeMap<EmploymentId, EmploymentRecord> {
    let mut employments = known.employments.clone();
    for change in &plan.changes {
        let Change::Employment(act) = change else { continue };
        match (act.before(), act.after()) {
            (_, Some(after)) => drop(employments.insert(after.employment_id.clone(), after.clone())),
            (Some(before), None) => drop(employments.remove(&before.employment_id)),
            (None, None) => {}
        }
    }
    employments
}
