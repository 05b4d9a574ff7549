//! Writes native payloads, as a platform that is configured for Kurskoll does: for the demo and for tests.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::native::{COMPLETION_REVOKED, COURSE_COMPLETED, QUIZ_GRADED};
use kurskoll_domain::linking::LearnerKeys;
use kurskoll_domain::training::{ReportedResult, ResultKind, Score, Target};

/// The native payload of a result, sent at `sent_at`; [`super::native::interpret`] reads the same result from it.
///
/// A revocation's `timestamp` says up to when it withdraws, so that it is the result's own instant and not `sent_at`.
/// The payloads tell completions of courses and attempts at quizzes: a completion of a quiz, or an attempt at a course,
/// is written with its target, and not understood by who reads it.
#[must_use]
pub fn compose(result: &ReportedResult, sent_at: DateTime<Utc>) -> Vec<u8> {
    let mut data = Map::new();
    data.insert("learner".to_owned(), learner(&result.learner));
    match &result.target {
        Target::Course(course) => data.insert("course".to_owned(), json!({"id": course.as_str()})),
        Target::Quiz(quiz) => data.insert("quiz".to_owned(), json!({"id": quiz.as_str()})),
    };
    let (event_type, timestamp) = match &result.kind {
        ResultKind::Completion => {
            data.insert("completed_at".to_owned(), time(result.occurred_at));
            (COURSE_COMPLETED, sent_at)
        }
        ResultKind::Attempt { number, score, passed, .. } => {
            insert_given(&mut data, "attempt", number.map(Value::from));
            insert_given(&mut data, "score", score.as_ref().map(raw_and_max));
            insert_given(&mut data, "passed", passed.map(Value::from));
            data.insert("graded_at".to_owned(), time(result.occurred_at));
            (QUIZ_GRADED, sent_at)
        }
        ResultKind::Revocation(revokes) => {
            insert_given(&mut data, "event_id", revokes.event_id().map(|id| Value::from(id.as_str())));
            insert_given(&mut data, "reason", result.reason.as_deref().map(Value::from));
            (COMPLETION_REVOKED, result.occurred_at)
        }
    };
    json!({"type": event_type, "timestamp": time(timestamp), "data": data}).to_string().into_bytes()
}

fn insert_given(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value);
    }
}

fn learner(keys: &LearnerKeys) -> Value {
    let mut learner = Map::new();
    insert_given(&mut learner, "employee_number", keys.employee_number.as_ref().map(|n| Value::from(n.as_str())));
    insert_given(&mut learner, "email", keys.email.as_deref().map(Value::from));
    insert_given(&mut learner, "username", keys.username.as_deref().map(Value::from));
    let account = keys.account.as_ref();
    insert_given(&mut learner, "account", account.map(|a| json!({"home_page": a.home_page, "name": a.name})));
    Value::Object(learner)
}

/// As texts: a JSON number would go through a float in many a reader.
fn raw_and_max(score: &Score) -> Value {
    json!({"raw": score.points().to_string(), "max": score.of().to_string()})
}

fn time(instant: DateTime<Utc>) -> Value {
    Value::from(instant.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Stockholm;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::webhook::native::{Understood, interpret};
    use kurskoll_domain::ids::{CourseId, EmployeeNumber, EventId, QuizId};
    use kurskoll_domain::linking::{Account, normalized};
    use kurskoll_domain::training::Revokes;

    /// 2026-03-02T12:00:00Z.
    const SENT_AT: i64 = 1_772_452_800_000_000;

    fn from_micros(micros: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(micros).expect("an instant")
    }

    fn trimmed_text() -> impl Strategy<Value = String> {
        "\\PC{1,24}".prop_map(|text| text.trim().to_owned()).prop_filter("not empty", |text| !text.is_empty())
    }

    fn id<T: std::fmt::Debug>(
        parse: fn(&str) -> Result<T, kurskoll_domain::ids::InvalidId>,
    ) -> impl Strategy<Value = T> {
        trimmed_text().prop_map(move |text| parse(&text).expect("an id"))
    }

    /// Numbers of up to twenty digits, wherever the point is.
    fn decimal(least: i128) -> impl Strategy<Value = Decimal> {
        (least..10_i128.pow(20), 0..=20_u32).prop_map(|(digits, scale)| Decimal::from_i128_with_scale(digits, scale))
    }

    fn score() -> impl Strategy<Value = Score> {
        (decimal(1 - 10_i128.pow(20)), decimal(1)).prop_map(|(points, of)| Score::new(points, of).expect("a score"))
    }

    fn reported() -> impl Strategy<Value = (Target, ResultKind, Option<String>)> {
        let quiz = || id(QuizId::parse).prop_map(Target::Quiz);
        let course = || id(CourseId::parse).prop_map(Target::Course);
        let attempt = (
            prop::option::of(1_u32..),
            prop_oneof![
                (prop::option::of(score()), any::<bool>().prop_map(Some)),
                score().prop_map(|score| (Some(score), None)),
            ],
        )
            .prop_map(|(number, (score, passed))| ResultKind::Attempt { name: None, number, score, passed });
        let revocation = prop::option::of(id(EventId::parse))
            .prop_map(|event_id| ResultKind::Revocation(event_id.map_or(Revokes::UpTo, Revokes::Event)));
        prop_oneof![
            course().prop_map(|course| (course, ResultKind::Completion, None)),
            (quiz(), attempt).prop_map(|(quiz, attempt)| (quiz, attempt, None)),
            (prop_oneof![quiz(), course()], revocation, prop::option::of(trimmed_text())),
        ]
    }

    fn learner_keys() -> impl Strategy<Value = LearnerKeys> {
        let number = "[0-9A-Za-zåäö-]{1,16}".prop_filter_map("an employee number", |n| EmployeeNumber::parse(&n).ok());
        let compared = || trimmed_text().prop_map(|text| normalized(&text));
        let account = (trimmed_text(), trimmed_text()).prop_map(|(home_page, name)| Account { home_page, name });
        (
            prop::option::of(number),
            prop::option::of(compared()),
            prop::option::of(compared()),
            prop::option::of(account),
        )
            .prop_map(|(employee_number, email, username, account)| LearnerKeys {
                employee_number,
                email,
                username,
                account,
            })
            .prop_filter("some key", |keys| !keys.is_empty())
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_as_the_same_result(
            event_id in id(EventId::parse),
            learner in learner_keys(),
            (target, kind, reason) in reported(),
            // From 1990 to a day after the sending.
            occurred_at in (631_152_000_000_000..=SENT_AT + 86_400_000_000).prop_map(from_micros),
        ) {
            let reported_at = (!kind.is_revocation()).then(|| from_micros(SENT_AT));
            let result = ReportedResult { event_id, learner, target, kind, occurred_at, reported_at, reason };
            let body = compose(&result, from_micros(SENT_AT));
            let understood = interpret(&result.event_id, &body, Stockholm, from_micros(SENT_AT));
            prop_assert_eq!(understood, Ok(Understood::Result(result)));
        }
    }

    #[test]
    fn a_composed_payload_is_one_that_the_design_shows() {
        let result = ReportedResult {
            event_id: EventId::parse("msg_7").expect("an event id"),
            learner: LearnerKeys { employee_number: EmployeeNumber::parse("104233").ok(), ..LearnerKeys::default() },
            target: Target::Quiz(QuizId::parse("infosec-basics-quiz").expect("a quiz id")),
            kind: ResultKind::Attempt {
                name: None,
                number: Some(2),
                score: Score::new(Decimal::from(17), Decimal::from(20)).ok(),
                passed: Some(true),
            },
            occurred_at: from_micros(SENT_AT - 2_500_000),
            reported_at: None,
            reason: None,
        };
        let payload: Value = serde_json::from_slice(&compose(&result, from_micros(SENT_AT))).expect("JSON");
        insta::assert_json_snapshot!(payload, @r#"
        {
          "data": {
            "attempt": 2,
            "graded_at": "2026-03-02T11:59:57.500Z",
            "learner": {
              "employee_number": "104233"
            },
            "passed": true,
            "quiz": {
              "id": "infosec-basics-quiz"
            },
            "score": {
              "max": "20",
              "raw": "17"
            }
          },
          "timestamp": "2026-03-02T12:00:00Z",
          "type": "quiz.graded"
        }
        "#);
    }
}
