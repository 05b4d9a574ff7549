//! Properties of every plan, for any files.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::undo::undo as taken_back;
use super::*;

const CODES: [&str; 3] = ["FGK", "HVO", "SEF"];

prop_compose! {
    fn days()(first in 0u32..60, length in prop::option::of(0u32..40)) -> (NaiveDate, Option<NaiveDate>) {
        let first = add_days(day("2026-03-01"), first);
        (first, length.map(|length| add_days(first, length)))
    }
}

prop_compose! {
    fn reported()(
        employee in 0u8..6, id in 0u8..2, administration in prop::sample::select(&CODES[..]),
        days in days(), unit in "[AB]?", protected in prop::option::of(any::<bool>()),
    ) -> ReportedEmployment {
        let mut reported = employment(&format!("{employee}/{id} {administration} 2026-01-01"));
        reported.employment.starts_on = days.0;
        reported.employment.ends_on = days.1;
        reported.employment.unit = unit;
        reported.protected = protected;
        reported
    }
}

prop_compose! {
    fn files()(
        reported in prop::collection::vec(reported(), 0..12),
        name in "[A-C]",
        absences in prop::collection::vec((0u8..6, days()), 0..6),
        exemptions in prop::collection::vec((0u8..6, days()), 0..6),
        identities in prop::collection::vec((0u8..6, "[1-3]"), 0..6),
        codes in prop::sample::subsequence(&CODES[..], 1..=3),
        given in [0.3, 0.9, 0.5, 0.5, 0.5].map(prop::bool::weighted),
    ) -> Files {
        let reported = reported.into_iter().map(|mut row| {
            row.family_name.clone_from(&name);
            row
        });
        let absences = absences.into_iter().map(|(employee, (starts_on, ends_on))| AbsenceRecord {
            employee_number: number(&employee.to_string()), starts_on, ends_on,
        });
        let exemptions = exemptions.into_iter().map(|(employee, (starts_on, ends_on))| ExemptionRecord {
            starts_on, ends_on, ..exemption(&employee.to_string(), "2026-01-01", None)
        });
        Files {
            administrations: rows(codes.into_iter().map(administration)).filter(|_| given[0]),
            employments: distinct(reported).filter(|_| given[1]),
            absences: distinct(absences).filter(|_| given[2]),
            exemptions: distinct(exemptions).filter(|_| given[3]),
            identities: distinct(identities.into_iter().map(|(who, value)| identity(&who.to_string(), &value)))
                .filter(|_| given[4]),
        }
    }
}

/// Rows that have each key once, as the reader of files ensures.
fn distinct<T: Keyed>(records: impl Iterator<Item = T>) -> Option<Vec<Row<T>>> {
    let mut stored: Vec<T> = Vec::new();
    for record in records {
        if stored.iter().all(|known| known.key() != record.key()) {
            stored.push(record);
        }
    }
    rows(stored)
}

/// A directory in which all references of the generated files hold, whose employees all have an ended employment.
fn directory() -> Known {
    let mut files = Files { administrations: rows(CODES.map(administration)), ..Files::default() };
    files.employments = rows((0..6).map(|n| employment(&format!("{n}/old SEF 2020-01-01 2020-12-31"))));
    let mut known = known(&Files::default());
    known.apply(&plan(&known, &files, Extent::Full, TODAY).expect("a plan"));
    known
}

fn after(known: &Known, files: &Files, extent: Extent) -> Option<Known> {
    let mut after = known.clone();
    after.apply(&plan(known, files, extent, TODAY).ok()?);
    Some(after)
}

/// The differences between two maps with the same keys, as the facts have them: without knowing which records ended.
fn acts<K: Ord + Clone, T: Clone + PartialEq>(before: &BTreeMap<K, T>, after: &BTreeMap<K, T>) -> Vec<Act<T>> {
    let keys: BTreeSet<&K> = before.keys().chain(after.keys()).collect();
    let act = |key| match (before.get(key).cloned(), after.get(key).cloned()) {
        (None, Some(after)) => Some(Act::Added(after)),
        (Some(before), None) => Some(Act::Withdrawn(before)),
        (Some(before), Some(after)) if before != after => Some(Act::Changed { before, after }),
        _ => None,
    };
    // Backwards: the order is for the plan to find.
    keys.into_iter().rev().filter_map(act).collect()
}

fn reported_by_facts(before: &Known, after: &Known) -> Vec<Change> {
    let by_themselves = |known: &Known| known.identities.iter().map(|i| (i.clone(), i.clone())).collect();
    let (identities, identities_after): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (by_themselves(before), by_themselves(after));
    let mut changes: Vec<Change> = Vec::new();
    changes.extend(acts(&identities, &identities_after).into_iter().map(Change::Identity));
    changes.extend(acts(&before.exemptions, &after.exemptions).into_iter().map(Change::Exemption));
    changes.extend(acts(&before.absences, &after.absences).into_iter().map(Change::Absence));
    changes.extend(acts(&before.employments, &after.employments).into_iter().map(Change::Employment));
    changes.extend(acts(&before.persons, &after.persons).into_iter().map(Change::Person));
    changes.extend(acts(&before.administrations, &after.administrations).into_iter().map(Change::Administration));
    changes
}

fn extent() -> impl Strategy<Value = Extent> {
    prop_oneof![Just(Extent::Full), Just(Extent::Partial)]
}

proptest! {
    #[test]
    fn the_same_files_again_change_nothing(before in files(), files in files(), extent in extent()) {
        let known = after(&directory(), &before, Extent::Full).unwrap_or_else(directory);
        if let Some(after) = after(&known, &files, extent) {
            let again = plan(&after, &files, extent, TODAY).expect("what was taken once is taken again");
            prop_assert!(again.is_empty(), "{:?}", again.lines().collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_facts_alone_tell_what_an_import_did(before in files(), files in files(), extent in extent()) {
        let known = after(&directory(), &before, Extent::Full).unwrap_or_else(directory);
        let Ok(plan) = plan(&known, &files, extent, TODAY) else { return Ok(()) };
        let mut after = known.clone();
        after.apply(&plan);
        let counted = Plan::carried_out(reported_by_facts(&known, &after), extent, TODAY, plan.protected.clone());
        prop_assert_eq!(&counted.changes, &plan.changes);
        prop_assert!(counted.difference().eq(plan.difference()));
    }

    #[test]
    fn the_order_of_rows_does_not_matter(before in files(), files in files(), extent in extent(), turn in 0usize..12) {
        let known = after(&directory(), &before, Extent::Full).unwrap_or_else(directory);
        let mut turned = files.clone();
        fn turn_rows<T>(rows: &mut Option<Vec<Row<T>>>, turn: usize) {
            if let Some(rows) = rows.as_mut().filter(|rows| !rows.is_empty()) {
                let length = rows.len();
                rows.reverse();
                rows.rotate_left(turn % length);
            }
        }
        turn_rows(&mut turned.administrations, turn);
        turn_rows(&mut turned.employments, turn);
        turn_rows(&mut turned.absences, turn);
        turn_rows(&mut turned.exemptions, turn);
        turn_rows(&mut turned.identities, turn);
        prop_assert_eq!(plan(&known, &turned, extent, TODAY), plan(&known, &files, extent, TODAY));
    }

    #[test]
    fn an_import_that_is_undone_leaves_nothing(before in files(), files in files(), extent in extent()) {
        let known = after(&directory(), &before, Extent::Full).unwrap_or_else(directory);
        let Ok(plan) = plan(&known, &files, extent, TODAY) else { return Ok(()) };
        let mut later = known.clone();
        later.apply(&plan);
        let undoing = taken_back(&later, &plan, &BTreeSet::new(), TODAY);
        later.apply(&undoing.plan);
        prop_assert_eq!((later, undoing.left), (known, Vec::new()));
    }

    #[test]
    fn what_changed_since_is_as_it_was_left(
        before in files(), files in files(), since in files(), extent in extent(), extent_since in extent(),
    ) {
        let known = after(&directory(), &before, Extent::Full).unwrap_or_else(directory);
        let Ok(first) = plan(&known, &files, extent, TODAY) else { return Ok(()) };
        let mut then = known.clone();
        then.apply(&first);
        let Some(now) = after(&then, &since, extent_since) else { return Ok(()) };
        let undoing = taken_back(&now, &first, &BTreeSet::new(), TODAY);
        prop_assert_eq!(undoing.plan.changes.len() + undoing.left.len(), first.changes.len());
        let mut undone = now.clone();
        undone.apply(&undoing.plan);
        // Records that the import did not change, and those changed since, stay as they are now.
        for (key, employment) in &now.employments {
            if known.employments.get(key) == then.employments.get(key) || then.employments.get(key) != Some(employment) {
                prop_assert_eq!(undone.employments.get(key), Some(employment));
            }
        }
        prop_assert!(undone.employments.values().all(|e| e.ends_on.is_some_and(|last| last < TODAY)
            || undone.administrations.contains_key(&e.administration)
            || !now.administrations.contains_key(&e.administration)));
        prop_assert!(undone.employments.values().all(|e| undone.persons.contains_key(&e.employee_number)));
        prop_assert!(undone.absences.values().all(|a| undone.persons.contains_key(&a.employee_number)));
    }

    #[test]
    fn a_part_of_the_picture_ends_nobody(before in files(), files in files()) {
        let known = after(&directory(), &before, Extent::Full).unwrap_or_else(directory);
        let Ok(plan) = plan(&known, &files, Extent::Partial, TODAY) else { return Ok(()) };
        let counted: usize = plan.summary().by_kind().iter().map(|(_, counts)| counts.ended + counts.withdrawn).sum();
        prop_assert_eq!(counted, 0);
        let mut after = known.clone();
        after.apply(&plan);
        prop_assert!(known.employments.keys().all(|key| after.employments.contains_key(key)));
        prop_assert!(known.identities.is_subset(&after.identities));
    }

    #[test]
    fn a_full_file_of_employments_is_the_picture_from_today_on(before in files(), files in files()) {
        let known = after(&directory(), &before, Extent::Full).unwrap_or_else(directory);
        if let (Some(after), Some(rows)) = (after(&known, &files, Extent::Full), &files.employments) {
            let counted: BTreeSet<_> =
                rows.iter().map(|row| &row.record.employment).filter(|e| e.runs_or_is_to_come(TODAY)).map(Keyed::key).collect();
            let runs: BTreeSet<_> =
                after.employments.values().filter(|e| e.runs_or_is_to_come(TODAY)).map(Keyed::key).collect();
            prop_assert_eq!(runs, counted);
        }
    }
}
