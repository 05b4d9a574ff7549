//! The results file: what people did before the platform was connected.

use chrono::offset::LocalResult;
use chrono::{DateTime, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::cells::{Cell, Column, RowReader, address, boolean, day, decimal, id};
use super::{RawFile, Reading, spreadsheet, table};
use kurskoll_domain::directory::problem::{Fault, FileKind, RowProblems};
use kurskoll_domain::ids::{CourseId, EventId, QuizId};
use kurskoll_domain::linking::{LearnerKeys, normalized};
use kurskoll_domain::training::{ReportedResult, ResultKind, Score, Target};

pub(super) static COLUMNS: [Column; 11] = [
    Column::optional("event_id").personal(),
    Column::required("type"),
    Column::optional("employee_number").personal(),
    Column::optional("email").personal(),
    Column::optional("username").personal(),
    Column::optional("course_id"),
    Column::optional("quiz_id"),
    Column::required("occurred_at"),
    Column::optional("score_raw"),
    Column::optional("score_max"),
    Column::optional("passed"),
];

#[derive(Clone, Copy)]
enum Type {
    Completion,
    Quiz,
}

/// How far after the reading a thing may have happened by the platform's clock; a webhook may be as far ahead.
const MAX_AHEAD: TimeDelta = TimeDelta::hours(24);

/// 1990-01-01T00:00:00Z in seconds since 1970: what is said to be older is a fault, not history.
const EARLIEST: i64 = 631_152_000;

/// What the reading of a file's times depends on.
#[derive(Debug, Clone, Copy)]
pub struct FileClock {
    /// Where times without an offset are from; a bare day means noon there.
    pub zone: Tz,
    /// When the file is read: nothing in it can have happened later.
    pub read_at: DateTime<Utc>,
}

/// Reads a results file.
///
/// An event that is reported twice with the same content is stored once; with other content it is refused. An event
/// without an id is identified by its content.
pub fn read<'a>(file: impl Into<RawFile<'a>>, clock: FileClock) -> Result<Reading<ReportedResult>, RowProblems> {
    let mut sheet = table::read(FileKind::Results, &COLUMNS, None, file.into(), |cells, row: &mut RowReader<'_>| {
        read_row(cells, row, clock)
    })?;
    sheet.refuse_contradictions(
        |result| &result.event_id,
        |first, result| (first != result).then_some(&COLUMNS[0]),
        |line| Fault::Repeats { line },
    );
    let mut reading = sheet.finish()?;
    let mut reported = std::collections::HashSet::with_capacity(reading.rows.len());
    reading.rows.retain(|row| reported.insert(row.record.event_id.clone()));
    Ok(reading)
}

fn read_row(cells: [Cell<'_>; 11], row: &mut RowReader<'_>, clock: FileClock) -> Option<ReportedResult> {
    let [
        event_id,
        kind,
        employee_number,
        email,
        username,
        course_id,
        quiz_id,
        occurred_at,
        score_raw,
        score_max,
        passed,
    ] = cells;
    let event_id = row.optional(event_id, id(EventId::parse));
    let kind = row.required(kind, result_type);
    let learner = read_learner(employee_number, email, username, row);
    let occurred_at = row.required(occurred_at, |text| clock.instant(text));
    let (target, kind) = match kind? {
        Type::Completion => {
            (row.required(course_id, id(CourseId::parse)).map(Target::Course), Some(ResultKind::Completion))
        }
        Type::Quiz => (
            row.required(quiz_id, id(QuizId::parse)).map(Target::Quiz),
            read_attempt(score_raw, score_max, passed, row),
        ),
    };
    let event_id = event_id?;
    let mut result = ReportedResult {
        event_id: event_id.clone().or_else(|| EventId::parse("content").ok())?,
        learner: learner?,
        target: target?,
        kind: kind?,
        occurred_at: occurred_at?,
        reported_at: None,
        reason: None,
    };
    if event_id.is_none() {
        result.event_id = result.derived_id().ok()?;
    }
    Some(result)
}

impl FileClock {
    /// An instant that is possible, to the microsecond, which is the store's precision.
    fn instant(self, text: &str) -> Result<DateTime<Utc>, Fault> {
        let instant = instant(text, self.zone)?;
        if instant.signed_duration_since(self.read_at) > MAX_AHEAD {
            return Err(Fault::InTheFuture);
        }
        if instant.timestamp() < EARLIEST {
            return Err(Fault::TooLongAgo);
        }
        DateTime::from_timestamp_micros(instant.timestamp_micros()).ok_or(Fault::NotAnInstant)
    }
}

fn result_type(word: &str) -> Result<Type, Fault> {
    match word.to_ascii_lowercase().as_str() {
        "course.completed" | "completion" => Ok(Type::Completion),
        "quiz.graded" | "quiz" => Ok(Type::Quiz),
        _ => Err(Fault::UnknownType),
    }
}

fn read_learner(number: Cell<'_>, email: Cell<'_>, username: Cell<'_>, row: &mut RowReader<'_>) -> Option<LearnerKeys> {
    if [number, email, username].iter().all(|cell| cell.text.is_none()) {
        row.note_row(Fault::NoLearner);
        return None;
    }
    let comparable = |said: &str| address(said).map(|said| normalized(&said));
    let number = row.optional(number, spreadsheet::employee_number);
    let email = row.optional(email, comparable);
    let username = row.optional(username, comparable);
    Some(LearnerKeys { employee_number: number?, email: email?, username: username?, account: None })
}

fn read_attempt(raw: Cell<'_>, max: Cell<'_>, passed: Cell<'_>, row: &mut RowReader<'_>) -> Option<ResultKind> {
    let is_half = raw.text.is_some() != max.text.is_some();
    if is_half {
        row.note(if raw.text.is_none() { raw } else { max }, Fault::HalfAScore);
    } else if raw.text.is_none() && passed.text.is_none() {
        row.note(raw, Fault::NoGrade);
    }
    let points = row.optional(raw, decimal);
    let of = row.optional(max, decimal);
    let passed = row.optional(passed, boolean);
    let score = match points?.zip(of?).map(|(points, of)| Score::new(points, of)).transpose() {
        Ok(score) => score,
        Err(fault) => {
            row.note(max, Fault::InvalidDecimal(fault));
            return None;
        }
    };
    Some(ResultKind::Attempt { name: None, number: None, score, passed: passed? })
}

/// An instant from RFC 3339, or from the platform's own clock if no offset is given.
fn instant(text: &str, zone: Tz) -> Result<DateTime<Utc>, Fault> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.to_utc());
    }
    let (day_text, time_text) = match text.split_once(['T', ' ']) {
        Some((day, time)) => (day, Some(time.trim())),
        None => (text, None),
    };
    let day = day(day_text).map_err(|_| Fault::NotAnInstant)?;
    let time = match time_text {
        // Noon is the same day if the city's clock is at most twelve hours away.
        None => NaiveTime::from_hms_opt(12, 0, 0),
        Some(time) => ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|form| NaiveTime::parse_from_str(time, form).ok()),
    };
    let local = NaiveDateTime::new(day, time.ok_or(Fault::NotAnInstant)?);
    match zone.from_local_datetime(&local) {
        // The hour that comes twice in autumn: the first of the two, which is on the same day.
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => Ok(instant.to_utc()),
        LocalResult::None => Err(Fault::SkippedByTheClock),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Result<String, Fault> {
        instant(text, chrono_tz::Europe::Stockholm).map(|instant| instant.to_rfc3339())
    }

    #[test]
    fn a_time_without_an_offset_is_the_platforms_own() {
        assert_eq!(at("2024-05-01T13:45:00+00:00"), Ok("2024-05-01T13:45:00+00:00".to_owned()));
        assert_eq!(at("2024-05-01 13:45"), Ok("2024-05-01T11:45:00+00:00".to_owned()));
        assert_eq!(at("2024-01-01T13:45:10"), Ok("2024-01-01T12:45:10+00:00".to_owned()));
        assert_eq!(at("2024-05-01"), Ok("2024-05-01T10:00:00+00:00".to_owned()));
        assert_eq!(at("20240501"), Ok("2024-05-01T10:00:00+00:00".to_owned()));
    }

    #[test]
    fn the_hour_that_comes_twice_is_the_first_and_the_one_that_never_came_is_refused() {
        assert_eq!(at("2026-10-25 02:30"), Ok("2026-10-25T00:30:00+00:00".to_owned()));
        assert_eq!(at("2026-03-29 02:30"), Err(Fault::SkippedByTheClock));
    }

    #[test]
    fn what_cannot_have_been_is_refused() {
        let read_at = "2026-02-26T12:00:00Z".parse().expect("an instant");
        let clock = FileClock { zone: chrono_tz::Europe::Stockholm, read_at };
        assert!(clock.instant("2026-02-27T12:00:00Z").is_ok());
        assert_eq!(clock.instant("2026-02-27T12:00:01Z"), Err(Fault::InTheFuture));
        assert_eq!(clock.instant("1989-12-31"), Err(Fault::TooLongAgo));
    }

    #[test]
    fn a_result_without_an_id_is_known_by_what_it_says() {
        let read_at = "2026-02-26T12:00:00Z".parse().expect("an instant");
        let clock = FileClock { zone: chrono_tz::Europe::Stockholm, read_at };
        let file = "type,email,course_id,occurred_at\ncompletion,a@example.org,c,2024-05-01\n\
                    completion,A@example.org,c,2024-05-01 12:00\ncompletion,b@example.org,c,2024-05-01\n";
        let rows = read(file.as_bytes(), clock).expect("a good file").rows;
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4], "the same thing twice is one result");
        assert!(rows.iter().all(|row| row.record.event_id.as_str().starts_with("content:")));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["yesterday", "2024-05-01 25:00", "2024-13-01", "2024-05-01 ", "13:45", "2024-05-01 13:45 CET"] {
            assert_eq!(at(text), Err(Fault::NotAnInstant), "{text}");
        }
    }
}
