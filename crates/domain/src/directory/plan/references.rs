//! Whether the rows' references are known or in the files. A manager need not be: they may be in no file.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;

use super::super::problem::{Fault, FileKind, RowProblem, RowProblems, showable};
use super::super::records::{EmploymentRecord, IdentityRecord, Keyed, Row};
use super::{Dated, Extent, Files, Known};
use crate::ids::{AdministrationCode, EmployeeNumber};

/// All rows with unknown references, and the administrations that cannot be removed.
pub(super) fn check(known: &Known, files: &Files, extent: Extent, today: NaiveDate) -> Result<(), RowProblems> {
    let mut problems = RowProblems::default();
    administrations_that_cannot_go(known, files, extent, today, &mut problems);

    let reported: HashSet<&AdministrationCode> =
        files.administrations.iter().flatten().map(|row| &row.record.code).collect();
    for row in files.employments.iter().flatten() {
        let code = &row.record.employment.administration;
        if !reported.contains(code) && !known.administrations.contains_key(code) {
            let counts =
                reported.iter().copied().chain(known.administrations.keys()).find(|other| differs_in_case(code, other));
            let fault =
                counts.map_or(Fault::UnknownAdministration, |counts| Fault::OtherCapitals { known: counts.clone() });
            problems.push(unknown(FileKind::Employments, row, "administration", Some(code.as_str()), fault));
        } else if let Some(closed) = known.successions.closed_to(&row.record.employment.as_recorded()) {
            let fault = Fault::ClosedAdministration { closed };
            problems.push(unknown(FileKind::Employments, row, "administration", Some(code.as_str()), fault));
        }
    }

    for row in files.administrations.iter().flatten() {
        let code = &row.record.code;
        let mut others = known.administrations.keys();
        if !known.administrations.contains_key(code)
            && let Some(counts) = others.find(|other| differs_in_case(code, other))
        {
            let fault = Fault::OtherCapitals { known: counts.clone() };
            problems.push(unknown(FileKind::Administrations, row, "code", Some(code.as_str()), fault));
        }
    }

    let employed: HashSet<&EmployeeNumber> =
        files.employments.iter().flatten().map(|row| &row.record.employment.employee_number).collect();
    let is_nobody = |number: &EmployeeNumber| !employed.contains(number) && !known.persons.contains_key(number);
    for row in files.absences.iter().flatten() {
        if is_nobody(&row.record.employee_number) {
            problems.push(unknown(FileKind::Absences, row, "employee_number", None, Fault::UnknownEmployee));
        }
    }
    for row in files.exemptions.iter().flatten() {
        if is_nobody(&row.record.employee_number) {
            problems.push(unknown(FileKind::Exemptions, row, "employee_number", None, Fault::UnknownEmployee));
        }
        let code = &row.record.requirement;
        if !known.requirements.contains(code) {
            let fault = Fault::UnknownRequirement;
            problems.push(unknown(FileKind::Exemptions, row, "requirement", Some(code.as_str()), fault));
        }
    }
    for row in files.identities.iter().flatten() {
        if is_nobody(&row.record.employee_number) {
            problems.push(unknown(FileKind::Identities, row, "employee_number", None, Fault::UnknownEmployee));
        }
        let code = &row.record.platform;
        if !known.platforms.contains(code) {
            let fault = Fault::UnknownPlatform;
            problems.push(unknown(FileKind::Identities, row, "platform", Some(code.as_str()), fault));
        }
    }

    identities_of_two(known, files, extent, &mut problems);

    problems.sort();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Known administrations that a full file lacks while employments in them run or are to come, once the plan is carried
/// out.
fn administrations_that_cannot_go(
    known: &Known,
    files: &Files,
    extent: Extent,
    today: NaiveDate,
    problems: &mut RowProblems,
) {
    let (Extent::Full, Some(rows)) = (extent, &files.administrations) else { return };
    let reported: HashSet<&AdministrationCode> = rows.iter().map(|row| &row.record.code).collect();
    let mut employments_in: BTreeMap<&AdministrationCode, usize> = known
        .administrations
        .keys()
        .filter(|code| !reported.contains(code) && !known.successions.names(code))
        .map(|code| (code, 0))
        .collect();
    if employments_in.is_empty() {
        return;
    }
    let mut count = |employment: &EmploymentRecord| {
        if let Some(count) = employments_in.get_mut(&employment.administration) {
            *count += usize::from(employment.runs_or_is_to_come(today));
        }
    };
    match &files.employments {
        // A full file again: records that it lacks will have ended, except those that no file can name.
        Some(rows) => {
            rows.iter().for_each(|row| count(&row.record.employment));
            known.employments.values().filter(|e| e.employment_id.is_of_provider()).for_each(&mut count);
        }
        None => known.employments.values().for_each(&mut count),
    }
    for (code, employments) in employments_in.into_iter().filter(|(_, employments)| *employments > 0) {
        problems.push(RowProblem {
            file: FileKind::Administrations,
            line: None,
            column: Some("code".into()),
            value: showable(code.as_str()),
            fault: Fault::AdministrationInUse { employments },
        });
    }
}

/// Whether two codes differ only in capitals.
fn differs_in_case(code: &AdministrationCode, other: &AdministrationCode) -> bool {
    code != other && code.as_str().to_lowercase() == other.as_str().to_lowercase()
}

/// Identities that are given to two employees on the same days, if HR gives the days.
fn identities_of_two(known: &Known, files: &Files, extent: Extent, problems: &mut RowProblems) {
    let rows = files.identities.as_deref().unwrap_or_default();
    if !rows.iter().any(|row| has_days(&row.record)) {
        return;
    }
    let reported: HashSet<_> = rows.iter().map(|row| row.record.key()).collect();
    let stays = |record: &&IdentityRecord| extent == Extent::Partial && !reported.contains(&record.key());
    let known = known.identities.iter().filter(stays).map(|record| (None, record));
    let mut given: HashMap<_, Vec<(Option<u64>, &IdentityRecord)>> = HashMap::new();
    for (line, record) in known.chain(rows.iter().map(|row| (Some(row.line), &row.record))) {
        let others = given.entry((&record.platform, &record.identity)).or_default();
        let clash = others.iter().find(|(_, other)| clash(other, record));
        if let (Some(line), Some((earlier, _))) = (line, clash) {
            let (column, day) = match record.valid_from {
                Some(first) => ("valid_from", Some(first)),
                None => ("valid_to", record.valid_to),
            };
            let value = day.map(|day| day.to_string());
            problems.push(RowProblem {
                file: FileKind::Identities,
                line: Some(line),
                column: Some(column.into()),
                value: value.as_deref().and_then(showable),
                fault: Fault::DaysOfAnother { line: *earlier },
            });
        }
        others.push((line, record));
    }
}

const fn has_days(record: &IdentityRecord) -> bool {
    record.valid_from.is_some() || record.valid_to.is_some()
}

/// Whether two employees have the same identity on one day, by HR's days for both. One without a last day ends when it
/// begins for the other.
fn clash(one: &IdentityRecord, other: &IdentityRecord) -> bool {
    let (first, second) = if one.valid_from <= other.valid_from { (one, other) } else { (other, one) };
    let begins_later = first.valid_from < second.valid_from;
    let overlap = match (first.valid_to, second.valid_from) {
        (Some(last), Some(begins)) => begins <= last,
        (Some(_), None) => true,
        (None, _) => !begins_later,
    };
    one.employee_number != other.employee_number && has_days(one) && has_days(other) && overlap
}

fn unknown<T>(file: FileKind, row: &Row<T>, column: &'static str, value: Option<&str>, fault: Fault) -> RowProblem {
    RowProblem { file, line: Some(row.line), column: Some(column.into()), value: value.and_then(showable), fault }
}
