//! The prior training file: `employee_number, course_id, quiz_id, score_raw, score_max, completed_on, reason`.

use super::cells::{Cell, Column, RowReader, day, decimal, id, text};
use super::{RawFile, Reading, spreadsheet, table};
use kurskoll_domain::directory::problem::{Fault, FileKind, RowProblems};
use kurskoll_domain::directory::records::PriorTrainingRecord;
use kurskoll_domain::ids::{CourseId, QuizId};
use kurskoll_domain::training::{Score, Target};

pub(super) static COLUMNS: [Column; 7] = [
    Column::required("employee_number").personal(),
    Column::optional("course_id"),
    Column::optional("quiz_id"),
    Column::optional("score_raw"),
    Column::optional("score_max"),
    Column::required("completed_on"),
    Column::required("reason").personal(),
];

/// Reads a file of prior training; each employee, course or quiz, and day once. A row with a quiz is about the quiz, as
/// in a results file; without a score it is passed.
pub fn read(bytes: &[u8]) -> Result<Reading<PriorTrainingRecord>, RowProblems> {
    read_file(bytes.into())
}

/// The same of a workbook with several sheets.
pub fn read_file(file: RawFile<'_>) -> Result<Reading<PriorTrainingRecord>, RowProblems> {
    let mut sheet = table::read(FileKind::PriorTraining, &COLUMNS, None, file, read_row)?;
    sheet.refuse_repeats(&COLUMNS[5]);
    sheet.finish()
}

fn read_row(cells: [Cell<'_>; 7], row: &mut RowReader<'_>) -> Option<PriorTrainingRecord> {
    let [employee_number, course_id, quiz_id, score_raw, score_max, completed_on, reason] = cells;
    let employee_number = row.required(employee_number, spreadsheet::employee_number);
    let course = row.optional(course_id, id(CourseId::parse));
    let quiz = row.optional(quiz_id, id(QuizId::parse));
    if let (Some(None), Some(None)) = (&course, &quiz) {
        row.note(course_id, Fault::NoCourse);
    }
    let raw = row.optional(score_raw, decimal);
    let max = row.optional(score_max, decimal);
    let score = match (raw, max) {
        (Some(Some(raw)), Some(Some(max))) => match Score::new(raw, max) {
            Ok(score) => Some(Some(score)),
            Err(why) => {
                row.note(score_max, Fault::InvalidDecimal(why));
                None
            }
        },
        (Some(None), Some(None)) => Some(None),
        (Some(None), Some(Some(_))) => {
            row.note(score_raw, Fault::HalfAScore);
            None
        }
        (Some(Some(_)), Some(None)) => {
            row.note(score_max, Fault::HalfAScore);
            None
        }
        _ => None,
    };
    let completed_on = row.required(completed_on, day);
    let reason = row.required(reason, text);
    let target = match (course?, quiz?) {
        (_, Some(quiz)) => Target::Quiz(quiz),
        (Some(course), None) => Target::Course(course),
        (None, None) => return None,
    };
    let score = score?.filter(|_| matches!(target, Target::Quiz(_)));
    Some(PriorTrainingRecord {
        employee_number: employee_number?,
        target,
        score,
        completed_on: completed_on?,
        reason: reason?,
    })
}
