//! Reads a result from the row of its event.

use super::entities::event;
use super::parsed::parsed;
use super::{StoreError, instant};
use crate::domain::calendar::CityCalendar;
use crate::domain::ids::{AttemptName, CourseId, EventId, PlatformId, QuizId};
use crate::domain::training::{LinkedResult, ResultKind, Revokes, Score, Target, decimal_from_text};

/// An event row as a domain type.
pub(super) fn result_of(row: &event::Model, calendar: CityCalendar) -> Result<LinkedResult, StoreError> {
    const TABLE: &str = "event";
    let target = match (&row.course_id, &row.quiz_id) {
        (_, Some(quiz)) => Target::Quiz(parsed(QuizId::parse(quiz), TABLE, "quiz_id")?),
        (Some(course), None) => Target::Course(parsed(CourseId::parse(course), TABLE, "course_id")?),
        (None, None) => return Err(StoreError::Unreadable { table: TABLE, column: "course_id" }),
    };
    let kind = match row.kind.as_str() {
        "completion" => ResultKind::Completion,
        "attempt" => ResultKind::Attempt {
            name: parsed(row.attempt_name.as_deref().map(AttemptName::parse).transpose(), TABLE, "attempt_name")?,
            number: row.attempt.and_then(|number| u32::try_from(number).ok()),
            score: score_from(row.score_points.as_deref(), row.score_of.as_deref(), TABLE)?,
            passed: row.passed,
        },
        "revocation" => {
            let event_id = row.revokes_event_id.as_deref().map(EventId::parse).transpose();
            let event_id = parsed(event_id, TABLE, "revokes_event_id")?;
            ResultKind::Revocation(match (row.revokes.as_deref(), event_id) {
                (Some("statement"), Some(event_id)) => Revokes::Statement(event_id),
                (_, Some(event_id)) => Revokes::Event(event_id),
                (Some("recent"), None) => Revokes::Recent,
                (_, None) => Revokes::UpTo,
            })
        }
        _ => return Err(StoreError::Unreadable { table: TABLE, column: "kind" }),
    };
    let occurred_at = instant::read(row.occurred_at);
    Ok(LinkedResult {
        platform: PlatformId(row.platform_id),
        event_id: parsed(EventId::parse(&row.event_id), TABLE, "event_id")?,
        target,
        kind,
        occurred_at,
        reported_at: row.reported_at.map(instant::read),
        day: calendar.day_of(occurred_at),
    })
}

/// A stored score.
pub(super) fn score_from(
    points: Option<&str>,
    of: Option<&str>,
    table: &'static str,
) -> Result<Option<Score>, StoreError> {
    let Some((points, of)) = points.zip(of) else { return Ok(None) };
    let points = parsed(decimal_from_text(points), table, "score_points")?;
    let of = parsed(decimal_from_text(of), table, "score_of")?;
    parsed(Score::new(points, of), table, "score_of").map(Some)
}
