//! What a platform says in Kurskoll's own payloads (DESIGN, "Native webhook payloads").
//!
//! [`interpret`] takes what it needs and lets every other member be. Where it must choose:
//! - `null` is the same as no member, and so is an empty text, but for ids that are required and `event_id`;
//! - a score is `raw` of `max` before `scaled` before `percent`; what it does not use it does not judge;
//! - `max` without `raw` is no score (a platform that never graded sends it), `raw` without `max` is a fault.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

pub use super::fault::{Expected, Fault, NotUnderstood};
use super::instant::PlatformClock;
use super::json::{Object, Value, document};
use kurskoll_domain::ids::{CourseId, EmployeeNumber, EventId, InvalidId, MAX_LENGTH, QuizId};
use kurskoll_domain::linking::{Account, LearnerKeys, normalized};
use kurskoll_domain::training::{ReportedResult, ResultKind, Revokes, Score, Target};

pub const COURSE_COMPLETED: &str = "course.completed";
pub const QUIZ_GRADED: &str = "quiz.graded";
pub const COMPLETION_REVOKED: &str = "completion.revoked";

/// The most of a revocation's reason that is stored, in characters; the delivery has all of it.
const MAX_REASON: usize = 2_000;

/// What a delivery says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time is made and taken apart at once; a box would only be in the way"
)]
pub enum Understood {
    Result(ReportedResult),
    /// Something that Kurskoll does not know: stored and ignored.
    Ignored {
        event_type: String,
    },
}

/// Reads a native payload.
///
/// * `event_id`: the delivery's `webhook-id`, by which the result is known.
/// * `zone`: the platform's, for times without an offset.
/// * `received_at`: what lies more than 24 hours after it is refused.
pub fn interpret(
    event_id: &EventId,
    body: &[u8],
    zone: Tz,
    received_at: DateTime<Utc>,
) -> Result<Understood, NotUnderstood> {
    let document = document(body)?;
    let envelope = Value::whole(&document).object()?;
    let type_value = envelope.require("type", Expected::Text)?;
    let event_type = limited(&type_value.text()?).map_err(|invalid| type_value.refuse(Fault::InvalidText(invalid)))?;
    // As a profile compares them: capitals make no difference.
    let content = match event_type.to_lowercase().as_str() {
        COURSE_COMPLETED => Content::course_completed,
        QUIZ_GRADED => Content::quiz_graded,
        COMPLETION_REVOKED => Content::completion_revoked,
        _ => return Ok(Understood::Ignored { event_type }),
    };
    let clock = PlatformClock { zone, received_at };
    let sent_at = instant(&envelope, "timestamp", clock)?;
    let data = envelope.require_object("data")?;
    let learner = learner(&data)?;
    let Content { target, kind, happened_at, reason } = content(&data, clock)?;
    let occurred_at = happened_at
        .or(sent_at)
        .ok_or_else(|| envelope.refuse_member("timestamp", Fault::Missing { expected: Expected::Time }))?;
    let reported_at = sent_at.filter(|_| !kind.is_revocation());
    let event_id = event_id.clone();
    Ok(Understood::Result(ReportedResult { event_id, learner, target, kind, occurred_at, reported_at, reason }))
}

/// What one type of event says, besides its learner.
struct Content {
    target: Target,
    kind: ResultKind,
    /// Where the event says so itself; else the envelope's `timestamp` does.
    happened_at: Option<DateTime<Utc>>,
    reason: Option<String>,
}

impl Content {
    fn course_completed(data: &Object<'_>, clock: PlatformClock) -> Result<Self, NotUnderstood> {
        let course = data.require_object("course")?;
        Ok(Self {
            target: Target::Course(required_id(&course, CourseId::parse)?),
            kind: ResultKind::Completion,
            happened_at: instant(data, "completed_at", clock)?,
            reason: None,
        })
    }

    fn quiz_graded(data: &Object<'_>, clock: PlatformClock) -> Result<Self, NotUnderstood> {
        let quiz = data.require_object("quiz")?;
        let target = Target::Quiz(required_id(&quiz, QuizId::parse)?);
        let number = data.get("attempt").map(|value| value.positive_integer()).transpose()?;
        let score = data.get_object("score")?.map(|object| score(&object)).transpose()?.flatten();
        let passed = data.get("passed").map(|value| value.true_or_false()).transpose()?;
        if score.is_none() && passed.is_none() {
            return Err(data.refuse(Fault::NothingGraded));
        }
        Ok(Self {
            target,
            kind: ResultKind::Attempt { name: None, number, score, passed },
            happened_at: instant(data, "graded_at", clock)?,
            reason: None,
        })
    }

    fn completion_revoked(data: &Object<'_>, _: PlatformClock) -> Result<Self, NotUnderstood> {
        let event_id = data.get("event_id").map(|value| withdrawn_event(&value)).transpose()?;
        let course = optional_id(data, "course", CourseId::parse)?;
        let quiz = optional_id(data, "quiz", QuizId::parse)?;
        let target = match (course, quiz) {
            (None, None) => return Err(data.refuse(Fault::NothingWithdrawn)),
            (Some(course), None) => Target::Course(course),
            (None, Some(quiz)) => Target::Quiz(quiz),
            // The quiz says more than the course that it stands in: its attempts are withdrawn, and no completion.
            (Some(_), Some(quiz)) => Target::Quiz(quiz),
        };
        Ok(Self {
            target,
            kind: ResultKind::Revocation(event_id.map_or(Revokes::UpTo, Revokes::Event)),
            happened_at: None,
            reason: reason(data)?,
        })
    }
}

fn instant(
    object: &Object<'_>,
    name: &'static str,
    clock: PlatformClock,
) -> Result<Option<DateTime<Utc>>, NotUnderstood> {
    let Some(value) = object.get(name) else { return Ok(None) };
    clock.read(&value.time_text()?).map_err(|fault| value.refuse(fault))
}

/// The `id` of a course or quiz, which must be there and say something.
fn required_id<T>(object: &Object<'_>, parse: fn(&str) -> Result<T, InvalidId>) -> Result<T, NotUnderstood> {
    let value = object.require("id", Expected::TextOrInteger)?;
    parse(&value.text_or_integer()?).map_err(|invalid| value.refuse(Fault::InvalidText(invalid)))
}

/// The `id` of a course or quiz that may as well be missing or empty.
fn optional_id<T>(
    data: &Object<'_>,
    name: &'static str,
    parse: fn(&str) -> Result<T, InvalidId>,
) -> Result<Option<T>, NotUnderstood> {
    let Some(value) = data.get_object(name)?.and_then(|object| object.get("id")) else { return Ok(None) };
    match parse(&value.text_or_integer()?) {
        Ok(id) => Ok(Some(id)),
        Err(InvalidId::Empty) => Ok(None),
        Err(invalid) => Err(value.refuse(Fault::InvalidText(invalid))),
    }
}

/// The event that a revocation names. An empty text is refused: taken as none it would withdraw more than was meant.
fn withdrawn_event(value: &Value<'_>) -> Result<EventId, NotUnderstood> {
    EventId::parse(&value.text_or_integer()?).map_err(|invalid| {
        value.refuse(match invalid {
            InvalidId::Empty => Fault::EmptyEventId,
            other => Fault::InvalidText(other),
        })
    })
}

fn reason(data: &Object<'_>) -> Result<Option<String>, NotUnderstood> {
    let Some(value) = data.get("reason") else { return Ok(None) };
    // It is for people to read: no fault in it is worth losing the revocation. A NUL is no text to PostgreSQL.
    let text: String = value.text()?.trim().chars().filter(|c| *c != '\0').take(MAX_REASON).collect();
    Ok((!text.is_empty()).then_some(text))
}

fn learner(data: &Object<'_>) -> Result<LearnerKeys, NotUnderstood> {
    let learner = data.require_object("learner")?;
    let mut keys = LearnerKeys {
        employee_number: None,
        email: key(&learner, "email", Value::text, normalized)?,
        username: key(&learner, "username", Value::text_or_integer, normalized)?,
        account: account(&learner)?,
    };
    if let Some(value) = learner.get("employee_number") {
        match EmployeeNumber::parse(&value.text_or_integer()?) {
            Ok(number) => keys.employee_number = Some(number),
            Err(InvalidId::Empty) => {}
            Err(InvalidId::PersonalIdentityNumber) if keys.is_empty() => {
                return Err(value.refuse(Fault::PersonalIdentityNumber));
            }
            Err(InvalidId::PersonalIdentityNumber) => {}
            Err(invalid) => return Err(value.refuse(Fault::InvalidText(invalid))),
        }
    }
    if keys.is_empty() { Err(learner.refuse(Fault::NoLearnerKey)) } else { Ok(keys) }
}

/// An account names somebody only with both its halves.
fn account(learner: &Object<'_>) -> Result<Option<Account>, NotUnderstood> {
    let Some(account) = learner.get_object("account")? else { return Ok(None) };
    let home_page = key(&account, "home_page", Value::text, str::to_owned)?;
    let name = key(&account, "name", Value::text_or_integer, str::to_owned)?;
    Ok(home_page.zip(name).map(|(home_page, name)| Account { home_page, name }))
}

/// A key's value in the form in which it is compared; `None` where it is missing or empty.
fn key<'a>(
    object: &Object<'a>,
    name: &'static str,
    read: fn(&Value<'a>) -> Result<String, NotUnderstood>,
    in_compared_form: fn(&str) -> String,
) -> Result<Option<String>, NotUnderstood> {
    let Some(value) = object.get(name) else { return Ok(None) };
    match limited(&in_compared_form(&read(&value)?)) {
        Ok(text) => Ok(Some(text)),
        Err(InvalidId::Empty) => Ok(None),
        Err(invalid) => Err(value.refuse(Fault::InvalidText(invalid))),
    }
}

/// Holds a text to the limits of every identifier: trimmed, not empty, not too long, no control characters.
fn limited(text: &str) -> Result<String, InvalidId> {
    let text = text.trim();
    if text.is_empty() {
        Err(InvalidId::Empty)
    } else if text.chars().count() > MAX_LENGTH {
        Err(InvalidId::TooLong)
    } else if text.chars().any(char::is_control) {
        Err(InvalidId::ControlCharacter)
    } else {
        Ok(text.to_owned())
    }
}

/// The score of an attempt; `None` where the platform gives none.
fn score(object: &Object<'_>) -> Result<Option<Score>, NotUnderstood> {
    let form = |name| -> Result<Option<(Value<'_>, Decimal)>, NotUnderstood> {
        let Some(value) = object.get(name) else { return Ok(None) };
        Ok(value.decimal()?.map(|number| (value, number)))
    };
    let out_of = |place: &Value<'_>, points, of| {
        Score::new(points, of).map(Some).map_err(|_| place.refuse(Fault::FullScoreNotPositive))
    };
    let raw = form("raw")?;
    if let Some((_, points)) = &raw
        && let Some((place, max)) = form("max")?
    {
        return out_of(&place, *points, max);
    }
    if let Some((place, share)) = form("scaled")? {
        // xAPI and cmi5 have scaled within −1 to 1; 85 here is a percentage in the wrong place, and would pass
        // anything.
        return if share.abs() > Decimal::ONE {
            Err(place.refuse(Fault::ScaledBeyondOne))
        } else {
            out_of(&place, share, Decimal::ONE)
        };
    }
    if let Some((place, percent)) = form("percent")? {
        return out_of(&place, percent, Decimal::ONE_HUNDRED);
    }
    if raw.is_some() { Err(object.refuse(Fault::RawWithoutMax)) } else { Ok(None) }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
