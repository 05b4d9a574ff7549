//! Assignments: from when a requirement binds a person, and when it is due.

use chrono::NaiveDate;

use super::requirement::Requirement;
use crate::calendar::{DaySet, Stretch, add_days};

/// The longest gap, in days, over which an assignment continues.
pub const LONGEST_GAP_DAYS: u32 = 30;

/// One unbroken time in a requirement's audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// From its first day up to its end; gaps of at most [`LONGEST_GAP_DAYS`] are within.
    pub days: Stretch,
    /// The day on which its clock starts.
    pub clock: NaiveDate,
    /// The last day to be on time; `None` while an open absence keeps moving it.
    pub due_on: Option<NaiveDate>,
}

/// The assignments that follow from the days on which a person is in the audience (DESIGN, "Assignment and due day").
#[must_use]
pub fn assignments(requirement: &Requirement, in_audience: &DaySet, absences: &DaySet) -> Vec<Assignment> {
    let mut runs: Vec<Stretch> = Vec::new();
    for stretch in in_audience.stretches() {
        match runs.last_mut() {
            Some(run) if run.until.is_none_or(|until| stretch.first <= add_days(until, LONGEST_GAP_DAYS)) => {
                run.until = stretch.until;
            }
            _ => runs.push(*stretch),
        }
    }
    runs.into_iter()
        .map(|days| {
            let clock = days.first.max(requirement.effective_from);
            let first_due = match requirement.existing_staff_due_on {
                Some(due) if days.first < requirement.effective_from => due,
                _ => add_days(clock, requirement.new_hire_days),
            };
            Assignment { days, clock, due_on: moved_by_absence(clock, first_due, absences) }
        })
        .collect()
}

/// The due day moved by one for each day of absence from the clock's start up to the due day, as moved so far: the
/// smallest day that satisfies this; `None` if an open absence leaves none.
///
/// Absences are in order and do not touch. One that begins on or before the due day, as moved by the earlier ones,
/// moves it by its own days. The first that begins later moves nothing, and neither do those after it.
fn moved_by_absence(clock: NaiveDate, first_due: NaiveDate, absences: &DaySet) -> Option<NaiveDate> {
    let mut due = first_due;
    for absence in absences.stretches() {
        let Some(counted) = Stretch::new(absence.first.max(clock), absence.until) else { continue };
        if counted.first > due {
            break;
        }
        due = add_days(due, counted.length()?);
    }
    Some(due)
}
