//! Profiles as rules: what each shipped one makes of its samples, what is wrong with broken ones, and what never
//! happens.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::LazyLock;

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Europe::Stockholm;
use proptest::prelude::*;

use super::*;
use crate::request::{Arrival, Headers, RawRequest};
use kurskoll_domain::ids::EventId;
use kurskoll_domain::training::{ReportedResult, ResultKind, Target};

mod native;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

fn received_at() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-04-01T12:00:00Z").expect("an instant").to_utc()
}

fn raw<'a>(content_type: &'a str, body: &'a [u8]) -> RawRequest<'a> {
    static KEY: LazyLock<EventId> = LazyLock::new(|| EventId::parse("msg_1").expect("an id"));
    RawRequest {
        key: &KEY,
        platform: "lms",
        headers: Headers::default(),
        content_type,
        body,
        zone: Stockholm,
        arrival: Arrival::at(received_at()),
    }
}

fn shown(result: &ReportedResult) -> String {
    let mut text = match &result.target {
        Target::Course(course) => format!("course {course} "),
        Target::Quiz(quiz) => format!("quiz {quiz} "),
    };
    match &result.kind {
        ResultKind::Completion => text.push_str("completed"),
        ResultKind::Attempt { number, score, passed, .. } => {
            text.push_str("attempt");
            number.iter().for_each(|number| write!(text, " {number}").expect("a text"));
            score.iter().for_each(|score| write!(text, " {}/{}", score.points(), score.of()).expect("a text"));
            passed.iter().for_each(|passed| text.push_str(if *passed { " passed" } else { " failed" }));
        }
        ResultKind::Revocation(revokes) => {
            let what = revokes.event_id().map_or(revokes.as_str(), EventId::as_str);
            write!(text, "revoked {what}").expect("a text");
        }
    }
    let learner: Vec<String> = result
        .learner
        .identities()
        .map(|identity| format!("{}={}", identity.key.as_str(), [identity.home_page, identity.value].join(" ").trim()))
        .collect();
    let id = result.event_id.as_str();
    let id = if id.starts_with("sha256-") { "derived" } else { id };
    let at = result.occurred_at.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    format!("{text} at {at} by {} [{id}]", learner.join(" "))
}

fn understood(profile: &Profile, raw: &RawRequest<'_>) -> Vec<String> {
    match interpret(profile, raw) {
        Ok(results) if results.is_empty() => vec!["ignored".to_owned()],
        Ok(results) => results.iter().map(shown).collect(),
        Err(misread) => vec![format!("not understood: {misread}")],
    }
}

fn fixtures(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/platforms").join(name);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("{name} has samples"));
    let mut files: Vec<(String, Vec<u8>)> = files
        .map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(&path).expect("a sample"))
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_shipped_profile_says_whether_it_was_tried_with_the_vendors_own_sample() {
    for name in shipped::NAMES {
        let text = shipped::text(name).expect("a text");
        assert!(text.contains("# Tried with "), "{name}");
    }
}

#[test]
fn an_event_that_lacks_what_the_profile_may_do_without_is_passed_over() {
    let profile = Profile::parse(
        r#"
        title = "Lenient"
        [signature]
        scheme = "basic"
        [fields]
        type = { path = "$.type", absent = "ignore" }
        email = "$.email"
        course = "$.course"
        occurred_at = { path = "$.at", formats = ["%d %B %Y", "rfc3339"] }
        passed = { path = "$.state", values = { "klar" = "true" }, others = "nothing", absent = "ignore" }
        quiz = "$.quiz"
        [[events]]
        type = "course"
        is = "completion"
        [[events]]
        type = "quiz"
        is = "attempt"
        "#,
    )
    .expect("a profile");
    for (body, expected) in [
        (
            r#"{"type": "course", "email": "a@example.org", "course": "c", "at": "1 MARS 2026"}"#,
            "course c completed at",
        ),
        (r#"{"email": "a@example.org", "course": "c", "at": "soon"}"#, "ignored"),
        (r#"{"type": null, "email": "a@example.org"}"#, "ignored"),
        (r#"{"type": "quiz", "email": "a@example.org", "quiz": "q", "at": "2026-03-01"}"#, "ignored"),
        (r#"{"type": "quiz", "email": "a@example.org", "quiz": "q", "at": "2026-03-01", "state": "pågår"}"#, "ignored"),
        (
            r#"{"type": "quiz", "email": "a@example.org", "quiz": "q", "at": "1 mar. 2026", "state": "klar"}"#,
            "quiz q attempt passed",
        ),
        (r#"{"type": "course", "course": "c", "at": "1 mars 2026"}"#, "not understood"),
    ] {
        let understood = understood(&profile, &raw(JSON, body.as_bytes())).join("; ");
        assert!(understood.starts_with(expected), "{body}: {understood}");
    }
}

#[test]
fn every_shipped_profile_can_be_read() {
    for name in shipped::NAMES {
        let text = shipped::text(name).expect("a text");
        if let Err(problems) = Profile::parse(text) {
            panic!("{name}: {problems}");
        }
        assert!(shipped::profile(name).is_some());
    }
    assert!(shipped::NAMES.is_sorted());
}

#[test]
fn each_sample_is_understood_as_its_platform_means_it() {
    let mut table = String::new();
    for name in shipped::NAMES {
        let profile = shipped::profile(name).expect("a profile");
        for (file, body) in fixtures(name) {
            let content_type = if file.ends_with(".form") { FORM } else { JSON };
            writeln!(table, "{name}/{file}").expect("a text");
            for line in understood(profile, &raw(content_type, &body)) {
                writeln!(table, "    {line}").expect("a text");
            }
        }
    }
    insta::assert_snapshot!(table, @r"
    canvas/course-completed-told-by-a-teacher.json
        course infosec-basics completed at 2026-03-02T07:15:58Z by email=anna@example.org [derived]
    canvas/course-completed.json
        course infosec-basics completed at 2026-03-02T07:14:58Z by employee_number=1001 email=anna@example.org username=anna@example.org [derived]
    canvas/grade-change-of-no-points.json
        ignored
    canvas/grade-change-without-a-score.json
        ignored
    canvas/grade-change.json
        quiz 21070000001234012 attempt 17.5/20 at 2026-03-02T07:20:00Z by employee_number=1001 [derived]
    canvas/login.json
        ignored
    docebo/enrollment-completed.json
        course infosec-basics completed at 2026-03-02T07:14:58Z by email=anna@example.org username=anna@example.org account=stad.docebosaas.com 13017 [wh-20260302-071500-3c5a1d2e]
    docebo/enrollment-updated.json
        ignored
    docebo/enrollments-completed-grouped.json
        course infosec-basics completed at 2026-03-02T07:14:58Z by email=anna@example.org username=anna@example.org account=stad.docebosaas.com 13017 [wh-20260302-071501-3c5a1d2f/1]
        course infosec-basics completed at 2026-03-02T07:15:00Z by email=bo@example.org username=bo@example.org account=stad.docebosaas.com 13018 [wh-20260302-071501-3c5a1d2f/2]
    h5p/content-completed.json
        course https://intra.example.org/wp-admin/admin-ajax.php?action=h5p_embed&id=12 completed at 2026-03-02T07:14:58Z by email=anna@example.org [6690e6c9-3ef0-4ed3-8b37-7f3964730bee]
    h5p/no-timestamp.json
        not understood: the body gives no occurred_at, looked for at $.timestamp, $.stored: send it, or mend the profile
    h5p/passed-without-a-score.json
        quiz https://intra.example.org/wp-admin/admin-ajax.php?action=h5p_embed&id=15 attempt passed at 2026-03-02T07:14:58Z by email=anna@example.org [6690e6c9-3ef0-4ed3-8b37-7f3964730c03]
    h5p/question-answered.json
        ignored
    h5p/question-set-completed.json
        quiz https://intra.example.org/wp-admin/admin-ajax.php?action=h5p_embed&id=12 attempt 17/20 passed at 2026-03-02T07:14:58Z by email=anna@example.org [derived]
    h5p/score-of-nulls.json
        course https://intra.example.org/wp-admin/admin-ajax.php?action=h5p_embed&id=13 completed at 2026-03-02T07:14:58Z by email=anna@example.org [6690e6c9-3ef0-4ed3-8b37-7f3964730c01]
    h5p/without-points.json
        course https://intra.example.org/wp-admin/admin-ajax.php?action=h5p_embed&id=14 completed at 2026-03-02T07:14:58Z by email=anna@example.org [6690e6c9-3ef0-4ed3-8b37-7f3964730c02]
    learndash/course-completed.json
        course infosec-basics completed at 2026-03-02T07:14:58Z by email=anna@example.org username=anna [derived]
    learndash/quiz-completed.json
        quiz infosec-basics-quiz attempt 17/20 passed at 2026-03-02T07:14:58Z by email=anna@example.org username=anna [derived]
    learndash/quiz-without-points.json
        quiz infosec-basics-quiz attempt 85/100 passed at 2026-03-02T07:14:58Z by email=anna@example.org username=anna [derived]
    learnupon/badge-awarded.json
        ignored
    learnupon/course-completion.json
        course infosec-basics completed at 2026-03-02T07:14:58Z by employee_number=1001 email=anna@example.org [derived]
    learnupon/course-failed.json
        ignored
    learnupon/exam-completion.json
        quiz 77 attempt 2 87.5/100 passed at 2026-03-02T07:14:58Z by employee_number=1001 email=anna@example.org [derived]
    moodle/course-completed.form
        course infosec-basics completed at 2026-03-02T07:14:58Z by employee_number=1001 email=anna@example.org username=anna account=https://larportal.example.org 17 [derived]
    moodle/course-completed.json
        course infosec-basics completed at 2026-03-02T07:14:58Z by employee_number=1001 email=anna@example.org username=anna account=https://larportal.example.org 17 [derived]
    moodle/criteria-edited.json
        ignored
    moodle/lookup-step-missing.json
        course INFO completed at 2026-03-02T07:14:58Z by account=https://larportal.example.org 17 [derived]
    moodle/no-learner.json
        not understood: the body gives no key that names the learner, looked for at $.user_idnumber, $.user_email, $.user_username, $.relateduserid, $.userid: send one of them, or mend the profile
    moodle/quiz-graded.form
        quiz infosec-basics-quiz attempt 17.5/20 at 2026-03-02T07:15:00Z by employee_number=1001 email=anna@example.org username=anna account=https://larportal.example.org 17 [derived]
    native/completion-revoked.json
        course infosec-basics revoked msg_0 at 2026-03-03T07:15:00Z by employee_number=1001 [msg_1]
    native/course-completed.json
        course infosec-basics completed at 2026-03-02T07:14:58Z by employee_number=1001 email=anna@example.org username=anna account=https://larportal.example.org 17 [msg_1]
    native/quiz-graded-in-percent.json
        quiz 98 attempt 85/100 at 2026-03-02T07:15:00Z by email=anna@example.org [msg_1]
    native/quiz-graded.json
        quiz infosec-basics-quiz attempt 2 17.5/20 passed at 2026-03-02T07:15:00Z by employee_number=1001 [msg_1]
    native/quiz-revoked-up-to-then.json
        quiz infosec-basics-quiz revoked up_to at 2026-03-03T07:15:00Z by employee_number=1001 [msg_1]
    native/quiz-with-scaled-beyond-one.json
        not understood: /data/score/scaled is more than the whole: send a share of 1 (0.85), or use percent for a share of 100 (85)
    native/user-created.json
        ignored
    openedx/now-failed.json
        ignored
    openedx/passed-first-time.json
        course course-v1:Stad+INFOSEC+2026 completed at 2026-03-02T07:14:58.123456Z by username=anna [derived]
    openedx/subsection-graded.json
        quiz block-v1:Stad+INFOSEC+2026+type@sequential+block@quiz attempt 17/20 at 2026-03-02T07:14:57.500Z by username=anna [derived]
    openedx/subsection-not-graded.json
        ignored
    scorm-cloud/registration-begun.json
        ignored
    scorm-cloud/registration-completed-without-score.json
        course infosec-basics completed at 2026-03-02T07:14:58Z by email=anna@example.org username=anna [derived]
    scorm-cloud/registration-completed.form
        course infosec-basics completed at 2026-03-02T07:14:58Z by email=anna@example.org username=anna [derived]
        quiz infosec-basics attempt 87.5/100 passed at 2026-03-02T07:14:58Z by email=anna@example.org username=anna [derived]
    scorm-cloud/registration-completed.json
        course infosec-basics completed at 2026-03-02T07:14:58Z by email=anna@example.org username=anna [derived]
        quiz infosec-basics attempt 87.5/100 passed at 2026-03-02T07:14:58Z by email=anna@example.org username=anna [derived]
    scorm-cloud/registration-failed.json
        quiz infosec-basics attempt 1 40/100 failed at 2026-03-02T07:14:58Z by email=anna@example.org username=anna [derived]
    scorm-cloud/registration-tried-again.json
        course infosec-basics completed at 2025-04-01T07:14:58Z by email=anna@example.org username=anna [derived]
        quiz infosec-basics attempt 87.5/100 passed at 2026-03-02T07:14:58Z by email=anna@example.org username=anna [derived]
    talentlms/course-completed.json
        course infosec-basics completed at 2026-03-02T07:14:58Z by employee_number=1001 email=anna@example.org username=anna [evt-1]
    talentlms/test-completed.json
        quiz 98 attempt 87.5/100 passed at 2026-03-02T07:14:58Z by email=anna@example.org username=anna [evt-2]
    totara/certification-completed.json
        course infosec-cert completed at 2026-03-02T07:14:58Z by employee_number=1001 email=anna@example.org username=anna account=https://larportal.example.org 17 [derived]
    totara/course-completed.json
        course infosec-basics completed at 2026-03-02T07:14:58Z by employee_number=1001 email=anna@example.org username=anna account=https://larportal.example.org 17 [derived]
    totara/quiz-graded.form
        quiz infosec-basics-quiz attempt 17.5/20 at 2026-03-02T07:15:00Z by employee_number=1001 email=anna@example.org username=anna account=https://larportal.example.org 17 [derived]
    ");
}

/// A profile that reads a little, with some of its lines replaced.
fn small(replaced: &[(&str, &str)]) -> String {
    let mut text = r#"
title = "An example"
[signature]
scheme = "basic"
[fields]
type = "$.type"
email = "$.email"
course = "$.course"
quiz = "$.quiz"
score_raw = "$.raw"
score_max = { constant = "20" }
passed = { path = "$.status", values = { ok = "true", "not ok" = "false", "?" = "" } }
occurred_at = "$.at"
[[events]]
type = "done"
is = "completion"
[[events]]
type = "graded"
is = "attempt"
[[events]]
type = "undone"
is = "revocation"
[events.fields]
quiz = []
"#
    .to_owned();
    for (line, other) in replaced {
        assert!(text.contains(line), "{line}");
        text = text.replace(line, other);
    }
    text
}

fn small_profile(replaced: &[(&str, &str)]) -> Profile {
    Profile::parse(&small(replaced)).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What a small profile makes of a small body: `course c completed`, without when and who.
fn meaning(replaced: &[(&str, &str)], body: &str) -> String {
    let lines = understood(&small_profile(replaced), &raw(JSON, body.as_bytes()));
    let brief = |line: &String| line.split(" at 2026").next().unwrap_or_default().to_owned();
    lines.iter().map(brief).collect::<Vec<_>>().join("; ")
}

#[test]
fn the_first_alternative_that_gives_something_is_taken() {
    let several = [(
        r#"course = "$.course""#,
        r#"course = ["$.a", { path = "$.b", after = "id=", before = "&" }, { constant = "c" }]"#,
    )];
    for (members, course) in [
        (r#""a": "x", "b": "?id=y&z""#, "x"),
        (r#""a": null, "b": "?id=y&z""#, "y"),
        (r#""a": " ", "b": "?id=y""#, "c"),
        (r#""a": 17"#, "17"),
        ("\"b\": false", "c"),
    ] {
        let body = format!(r#"{{"type": "done", "email": "a@b.se", "at": "2026-03-01T10:00:00Z", {members}}}"#);
        assert_eq!(meaning(&several, &body), format!("course {course} completed"), "{members}");
    }
}

#[test]
fn what_an_attempt_says_is_translated_or_refused() {
    for (members, expected) in [
        (r#""quiz": "q", "raw": 17.50, "status": "OK""#, "quiz q attempt 17.5/20 passed"),
        (r#""quiz": "q", "raw": "4", "status": "Not ok""#, "quiz q attempt 4/20 failed"),
        (r#""quiz": "q", "raw": "4", "status": "?""#, "quiz q attempt 4/20"),
        (
            r#""quiz": "q", "status": "?""#,
            "not understood: the body has neither a score nor passed: send at least one of them",
        ),
        (
            r#""quiz": "q", "status": "maybe""#,
            "not understood: /status says \"maybe\" for passed, which the profile's values do not list: add it to values",
        ),
        (
            r#""quiz": ["q"], "raw": 1"#,
            "not understood: /quiz is an object or a list where the profile looks for quiz: let its path go on to the value",
        ),
        (r#""raw": 1"#, "not understood: the body gives no quiz, looked for at $.quiz: send it, or mend the profile"),
        (
            r#""quiz": "q", "raw": 1e999"#,
            "not understood: /raw is not a decimal number such as 17 or \"17.5\": send at most 20 digits with a decimal point, as a JSON number or a text",
        ),
    ] {
        let body = format!(r#"{{"type": "graded", "email": "a@b.se", "at": "2026-03-01T10:00:00Z", {members}}}"#);
        assert_eq!(meaning(&[], &body), expected, "{members}");
    }
}

#[test]
fn an_unknown_type_is_ignored_and_none_at_all_is_not_understood() {
    assert_eq!(meaning(&[], r#"{"type": "ping"}"#), "ignored");
    assert_eq!(
        meaning(&[], r#"{"tpye": "done"}"#),
        "not understood: the body gives no type, looked for at $.type: send it, or mend the profile"
    );
}

#[test]
fn a_revocation_takes_back_one_event_or_what_the_profile_says() {
    let by_id = [(r#"quiz = []"#, "quiz = []\nrevoked_event_id = \"$.of\"")];
    let body = r#"{"type": "undone", "email": "a@b.se", "course": "c", "at": "2026-03-01T10:00:00Z", "of": 7}"#;
    assert_eq!(meaning(&by_id, body), "course c revoked 7");
    assert_eq!(meaning(&[], body), "course c revoked recent");
    for (word, expected) in
        [("recent", "course c revoked recent"), ("all", "course c revoked up_to"), ("nothing", "ignored")]
    {
        let says = format!("is = \"revocation\"\nwithdraws = \"{word}\"");
        assert_eq!(meaning(&[(r#"is = "revocation""#, &says)], body), expected);
    }
}

#[test]
fn a_personal_identity_number_is_never_taken() {
    let with_number = [(r#"email = "$.email""#, "email = \"$.email\"\nemployee_number = \"$.number\"")];
    let body = |email: &str| {
        format!(
            r#"{{"type": "done", "email": "{email}", "course": "c", "number": "811218-9876", "at": "2026-03-01T10:00:00Z"}}"#
        )
    };
    assert_eq!(meaning(&with_number, &body("a@b.se")), "course c completed");
    assert!(meaning(&with_number, &body("")).contains("/number is a Swedish personal identity number"));
}

#[test]
fn a_derived_id_is_the_same_for_the_same_and_another_for_anything_else() {
    let id = |platform: &str, body: &str| {
        let raw = RawRequest { platform, ..raw(JSON, body.as_bytes()) };
        interpret(&small_profile(&[]), &raw).expect("understood").remove(0).event_id
    };
    let body = r#"{"type": "graded", "email": "a@b.se", "quiz": "q", "raw": 17, "at": "2026-03-01T10:00:00Z"}"#;
    let same = r#"{"at": "2026-03-01T11:00:00+01:00", "sent": 2, "type": "graded", "email": "A@b.se ", "quiz": "q", "raw": "17.0"}"#;
    assert_eq!(id("lms", body), id("lms", same));
    assert_ne!(id("lms", body), id("other", body));
    for (from, to) in [("17", "16"), ("a@b", "c@b"), ("\"q\"", "\"r\""), ("10:00:00Z", "10:00:01Z")] {
        assert_ne!(id("lms", body), id("lms", &body.replace(from, to)), "{to}");
    }
}

#[test]
fn events_of_one_body_have_ids_of_their_own() {
    let several = [("[fields]", "[body]\neach = \"$.records[*]\"\n[fields]\nevent_id = \"$.id\"")];
    let of_body = [("[fields]", "[body]\neach = \"$.records[*]\"\n[fields]\nevent_id = { in_body = \"$.message\" }")];
    let body = |first: &str, second: &str| {
        let event = |id: &str, course: &str| {
            format!(
                r#"{{"type": "done", "id": "{id}", "email": "a@b.se", "course": "{course}", "at": "2026-03-01T10:00:00Z"}}"#
            )
        };
        format!(r#"{{"message": "m", "records": [{}, {}]}}"#, event(first, "c"), event(second, "d"))
    };
    let ids = |replaced: &[(&str, &str)], body: &str| {
        let results = interpret(&small_profile(replaced), &raw(JSON, body.as_bytes()));
        results
            .map(|results| results.iter().map(|r| r.event_id.to_string()).collect::<Vec<_>>())
            .map_err(|m| m.to_string())
    };
    assert_eq!(ids(&several, &body("1", "2")), Ok(vec!["1".to_owned(), "2".to_owned()]));
    assert_eq!(ids(&of_body, &body("", "")), Ok(vec!["m/1".to_owned(), "m/2".to_owned()]));
    let refused = ids(&several, &body("1", "1")).expect_err("one id for two");
    assert!(refused.starts_with("/records/1 reports another event of the same body under the same id"), "{refused}");
    assert_eq!(ids(&several, &body("1", "1").replace("\"d\"", "\"c\"")), Ok(vec!["1".to_owned()]));
    // No event's id may look like a delivery's own key.
    let key = delivery_key(b"x").expect("a key").to_string();
    assert!(ids(&several, &body(&key, "2")).expect("understood")[0].starts_with("sha256-"));
}

#[test]
fn everything_that_is_wrong_with_a_profile_is_named_with_its_line() {
    let text = r#"
titel = "x"
[signature]
scheme = "hmac-sha256"
header = "X Signature"
encoding = "hexadecimal"
timestamp_header = "X-Time"
tolerance_seconds = 0
[body]
accepts = "xml"
each = "records"
[defaults]
zone = "Stockholm"
formats = ["%Q"]
[fields]
emial = "$.email"
course = { path = "$.a", constant = "b" }
quiz = { path = "$.q", range = "0..1", formats = ["rfc3339"] }
passed = { path = "$.p", values = { Ja = "yes", ja = "true" } }
username = { in_body = "$..name", others = "keep" }
score_raw = 17
[[events]]
type = "a"
is = ["ignore", "attempt"]
when = [{ path = "$.x" }]
[[events]]
is = "completion"
"#;
    let problems = Profile::parse(text).expect_err("much is wrong").to_string();
    insta::assert_snapshot!(problems, @r#"
    profile, line 1: title is missing; write it
    profile, line 2: titel is not known here; did you mean title? Known are title, documented, signature, body, defaults, fields, events
    profile, line 5: signature.header is not the name of a header, such as X-Signature
    profile, line 6: signature.encoding must be one of hex, base64
    profile, line 8: signature.tolerance_seconds must be a whole number from 1 to 86400
    profile, line 10: body.accepts must be one of json, form, both
    profile, line 11: body.each is not a JSON path (RFC 9535) such as $.user.email: at position 0, parser error
    profile, line 13: defaults.zone is not a time zone such as Europe/Stockholm or UTC
    profile, line 14: defaults.formats[0] is not a format of times; write "rfc3339", "epoch-seconds", "epoch-milliseconds", or the parts as in "%Y-%m-%d %H:%M:%S"
    profile, line 16: fields.emial is not known here; did you mean email? Known are event_id, type, employee_number, email, username, account_home_page, account_name, course, quiz, attempt, score_raw, score_min, score_max, score_scaled, score_percent, passed, occurred_at, attempted_at, reported_at, revoked_event_id, reason
    profile, line 17: fields.course needs exactly one of path, in_body, header, constant and first_of
    profile, line 18: fields.quiz.formats belongs to occurred_at only; leave it out
    profile, line 18: fields.quiz.range belongs to score_scaled only; leave it out
    profile, line 19: fields.passed.values.Ja gives "yes", which is neither "true" nor "false" nor "" for neither
    profile, line 19: fields.passed.values.ja is there twice, since capitals make no difference; keep one
    profile, line 20: fields.username.in_body may select several places, which in_body must not: name each member, without "*", "..", "?" or ":"
    profile, line 20: fields.username.others goes with values only; leave it out, or list values
    profile, line 21: fields.score_raw must be a path in quotes such as "$.user.email", a table, or a list of these
    profile, line 24: events[0].is is no list of kinds: write completion, attempt, revocation, each once, or ignore alone
    profile, line 25: events[0].when[0] needs exactly one of is, is_not and exists
    profile, line 26: events[1] needs the field occurred_at, and neither fields nor the rule's own fields say where it is
    "#);
    insta::assert_snapshot!(Profile::parse("a = ").expect_err("no TOML"), @"profile, line 1: the file is not TOML: string values must be quoted, expected literal string");
    insta::assert_snapshot!(Profile::parse("").expect_err("nothing"), @r"
    profile, line 1: title is missing; write it
    profile, line 1: signature is missing; write it
    profile, line 1: events is missing; write it
    ");
    assert!(Profile::parse(&" ".repeat(MAX_BYTES + 1)).is_err());
}

#[test]
fn what_is_told_of_a_body_is_bounded() {
    let long = "x".repeat(100_000);
    let body = format!(
        r#"{{"type": "graded", "email": "a@b.se", "at": "2026-03-01T10:00:00Z", "quiz": "q", "status": "{long}"}}"#
    );
    let reading = read(&small_profile(&[]), &raw(JSON, body.as_bytes()));
    let misread = reading.results.expect_err("no such word");
    assert!(misread.to_string().len() < 1_000);
    assert!(format!("{:?}", reading.events).len() < 5_000);
    let name = format!(r#"{{"{long}": {{"v": {{}}}}, "type": "done"}}"#);
    let anywhere = [(r#"email = "$.email""#, r#"email = "$..v""#)];
    let misread = interpret(&small_profile(&anywhere), &raw(JSON, name.as_bytes())).expect_err("an object");
    assert!(misread.pointer.len() <= 500, "{}", misread.pointer);
    let many = format!("[{}]", vec!["1"; 1_001].join(","));
    let each = [("[fields]", "[body]\neach = \"$[*]\"\n[fields]")];
    assert_eq!(meaning(&each, &many), "not understood: the body holds 1001 events: send at most 1000 at a time");
}

/// JSON of all kinds, with the names that profiles look for.
fn any_json() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        prop::sample::select(vec![
            "type", "email", "course", "quiz", "raw", "status", "at", "data", "payloads", "user"
        ])
        .prop_map(str::to_owned),
        "\\PC{0,4}",
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<f64>().prop_filter("a number", |f| f.is_finite()).prop_map(|f| f.to_string()),
        Just("1e9999".to_owned()),
        prop::sample::select(vec!["\"done\"", "\"graded\"", "\"undone\"", "\"2026-03-01T10:00:00\"", "\"a@b.se\""])
            .prop_map(str::to_owned),
        "\\PC{0,12}".prop_map(|text| serde_json::Value::from(text).to_string()),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((name.clone(), inner), 0..8).prop_map(|members| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!("{}: {value}", serde_json::Value::from(name.as_str())))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_makes_a_profile_panic_and_showing_agrees_with_receiving(body in any_json(), form in any::<bool>()) {
        for name in shipped::NAMES {
            let profile = shipped::profile(name).expect("a profile");
            let raw = raw(if form { FORM } else { JSON }, body.as_bytes());
            prop_assert_eq!(read(profile, &raw).results, interpret(profile, &raw));
        }
        let profile = small_profile(&[]);
        let raw = raw(JSON, body.as_bytes());
        prop_assert_eq!(read(&profile, &raw).results, interpret(&profile, &raw));
    }

    #[test]
    fn no_bytes_make_a_profile_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        drop(interpret(&small_profile(&[]), &raw(JSON, &bytes)));
    }

    #[test]
    fn no_text_makes_the_reading_of_a_profile_panic(
        name in prop::sample::select(shipped::NAMES),
        at in any::<prop::sample::Index>(),
        cut in 0..40_usize,
        more in "[\\PC\\n]{0,12}",
    ) {
        let text: Vec<char> = shipped::text(name).expect("a text").chars().collect();
        let at = at.index(text.len());
        let mut mutated: String = text.iter().take(at).collect();
        mutated.push_str(&more);
        mutated.extend(text.iter().skip(at + cut));
        if let Ok(profile) = Profile::parse(&mutated) {
            for (file, body) in fixtures(name) {
                drop(read(&profile, &raw(if file.ends_with(".form") { FORM } else { JSON }, &body)));
            }
        }
    }
}

#[test]
fn the_worked_example_of_the_docs_is_understood() {
    let docs = include_str!("../../../../docs/platforms.md");
    let blocks = |kind: &str| -> Vec<&str> {
        docs.split(&format!("\n```{kind}\n")).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
    };
    let profile = Profile::parse(&blocks("toml").join("\n")).unwrap_or_else(|problems| panic!("{problems}"));
    let [template, sample] = blocks("json")[..] else { panic!("two samples") };
    insta::assert_snapshot!(understood(&profile, &raw(JSON, sample.as_bytes())).join("\n"), @r"
    course infosec-basics completed at 2026-03-02T07:14:00Z by email=anna@example.org username=anna [d-881]
    quiz 77 attempt 17.5/20 passed at 2026-03-02T07:31:00Z by username=anna [d-882]
    ");
    // Moodle's template has the fields that its profile reads.
    let filled = template
        .replace("{event_eventname}", r"\\core\\event\\course_completed")
        .replace("{event_timecreated}", "1772435698");
    let filled = filled.replace("{event_relateduserid}", "17").replace("{user_idnumber}", "1001");
    let filled = filled.replace("{course_idnumber}", "infosec-basics");
    let moodle = shipped::profile("moodle").expect("a profile");
    insta::assert_snapshot!(understood(moodle, &raw(JSON, filled.as_bytes())).join("\n"), @"course infosec-basics completed at 2026-03-02T07:14:58Z by employee_number=1001 account=https://larportal.example.org 17 [derived]");
}
