//! The directory before and after a plan: how many are affected by each kind of change, with examples.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::super::records::{EmploymentRecord, PersonRecord};
use super::change::{Act, Change};
use super::mass::{EXAMPLES, MassChange, MassKind, What};
use super::{Dated, Extent, Files, Known};
use crate::ids::{AdministrationCode, EmployeeNumber};
use crate::linking::normalized;

/// From this many employments on, the end of an administration must be allowed, however large the city is.
const WHOLE_ADMINISTRATION: usize = 5;

/// The directory before and after, as the checks compare it.
pub(super) struct Comparison<'a> {
    pub known: &'a Known,
    pub files: &'a Files,
    pub changes: &'a [Change],
    pub protected: &'a BTreeSet<EmployeeNumber>,
    pub extent: Extent,
    pub today: NaiveDate,
}

/// An employment whose record changes.
type Pair<'a> = (&'a EmploymentRecord, &'a EmploymentRecord);

impl<'a> Comparison<'a> {
    /// All changes that must be allowed.
    pub(super) fn mass_changes(&self) -> Vec<MassChange> {
        let mut found: Vec<MassChange> = self.ending().into_iter().collect();
        found.extend(self.emptied());
        let differs = |kind, changed: &dyn Fn(Pair<'a>) -> Option<String>| self.employments_that(kind, changed);
        found.extend(differs(MassKind::StartChanges, &|(before, after)| {
            (before.starts_on != after.starts_on)
                .then(|| format!("starts_on {} → {}", before.starts_on, after.starts_on))
        }));
        found.extend(differs(MassKind::Moves, &|(before, after)| {
            let place = |employment: &EmploymentRecord| {
                self.known.successions.resolve(&employment.administration, &employment.unit, self.today).clone()
            };
            (before.administration != after.administration && place(before) != place(after))
                .then(|| format!("{} → {}", before.administration, after.administration))
        }));
        found.extend(self.keys());
        found.extend(self.people_that(MassKind::NameChanges, |before, after| {
            let name = |person: &PersonRecord| format!("{} {}", person.given_name, person.family_name);
            (name(before) != name(after)).then(|| format!("{} → {}", name(before), name(after)))
        }));
        found.extend(differs(MassKind::FormChanges, &|(before, after)| {
            (before.form != after.form).then(|| format!("{} → {}", before.form.as_str(), after.form.as_str()))
        }));
        found.extend(self.people_that(MassKind::Unprotecting, |before, after| {
            (before.protected && !after.protected).then(String::new)
        }));
        found
    }

    fn lives(&self, employment: &EmploymentRecord) -> bool {
        employment.runs_or_is_to_come(self.today)
    }

    /// Employments of HR's files. A provider's employments are in no file.
    fn of_files(&self) -> impl Iterator<Item = &'a EmploymentRecord> {
        self.known.employments.values().filter(|employment| !employment.employment_id.is_of_provider())
    }

    fn employments(&self) -> impl Iterator<Item = &'a Act<EmploymentRecord>> {
        self.changes.iter().filter_map(|change| match change {
            Change::Employment(act) => Some(act),
            _ => None,
        })
    }

    /// The smallest number that must be allowed. One is a correction, not an accident; and the rows of a partial file
    /// were picked on purpose.
    const fn fewest(&self) -> usize {
        match self.extent {
            Extent::Full => 2,
            Extent::Partial => 5,
        }
    }

    const fn is_mass(&self, affected: usize, of: usize) -> bool {
        affected >= self.fewest() && affected * 10 > of
    }

    /// Counts an employment that a row ends in the past the same as a missing one: both would have ended.
    fn ending(&self) -> Option<MassChange> {
        if self.extent == Extent::Partial {
            return None;
        }
        let mut running: BTreeMap<&AdministrationCode, usize> = BTreeMap::new();
        for employment in self.of_files().filter(|employment| self.lives(employment)) {
            *running.entry(&employment.administration).or_default() += 1;
        }
        let of: usize = running.values().sum();
        let ends = |act: &&Act<EmploymentRecord>| {
            act.before().is_some_and(|before| self.lives(before)) && !act.after().is_some_and(|after| self.lives(after))
        };
        let ending: Vec<&EmploymentRecord> = self.employments().filter(ends).map(Act::record).collect();
        let mut whole = running;
        whole.retain(|_, employments| *employments >= WHOLE_ADMINISTRATION);
        for employment in &ending {
            if let Some(left) = whole.get_mut(&employment.administration) {
                *left = left.saturating_sub(1);
            }
        }
        whole.retain(|_, left| *left == 0);
        let what = if ending.len() * 10 > of {
            What::Share
        } else if whole.is_empty() {
            return None;
        } else {
            What::WholeAdministrations(whole.keys().map(|code| (*code).clone()).collect())
        };
        let of_these = |employment: &&&EmploymentRecord| match &what {
            What::WholeAdministrations(codes) => codes.contains(&employment.administration),
            _ => true,
        };
        let affected = ending.iter().filter(of_these).count();
        let shown = ending.iter().filter(of_these).take(EXAMPLES);
        let examples = shown.map(|employment| self.shown(employment, String::new())).collect();
        Some(MassChange { kind: MassKind::Ending, affected, of, examples, what })
    }

    /// A full file with only a header, which ends all known records of its kind.
    fn emptied(&self) -> Vec<MassChange> {
        fn has_no_rows<T>(rows: Option<&Vec<T>>) -> bool {
            rows.is_some_and(Vec::is_empty)
        }
        let known = self.known;
        let kinds = [
            ("absences", has_no_rows(self.files.absences.as_ref()), {
                known.absences.values().filter(|absence| absence.runs_or_is_to_come(self.today)).count()
            }),
            ("exemptions", has_no_rows(self.files.exemptions.as_ref()), {
                known.exemptions.values().filter(|exemption| exemption.runs_or_is_to_come(self.today)).count()
            }),
            ("identities", has_no_rows(self.files.identities.as_ref()), known.identities.len()),
            ("administrations", has_no_rows(self.files.administrations.as_ref()), known.administrations.len()),
        ];
        let emptied = kinds.into_iter().filter(|(_, has_no_rows, affected)| {
            self.extent == Extent::Full && *has_no_rows && *affected >= self.fewest()
        });
        let mass = |(records, _, affected)| MassChange {
            kind: MassKind::Ending,
            affected,
            of: affected,
            examples: Vec::new(),
            what: What::EmptyFile(records),
        };
        emptied.map(mass).collect()
    }

    /// Employments that change, as described by `changed`: more than a tenth of those that run or are to come, or of
    /// all.
    fn employments_that(&self, kind: MassKind, changed: &dyn Fn(Pair<'a>) -> Option<String>) -> Option<MassChange> {
        let (mut running, mut all, mut examples) = (0, 0, Vec::new());
        for act in self.employments() {
            let Some(pair) = act.before().zip(act.after()) else { continue };
            let Some(text) = changed(pair) else { continue };
            all += 1;
            running += usize::from(self.lives(pair.0));
            if examples.len() < EXAMPLES {
                examples.push(self.shown(pair.0, text));
            }
        }
        let of_running = self.of_files().filter(|employment| self.lives(employment)).count();
        let of_all = self.of_files().count();
        let counted = [(running, of_running), (all, of_all)];
        let (affected, of) = counted.into_iter().find(|(affected, of)| self.is_mass(*affected, *of))?;
        Some(MassChange { kind, affected, of, examples, what: What::Share })
    }

    fn shown(&self, employment: &EmploymentRecord, text: String) -> String {
        let EmploymentRecord { employee_number, employment_id, .. } = employment;
        if self.protected.contains(employee_number) {
            return employee_number.to_string();
        }
        let key = format!("{employee_number}/{employment_id}");
        if text.is_empty() { key } else { format!("{key}: {text}") }
    }

    /// People that change, as described by `changed`, among those that the files know or, for unprotecting, the
    /// protected.
    fn people_that(
        &self,
        kind: MassKind,
        changed: impl Fn(&PersonRecord, &PersonRecord) -> Option<String>,
    ) -> Option<MassChange> {
        let (mut affected, mut examples) = (0, Vec::new());
        for change in self.changes {
            let Change::Person(act) = change else { continue };
            let Some((before, after)) = act.before().zip(act.after()) else { continue };
            let Some(text) = changed(before, after) else { continue };
            affected += 1;
            if examples.len() < EXAMPLES {
                let number = &before.employee_number;
                let is_protected = text.is_empty() || self.protected.contains(number);
                examples.push(if is_protected { number.to_string() } else { format!("{number}: {text}") });
            }
        }
        let of = match kind {
            MassKind::Unprotecting => self.known.persons.values().filter(|person| person.protected).count(),
            _ => self.employed_before().len(),
        };
        self.is_mass(affected, of).then_some(MassChange { kind, affected, of, examples, what: What::Share })
    }

    /// All people with an employment of HR's files that runs or is to come.
    fn employed_before(&self) -> BTreeSet<&'a EmployeeNumber> {
        self.of_files().filter(|employment| self.lives(employment)).map(|e| &e.employee_number).collect()
    }

    /// People who stay employed, but lose an address or a user name that an employment gave them.
    fn keys(&self) -> Option<MassChange> {
        let before = Keys::of(self.of_files().filter(|employment| self.lives(employment)));
        let mut touched: BTreeSet<&EmployeeNumber> = BTreeSet::new();
        for act in self.employments() {
            let keys = |employment: Option<&'a EmploymentRecord>| employment.map(|e| (&e.email, &e.username));
            if act.before().is_some() && keys(act.before()) != keys(act.after()) {
                touched.insert(&act.record().employee_number);
            }
        }
        let (mut affected, mut examples) = (0, Vec::new());
        for number in touched {
            let Some(had) = before.get(number) else { continue };
            let has = Keys::of(self.employments_after(number).filter(|employment| self.lives(employment)));
            // Whoever leaves loses nothing: the last holder of an address keeps it.
            let Some(has) = has.get(number) else { continue };
            let Some((lost, instead)) = had.lost(has) else { continue };
            affected += 1;
            if examples.len() < EXAMPLES {
                let is_protected = self.protected.contains(number);
                let text = format!("{number}: {lost} → {}", instead.unwrap_or("–"));
                examples.push(if is_protected { number.to_string() } else { text });
            }
        }
        let of = before.len();
        let kind = MassKind::KeyChanges;
        self.is_mass(affected, of).then_some(MassChange { kind, affected, of, examples, what: What::Share })
    }

    /// A person's employments once the plan is carried out, from all sources.
    pub(super) fn employments_after(&self, number: &EmployeeNumber) -> impl Iterator<Item = &'a EmploymentRecord> {
        let acts: Vec<&Act<EmploymentRecord>> = {
            // The changes are in the order of their keys, employments of one person side by side.
            let start = self.changes.partition_point(|change| match change {
                Change::Administration(_) | Change::Person(_) => true,
                Change::Employment(act) => &act.record().employee_number < number,
                _ => false,
            });
            let rest = self.changes.get(start..).unwrap_or_default().iter();
            rest.map_while(|change| match change {
                Change::Employment(act) if &act.record().employee_number == number => Some(act),
                _ => None,
            })
            .collect()
        };
        let is_changed: BTreeSet<_> = acts.iter().map(|act| &act.record().employment_id).collect();
        let stays = self.known.employments_of(number).filter(move |e| !is_changed.contains(&e.employment_id));
        stays.chain(acts.into_iter().filter_map(Act::after))
    }
}

/// The addresses and user names of a person, in their compared form, with their written form.
#[derive(Debug, Default)]
pub(super) struct Keys<'a> {
    pub emails: BTreeMap<String, &'a str>,
    pub usernames: BTreeMap<String, &'a str>,
}

impl<'a> Keys<'a> {
    /// By person.
    pub(super) fn of(employments: impl Iterator<Item = &'a EmploymentRecord>) -> BTreeMap<&'a EmployeeNumber, Self> {
        let mut keys: BTreeMap<&EmployeeNumber, Self> = BTreeMap::new();
        for employment in employments {
            let of_person = keys.entry(&employment.employee_number).or_default();
            of_person.emails.extend(employment.email.as_deref().map(|text| (normalized(text), text)));
            of_person.usernames.extend(employment.username.as_deref().map(|text| (normalized(text), text)));
        }
        keys
    }

    /// A key that is gone, and the one in its place.
    fn lost<'s>(&'s self, after: &'s Keys<'_>) -> Option<(&'s str, Option<&'s str>)> {
        let pairs = [(&self.emails, &after.emails), (&self.usernames, &after.usernames)];
        pairs.into_iter().find_map(|(had, has)| {
            let (_, lost) = had.iter().find(|(key, _)| !has.contains_key(*key))?;
            let instead = has.iter().find(|(key, _)| !had.contains_key(*key)).map(|(_, text)| *text);
            Some((*lost, instead))
        })
    }
}
