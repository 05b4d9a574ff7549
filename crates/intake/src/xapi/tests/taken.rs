use chrono::DateTime;
use serde_json::{Value as Json, json};

use super::*;
use kurskoll_domain::training::decimal_from_text;

const BOTH: [Version; 2] = [Version::V1_0_3, Version::V2_0];

#[test]
fn every_fixture_is_taken() {
    for body in [EVERYTHING, SUB_STATEMENT, VOIDING, COURSE_COMPLETED, ATTEMPT_SUBMITTED] {
        for version in BOTH {
            read(body, version).unwrap_or_else(|refusal| panic!("{version}: {refusal}"));
        }
    }
    read(CONTEXT_AGENTS, Version::V2_0).expect("2.0");
}

#[test]
fn a_statement_says_what_was_sent() {
    let read = statement(EVERYTHING, Version::V1_0_3);
    assert_eq!(read.id.expect("an id").to_string(), "6690e6c9-3ef0-4ed3-8b37-7f3964730bee");
    let Actor::Group(group) = &read.actor else { panic!("a group") };
    assert_eq!(group.members.len(), 3);
    assert!(matches!(&group.identifier, Some(Identifier::Account(account)) if account.name == "intro-2026-03"));
    assert_eq!(read.verb.display.expect("a display").0[1], ("en-GB".into(), "attempted".into()));
    let Object::Activity(activity) = &read.object else { panic!("an activity") };
    let interaction = activity.definition.as_ref().and_then(|it| it.interaction.as_ref()).expect("an interaction");
    assert_eq!((interaction.kind, interaction.source.len()), (InteractionType::Matching, 2));
    let result = read.result.expect("a result");
    assert_eq!((result.success, result.completion), (Some(false), Some(true)));
    let score = result.score.expect("a score");
    assert_eq!(score.raw.expect("raw").raw(), "1.0e1");
    assert_eq!(score.raw.and_then(|raw| raw.decimal()), Some(decimal_from_text("10").expect("a decimal")));
    assert_eq!(score.max.expect("max").decimal(), None, "more digits than are reckoned with");
    assert_eq!(score.max.expect("max").raw(), "20.000000000000000000000000000000001");
    assert_eq!(
        result.extensions.expect("extensions").raw,
        r#"{ "urn:x-larportal:attempt": { "attempt": 2, "left": null } }"#
    );
    let context = read.context.expect("a context");
    assert_eq!(context.activities.parent.len(), 1, "one alone is a list of one");
    assert_eq!(read.timestamp, DateTime::parse_from_rfc3339("2026-03-02T08:14:58.25Z").ok().map(|time| time.to_utc()));
    assert_eq!(read.version.expect("a version").as_str(), "1.0.3");
    assert_eq!(read.attachments[0].sha2, "495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a");
}

#[test]
fn the_bytes_of_each_statement_stand_where_it_says() {
    let body = format!("\u{feff} [ {VOIDING} ,\n{} ]\n", SUB_STATEMENT.trim_end());
    let read = read(&body, Version::V1_0_3).expect("two statements");
    assert!(read.is_array);
    let [first, second] = &read.statements[..] else { panic!("two") };
    assert_eq!((first.raw, second.raw), (VOIDING.trim_end(), SUB_STATEMENT.trim_end()));
    for statement in [first, second] {
        assert_eq!(&body[statement.offset..][..statement.raw.len()], statement.raw);
    }
    assert_eq!(first.voids().map(|id| id.to_string()).as_deref(), Some("e05aa883-acaf-40ad-bf54-02c8ce485fb0"));
    assert_eq!(second.voids(), None);
}

#[test]
fn an_array_of_none_is_no_fault() {
    assert_eq!(read("[]", Version::V1_0_3), Ok(Statements { is_array: true, statements: Vec::new() }));
}

#[test]
fn escapes_are_read_and_names_may_have_them() {
    let body = VOIDING.replace(r#""actor""#, r#""\u0061ctor""#).replace("mailto:drift", r"mailto:\u0064rift");
    assert!(
        matches!(statement(&body, Version::V1_0_3).actor, Actor::Agent(Agent { identifier: Identifier::Mbox(mbox), .. }) if mbox == "mailto:drift@example.org")
    );
}

/// Each line is a place in the statement that holds everything, and a value that the standard allows there.
#[test]
fn what_the_standard_allows_is_taken() {
    let cases: &[(&str, Option<Json>)] = &[
        ("/id", None),
        ("/id", Some(json!("6690e6c9-3ef0-7ed3-bb37-7f3964730bee"))),
        ("/actor", Some(json!({"mbox": "mailto:a@example.org"}))),
        ("/actor", Some(json!({"objectType": "Agent", "mbox": "MAILTO:a@example.org"}))),
        ("/actor", Some(json!({"mbox": "mailto:kurs+1@xn--strand-fua.example.org"}))),
        ("/actor", Some(json!({"mbox": "mailto:åsa@example.org"}))),
        ("/actor", Some(json!({"mbox_sha1sum": "EBD31E95054C018B10727CCFFD2EF2EC3A016EE9"}))),
        ("/actor", Some(json!({"account": {"homePage": "http://x", "name": ""}}))),
        ("/actor", Some(json!({"objectType": "Group", "member": [{"mbox": "mailto:a@example.org"}]}))),
        ("/actor/member", None),
        ("/actor/member", Some(json!([]))),
        ("/verb/display", None),
        ("/verb/display", Some(json!({}))),
        ("/verb/display", Some(json!({"x-lar": "a", "i-klingon": "b", "zh-cmn-Hans-CN": "c", "de-1996": ""}))),
        ("/verb/id", Some(json!("tag:larportal.example.org,2026:klar"))),
        ("/verb/id", Some(json!("urn:uuid:6690e6c9-3ef0-4ed3-8b37-7f3964730bee"))),
        ("/object", Some(json!({"objectType": "Activity", "id": "https://larportal.example.org/kurs/å"}))),
        ("/object/definition", Some(json!({}))),
        ("/object/definition/extensions", Some(json!({}))),
        ("/object/definition", Some(json!({"interactionType": "true-false", "correctResponsesPattern": ["true"]}))),
        ("/object/definition", Some(json!({"interactionType": "sequencing", "choices": [{"id": "a"}]}))),
        ("/object/definition", Some(json!({"interactionType": "likert", "scale": [{"id": "a"}]}))),
        ("/object/definition", Some(json!({"interactionType": "performance", "steps": []}))),
        ("/object/definition", Some(json!({"interactionType": "other"}))),
        ("/result", Some(json!({}))),
        ("/result/score", Some(json!({}))),
        ("/result/score/scaled", Some(json!(1))),
        ("/result/score/scaled", Some(json!(-1.0))),
        ("/result/score", Some(json!({"raw": 10, "max": 10, "min": 9.99}))),
        ("/result/score", Some(json!({"raw": -10}))),
        ("/result/duration", Some(json!("PT0S"))),
        ("/result/duration", Some(json!("P4W"))),
        ("/result/duration", Some(json!("P1Y2M3DT4H5M6.789S"))),
        ("/result/duration", Some(json!("PT1.5H"))),
        ("/result/duration", Some(json!("PT0,5S"))),
        ("/context", Some(json!({}))),
        ("/context/instructor", Some(json!({"objectType": "Group", "member": []}))),
        ("/context/contextActivities", Some(json!({}))),
        ("/timestamp", None),
        ("/timestamp", Some(json!("2026-03-02t08:14:58z"))),
        ("/timestamp", Some(json!("2026-03-02T08:14:58.1234567891234Z"))),
        ("/timestamp", Some(json!("2016-12-31T23:59:60Z"))),
        ("/timestamp", Some(json!("2026-03-02T08:14:58+00:00"))),
        ("/timestamp", Some(json!("9999-12-31T23:59:59.999Z"))),
        ("/authority", Some(json!({"mbox": "mailto:a@example.org"}))),
        ("/version", Some(json!("1.0.9"))),
        ("/attachments", Some(json!([]))),
        ("/attachments/0/fileUrl", None),
        ("/attachments/0/length", Some(json!(0))),
        ("/attachments/0/sha2", Some(json!("d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f"))),
    ];
    for (pointer, value) in cases {
        let body = with(EVERYTHING, pointer, value.clone());
        for version in BOTH {
            if let Err(refusal) = read(&body, version) {
                panic!("{version} refuses {pointer} as {value:?}: {refusal}");
            }
        }
    }
}

#[test]
fn times_of_iso_8601_are_taken_by_1_0_3_alone() {
    for (text, instant) in [
        ("2026-03-02T08:14:58+0100", "2026-03-02T07:14:58Z"),
        ("2026-03-02T08:14:58+01", "2026-03-02T07:14:58Z"),
        ("2026-03-02T08:14:58", "2026-03-02T08:14:58Z"),
        ("2026-03-02T08:14Z", "2026-03-02T08:14:00Z"),
        ("2026-03-02T08:14:58,5Z", "2026-03-02T08:14:58.5Z"),
        ("20260302T081458Z", "2026-03-02T08:14:58Z"),
        ("20260302T081458.25+0100", "2026-03-02T07:14:58.25Z"),
        ("20260302T0814", "2026-03-02T08:14:00Z"),
    ] {
        let body = with(VOIDING, "/timestamp", Some(json!(text)));
        let expected = DateTime::parse_from_rfc3339(instant).ok().map(|time| time.to_utc());
        assert_eq!(statement(&body, Version::V1_0_3).timestamp, expected, "{text}");
        let refusal = read(&body, Version::V2_0).expect_err(text);
        assert_eq!((refusal.pointer.as_str(), refusal.fault), ("/timestamp", Fault::NotATimestamp), "{text}");
    }
}

#[test]
fn the_header_names_a_version() {
    for (header, version) in [
        ("1.0", Version::V1_0_3),
        ("1.0.0", Version::V1_0_3),
        ("1.0.3", Version::V1_0_3),
        (" 1.0.1 ", Version::V1_0_3),
        ("2.0", Version::V2_0),
        ("2.0.0", Version::V2_0),
    ] {
        assert_eq!(Version::parse(header), Ok(version), "{header}");
    }
    for header in ["", "1", "0.95", "1.1.0", "2.1.0", "3.0.0", "1.0.", "1.0.x", "1.0.3.1", "v1.0.3", "10.0.0"] {
        assert_eq!(Version::parse(header), Err(InvalidVersion), "{header}");
    }
}
