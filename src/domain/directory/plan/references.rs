//! Whether what the rows refer to is known or comes with the files. A manager need not be: they may stand in no file.

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDate;

use super::super::problem::{Fault, FileKind, RowProblem, RowProblems, showable};
use super::super::records::{EmploymentRecord, Row};
use super::{Dated, Extent, Files, Known};
use crate::domain::ids::{AdministrationCode, EmployeeNumber};

/// All rows that refer to nothing known, and the administrations that cannot go.
pub(super) fn check(known: &Known, files: &Files, extent: Extent, today: NaiveDate) -> Result<(), RowProblems> {
    let mut problems = RowProblems::default();
    administrations_that_cannot_go(known, files, extent, today, &mut problems);

    let told: HashSet<&AdministrationCode> =
        files.administrations.iter().flatten().map(|row| &row.record.code).collect();
    for row in files.employments.iter().flatten() {
        let code = &row.record.employment.administration;
        if !told.contains(code) && !known.administrations.contains_key(code) {
            let fault = Fault::UnknownAdministration;
            problems.push(unknown(FileKind::Employments, row, "administration", Some(code.as_str()), fault));
        } else if let Some(closed) =
            known.successions.closed_to(&row.record.employment.as_told(), &row.record.employment.unit)
        {
            let fault = Fault::ClosedAdministration { closed: closed.clone() };
            problems.push(unknown(FileKind::Employments, row, "administration", Some(code.as_str()), fault));
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

    problems.sort();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Known administrations that a full file lacks while employments in them run or are to come, once the plan is carried out.
fn administrations_that_cannot_go(
    known: &Known,
    files: &Files,
    extent: Extent,
    today: NaiveDate,
    problems: &mut RowProblems,
) {
    let (Extent::Full, Some(rows)) = (extent, &files.administrations) else { return };
    let told: HashSet<&AdministrationCode> = rows.iter().map(|row| &row.record.code).collect();
    let mut employments_in: BTreeMap<&AdministrationCode, usize> = known
        .administrations
        .keys()
        .filter(|code| !told.contains(code) && !known.successions.names(code))
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
        // A full file again: what it lacks will have ended, but for what no file can name.
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

fn unknown<T>(file: FileKind, row: &Row<T>, column: &'static str, value: Option<&str>, fault: Fault) -> RowProblem {
    RowProblem { file, line: Some(row.line), column: Some(column.into()), value: value.and_then(showable), fault }
}
