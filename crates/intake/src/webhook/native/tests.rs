//! Every fixture in `fixtures/webhooks/native`: the good with what they say, the broken with what is said of them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono_tz::Europe::Stockholm;

use super::*;
use kurskoll_domain::training::{Revokes, decimal_from_text};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/webhooks/native").join(name)
}

fn read(folder_name: &str, file: &str) -> Result<Understood, NotUnderstood> {
    let body = std::fs::read(folder(folder_name).join(file).with_extension("json")).expect("a fixture");
    interpret(&event_id("msg_7"), &body, Stockholm, instant("2026-03-02T12:00:00Z"))
}

fn files_in(folder_name: &str) -> BTreeSet<String> {
    std::fs::read_dir(folder(folder_name))
        .expect("a folder")
        .map(|entry| entry.expect("a file").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect()
}

fn names<T>(cases: &[(&str, T)]) -> BTreeSet<String> {
    cases.iter().map(|(file, _)| (*file).to_owned()).collect()
}

fn instant(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("an instant").to_utc()
}

fn event_id(text: &str) -> EventId {
    EventId::parse(text).expect("an event id")
}

fn numbered() -> LearnerKeys {
    LearnerKeys { employee_number: Some(EmployeeNumber::parse("104233").expect("a number")), ..LearnerKeys::default() }
}

fn by_email() -> LearnerKeys {
    LearnerKeys { email: Some("astrid.lindholm@example.org".to_owned()), ..LearnerKeys::default() }
}

fn account_17() -> Option<Account> {
    Some(Account { home_page: "https://larportal.example.org".to_owned(), name: "17".to_owned() })
}

fn course(id: &str) -> Target {
    Target::Course(CourseId::parse(id).expect("a course id"))
}

fn basics_quiz() -> Target {
    Target::Quiz(QuizId::parse("infosec-basics-quiz").expect("a quiz id"))
}

/// The result of most fixtures: Astrid completed the basics at 08:14:58 in Stockholm.
fn completed() -> ReportedResult {
    ReportedResult {
        event_id: event_id("msg_7"),
        learner: numbered(),
        target: course("infosec-basics"),
        kind: ResultKind::Completion,
        occurred_at: instant("2026-03-02T07:14:58Z"),
        reported_at: Some(instant("2026-03-02T07:15:00Z")),
        reason: None,
    }
}

fn graded(number: Option<u32>, score: Option<(&str, &str)>, passed: Option<bool>) -> ReportedResult {
    let decimal = |text| decimal_from_text(text).expect("a decimal");
    let score = score.map(|(points, of)| Score::new(decimal(points), decimal(of)).expect("a score"));
    ReportedResult {
        target: basics_quiz(),
        kind: ResultKind::Attempt { name: None, number, score, passed },
        ..completed()
    }
}

fn revoked(withdrawn: Option<&str>) -> ReportedResult {
    ReportedResult {
        kind: ResultKind::Revocation(withdrawn.map(event_id).map_or(Revokes::UpTo, Revokes::Event)),
        occurred_at: instant("2026-03-02T07:15:00Z"),
        reported_at: None,
        ..completed()
    }
}

fn good() -> Vec<(&'static str, ReportedResult)> {
    let sent = instant("2026-03-02T07:15:00Z");
    vec![
        (
            "course_completed_with_everything",
            ReportedResult {
                learner: LearnerKeys {
                    username: Some("astlin".to_owned()),
                    account: account_17(),
                    email: by_email().email,
                    ..numbered()
                },
                ..completed()
            },
        ),
        ("course_completed_with_the_least", ReportedResult { learner: by_email(), occurred_at: sent, ..completed() }),
        (
            "course_completed_with_whole_number_ids",
            ReportedResult {
                learner: LearnerKeys { username: Some("7001".to_owned()), account: account_17(), ..numbered() },
                target: course("42"),
                ..completed()
            },
        ),
        ("course_completed_in_local_time", completed()),
        (
            "course_completed_in_the_hour_that_came_twice",
            ReportedResult {
                occurred_at: instant("2025-10-26T00:30:00Z"),
                reported_at: Some(instant("2025-10-26T02:00:00Z")),
                ..completed()
            },
        ),
        ("course_completed_never_is_when_it_was_sent", ReportedResult { occurred_at: sent, ..completed() }),
        ("course_completed_without_timestamp", ReportedResult { reported_at: None, ..completed() }),
        ("course_completed_with_empty_keys", ReportedResult { learner: by_email(), ..completed() }),
        (
            "course_completed_personal_identity_number_beside_email",
            ReportedResult { learner: by_email(), ..completed() },
        ),
        ("course_completed_with_byte_order_mark", completed()),
        ("quiz_graded_raw_of_max", graded(Some(2), Some(("17", "20")), Some(true))),
        (
            "quiz_graded_scaled_number",
            ReportedResult { occurred_at: sent, ..graded(None, Some(("0.79999999999999999999", "1")), Some(true)) },
        ),
        ("quiz_graded_percent_text", graded(None, Some(("87.5", "100")), None)),
        ("quiz_graded_raw_of_max_before_scaled_and_percent", graded(Some(2), Some(("17", "20")), Some(true))),
        ("quiz_graded_raw_without_max_but_scaled", graded(Some(2), Some(("0.85", "1")), Some(true))),
        ("quiz_graded_exponent", ReportedResult { occurred_at: sent, ..graded(None, Some(("17.5", "20")), None) }),
        ("quiz_graded_verdict_alone", graded(None, None, Some(false))),
        (
            "completion_revoked_one_event",
            ReportedResult { reason: Some("Fel person".to_owned()), ..revoked(Some("msg_01")) },
        ),
        ("completion_revoked_all_in_a_course", revoked(None)),
        ("completion_revoked_quiz", ReportedResult { target: basics_quiz(), ..revoked(None) }),
        ("completion_revoked_all_in_a_quiz_of_a_course", ReportedResult { target: basics_quiz(), ..revoked(None) }),
        (
            "completion_revoked_one_event_in_a_course_and_quiz",
            ReportedResult { target: basics_quiz(), ..revoked(Some("msg_01")) },
        ),
    ]
}

#[test]
fn a_good_payload_is_its_result() {
    for (file, result) in good() {
        assert_eq!(read("good", file), Ok(Understood::Result(result)), "{file}");
    }
}

#[test]
fn an_unknown_type_is_ignored_whatever_else_it_says() {
    let ignored = Understood::Ignored { event_type: "badge.awarded".to_owned() };
    assert_eq!(read("good", "unknown_type"), Ok(ignored));
}

#[test]
fn a_broken_payload_is_refused_with_the_place_and_the_reason() {
    for (file, said) in BROKEN {
        let refused = read("broken", file).expect_err(file);
        assert_eq!(refused.to_string(), *said, "{file}");
    }
}

#[test]
fn every_fixture_is_in_a_table() {
    let mut listed = names(&good());
    listed.insert("unknown_type".to_owned());
    assert_eq!(files_in("good"), listed);
    assert_eq!(files_in("broken"), names(BROKEN));
}

#[test]
fn a_reason_is_kept_within_limits_and_never_costs_the_revocation() {
    let reason = format!("a\\u0000b\\n{}", "å".repeat(3_000));
    let body = format!(
        r#"{{"type": "completion.revoked", "timestamp": "2026-03-02T08:15:00Z",
            "data": {{"learner": {{"username": "x"}}, "course": {{"id": "c"}}, "reason": "{reason}"}}}}"#
    );
    let understood = interpret(&event_id("msg_7"), body.as_bytes(), Stockholm, instant("2026-03-02T12:00:00Z"));
    let Ok(Understood::Result(result)) = understood else { panic!("understood: {understood:?}") };
    let stored = result.reason.expect("a reason");
    assert!(stored.starts_with("ab\nå") && stored.chars().count() == MAX_REASON, "{stored}");
}

#[test]
fn a_repeated_name_is_shown_without_control_characters() {
    let name = format!("\\u0000{}", "x".repeat(1_000));
    let body = format!(r#"{{"{name}": 1, "{name}": 2}}"#);
    let refused = interpret(&event_id("msg_7"), body.as_bytes(), Stockholm, instant("2026-03-02T12:00:00Z"));
    let shown = format!("\\0{}", "x".repeat(59));
    assert_eq!(refused, Err(NotUnderstood { pointer: String::new(), fault: Fault::RepeatedMember { name: shown } }));
}

const BROKEN: &[(&str, &str)] = &[
    ("empty_body", "the body is not JSON from line 1, column 1 on: send one JSON object"),
    ("not_utf8", "the body stops being UTF-8 after 40 bytes: send JSON in UTF-8"),
    ("not_json", "the body is not JSON from line 2, column 10 on: send one JSON object"),
    ("two_documents", "the body is not JSON from line 1, column 30 on: send one JSON object"),
    ("array_of_events", "the body is of the wrong kind: send a JSON object"),
    (
        "nested_too_deep",
        "the body nests objects or arrays more than 128 deep: send the members that are documented, and not much else",
    ),
    ("repeated_member", r#"the body has the member "type" twice: send it once"#),
    (
        "half_a_surrogate_pair",
        "/data/learner/username has a text with an escape that is no character: send well-formed Unicode",
    ),
    ("type_missing", "/type is missing: send a text"),
    ("type_is_a_number", "/type is of the wrong kind: send a text"),
    ("type_is_empty", "/type is empty: send plain text of 1 to 512 characters"),
    ("data_missing", "/data is missing: send a JSON object"),
    ("data_is_text", "/data is of the wrong kind: send a JSON object"),
    ("learner_missing", "/data/learner is missing: send a JSON object"),
    (
        "learner_without_keys",
        "/data/learner has no key that names the learner: send at least one of employee_number, email, username, and account with home_page and name",
    ),
    (
        "employee_number_is_personal_identity_number",
        "/data/learner/employee_number is a Swedish personal identity number, which is never accepted as an employee number: send HR's number, or another key of the learner",
    ),
    (
        "employee_number_has_decimals",
        "/data/learner/employee_number is of the wrong kind: send a text or a whole number",
    ),
    ("email_is_a_number", "/data/learner/email is of the wrong kind: send a text"),
    (
        "username_has_a_control_character",
        "/data/learner/username contains a control character: send plain text of 1 to 512 characters",
    ),
    ("course_missing", "/data/course is missing: send a JSON object"),
    ("course_is_text", "/data/course is of the wrong kind: send a JSON object"),
    ("course_id_missing", "/data/course/id is missing: send a text or a whole number"),
    ("course_id_is_empty", "/data/course/id is empty: send plain text of 1 to 512 characters"),
    ("course_id_too_long", "/data/course/id is longer than 512 characters: send plain text of 1 to 512 characters"),
    ("quiz_missing", "/data/quiz is missing: send a JSON object"),
    ("attempt_is_zero", "/data/attempt is of the wrong kind: send a whole number from 1 on"),
    ("attempt_is_text", "/data/attempt is of the wrong kind: send a whole number from 1 on"),
    (
        "score_raw_without_max",
        "/data/score has raw points but not the max that they are out of: send max as well, or scaled, or percent",
    ),
    ("score_is_a_number", "/data/score is of the wrong kind: send a JSON object"),
    (
        "score_max_is_zero",
        "/data/score/max must be greater than 0: send the points of a full score, or leave the score out",
    ),
    (
        "score_with_decimal_comma",
        r#"/data/score/percent is not a decimal number such as 17 or "17.5": send at most 20 digits with a decimal point, as a JSON number or a text"#,
    ),
    (
        "score_has_too_many_digits",
        "/data/score/raw has more than 20 significant digits: send at most 20 digits with a decimal point, as a JSON number or a text",
    ),
    (
        "score_scaled_is_a_percentage",
        "/data/score/scaled is more than the whole: send a share of 1 (0.85), or use percent for a share of 100 (85)",
    ),
    ("score_is_true", "/data/score/raw is of the wrong kind: send a number or a text with its digits"),
    ("nothing_graded", "/data has neither a score nor passed: send at least one of them"),
    ("passed_is_text", "/data/passed is of the wrong kind: send true, false or null"),
    (
        "time_is_a_number",
        r#"/data/completed_at is of the wrong kind: send a time as text, such as "2026-03-02T08:15:00+01:00""#,
    ),
    (
        "time_is_a_day",
        "/data/completed_at is not a time such as 2026-03-02T08:15:00+01:00: send RFC 3339, or the same without an offset for Europe/Stockholm time",
    ),
    (
        "time_was_skipped",
        "/data/completed_at is a time that the clocks in Europe/Stockholm skipped as they went forward: send the time with its offset",
    ),
    (
        "time_lies_in_the_future",
        "/data/completed_at lies in the future, more than a day after 2026-03-02 12:00:00 UTC when it was received: set the sender's clock right",
    ),
    (
        "time_before_1990",
        "/data/completed_at is before 1990, when nobody did a course here: send the time when it happened",
    ),
    (
        "timestamp_is_no_time",
        "/timestamp is not a time such as 2026-03-02T08:15:00+01:00: send RFC 3339, or the same without an offset for Europe/Stockholm time",
    ),
    ("timestamp_missing", r#"/timestamp is missing: send a time as text, such as "2026-03-02T08:15:00+01:00""#),
    (
        "revocation_of_nothing",
        "/data names neither a course nor a quiz: send course or quiz with the id of what is withdrawn",
    ),
    (
        "revocation_with_empty_event_id",
        "/data/event_id is an empty text, which could mean one event or all of them: send the id, or leave event_id out to withdraw all",
    ),
    (
        "revocation_without_timestamp",
        r#"/timestamp is missing: send a time as text, such as "2026-03-02T08:15:00+01:00""#,
    ),
    ("reason_is_a_number", "/data/reason is of the wrong kind: send a text"),
];
