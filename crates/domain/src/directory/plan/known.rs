//! The known directory, and the application of a plan to it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::super::records::{
    AbsenceRecord, AdministrationRecord, EmploymentRecord, ExemptionRecord, IdentityRecord, PersonRecord,
};
use super::super::succession::Successions;
use super::{Act, Change, Plan};
use crate::ids::{AdministrationCode, EmployeeNumber, EmploymentId, PlatformCode, RequirementCode};

/// The directory as it is known now, without withdrawn records but with ended ones. The key of each map is its records'
/// own key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    pub administrations: BTreeMap<AdministrationCode, AdministrationRecord>,
    /// All people who ever had an employment.
    pub persons: BTreeMap<EmployeeNumber, PersonRecord>,
    pub employments: BTreeMap<(EmployeeNumber, EmploymentId), EmploymentRecord>,
    /// By the first day.
    pub absences: BTreeMap<(EmployeeNumber, NaiveDate), AbsenceRecord>,
    /// By requirement and first day.
    pub exemptions: BTreeMap<(EmployeeNumber, RequirementCode, NaiveDate), ExemptionRecord>,
    pub identities: BTreeSet<IdentityRecord>,
    /// Those that an exemption may name.
    pub requirements: BTreeSet<RequirementCode>,
    /// Those that an identity may name.
    pub platforms: BTreeSet<PlatformCode>,
    /// Numbers that are merged into another: both are one human, so a common address is not shared.
    pub merged: BTreeMap<EmployeeNumber, EmployeeNumber>,
    /// The reorganisations: they say where a reported employment is by now.
    pub successions: Successions,
}

impl Known {
    /// One person's employments, by their ids.
    pub(super) fn employments_of(&self, number: &EmployeeNumber) -> impl Iterator<Item = &EmploymentRecord> {
        let number = number.clone();
        let from = (number.clone(), EmploymentId::BEFORE_ALL);
        self.employments
            .range(from..)
            .map(|(_, record)| record)
            .take_while(move |record| record.employee_number == number)
    }

    /// The directory as it is known once the plan has been carried out.
    pub fn apply(&mut self, plan: &Plan) {
        for change in &plan.changes {
            match change {
                Change::Administration(act) => put(&mut self.administrations, act.record().code.clone(), act),
                Change::Person(act) => put(&mut self.persons, act.record().employee_number.clone(), act),
                Change::Employment(act) => {
                    let EmploymentRecord { employee_number, employment_id, .. } = act.record();
                    put(&mut self.employments, (employee_number.clone(), employment_id.clone()), act);
                }
                Change::Absence(act) => {
                    let AbsenceRecord { employee_number, starts_on, .. } = act.record();
                    put(&mut self.absences, (employee_number.clone(), *starts_on), act);
                }
                Change::Exemption(act) => {
                    let ExemptionRecord { employee_number, requirement, starts_on, .. } = act.record();
                    put(&mut self.exemptions, (employee_number.clone(), requirement.clone(), *starts_on), act);
                }
                Change::Identity(act) => {
                    if let Some(before) = act.before() {
                        self.identities.remove(before);
                    }
                    self.identities.extend(act.after().cloned());
                }
            }
        }
    }
}

fn put<K: Ord, T: Clone>(records: &mut BTreeMap<K, T>, key: K, act: &Act<T>) {
    if let Some(after) = act.after() {
        records.insert(key, after.clone());
    } else {
        records.remove(&key);
    }
}
