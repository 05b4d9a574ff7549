mod table;

use serde_json::{Value as Json, json};

use super::*;
use crate::json::{Malformed, Unclear};

/// Sets a place of a statement and gives the refusal.
fn refusal(statement: &str, pointer: &str, value: Option<&Json>, version: Version) -> Refusal {
    let body = with(statement, pointer, value.cloned());
    match read(&body, version) {
        Err(refusal) => refusal,
        Ok(_) => panic!("{version} takes {pointer} as {value:?}"),
    }
}

const fn null(expected: Expected) -> Fault {
    Fault::Null { expected }
}

const fn wrong(expected: Expected) -> Fault {
    Fault::WrongType { expected }
}

const fn missing(expected: Expected) -> Fault {
    Fault::Missing { expected }
}

#[test]
fn what_a_sub_statement_may_not_have_is_refused() {
    let nested = json!({"objectType": "SubStatement", "actor": {"mbox": "mailto:a@example.org"},
        "verb": {"id": "http://x"}, "object": {"id": "http://x"}});
    for (pointer, value, fault) in [
        ("/object/id", json!("6690e6c9-3ef0-4ed3-8b37-7f3964730bee"), Fault::NotInSubStatement),
        ("/object/stored", json!("2026-03-02T08:14:58Z"), Fault::NotInSubStatement),
        ("/object/version", json!("1.0.3"), Fault::NotInSubStatement),
        ("/object/authority", json!({"mbox": "mailto:a@example.org"}), Fault::NotInSubStatement),
        ("/object/object", nested, Fault::NestedSubStatement),
        ("/object/note", json!(1), Fault::Unknown),
        ("/object/timestamp", json!("soon"), Fault::NotATimestamp),
        ("/object/actor/mbox", json!("omar"), Fault::NotAnMbox),
        ("/object/verb/id", json!("klar"), Fault::NotAnIri),
    ] {
        let refusal = refusal(SUB_STATEMENT, pointer, Some(&value), Version::V1_0_3);
        assert_eq!((refusal.pointer.as_str(), &refusal.fault), (pointer, &fault));
    }
    for (pointer, expected) in [
        ("/object/actor", Expected::Actor),
        ("/object/verb", Expected::Verb),
        ("/object/object", Expected::ObjectOfStatement),
    ] {
        let refusal = refusal(SUB_STATEMENT, pointer, None, Version::V1_0_3);
        assert_eq!((refusal.pointer.as_str(), refusal.fault), (pointer, missing(expected)));
    }
}

#[test]
fn what_is_voided_is_a_statement() {
    let activity = json!({"id": "https://larportal.example.org/course/view.php?id=17"});
    let refused = refusal(VOIDING, "/object", Some(&activity), Version::V1_0_3);
    assert_eq!((refused.pointer.as_str(), refused.fault), ("/object", Fault::VoidsNoStatement));
    for (pointer, value, fault) in [
        ("/object/id", None, missing(Expected::Uuid)),
        ("/object/id", Some(json!("17")), Fault::NotAUuid),
        ("/object/definition", Some(json!({})), Fault::Unknown),
    ] {
        let refused = refusal(VOIDING, pointer, value.as_ref(), Version::V1_0_3);
        assert_eq!((refused.pointer.as_str(), refused.fault), (pointer, fault));
    }
}

#[test]
fn revision_and_platform_belong_with_an_activity() {
    let agent = json!({"objectType": "Agent", "mbox": "mailto:a@example.org"});
    let of_agent = with(EVERYTHING, "/object", Some(agent));
    let refused = read(&of_agent, Version::V1_0_3).expect_err("revision");
    assert_eq!((refused.pointer.as_str(), refused.fault), ("/context/revision", Fault::OnlyWithActivity));
    let without_revision = with(&of_agent, "/context/revision", None);
    let refused = read(&without_revision, Version::V2_0).expect_err("platform");
    assert_eq!((refused.pointer.as_str(), refused.fault), ("/context/platform", Fault::OnlyWithActivity));
    let without_both = with(&without_revision, "/context/platform", None);
    assert!(read(&without_both, Version::V1_0_3).is_ok());
}

#[test]
fn context_agents_and_groups_came_with_2_0() {
    let old = with(CONTEXT_AGENTS, "/version", None);
    let refused = read(&old, Version::V1_0_3).expect_err("1.0.3");
    assert_eq!((refused.pointer.as_str(), refused.fault), ("/context/contextAgents", Fault::OnlyIn2_0));
    let refused = refusal(VOIDING, "/version", Some(&json!("2.0.0")), Version::V1_0_3);
    assert_eq!(refused.fault, Fault::WrongVersion { expected: Expected::Version1 });
    let group = json!({"objectType": "Group", "member": []});
    for (pointer, value, place, fault) in [
        ("/context/contextAgents", json!({}), "", wrong(Expected::Array)),
        (
            "/context/contextAgents/0/objectType",
            json!("Agent"),
            "",
            Fault::NotInSet { expected: Expected::Exactly("contextAgent") },
        ),
        ("/context/contextAgents/0/agent", group.clone(), "/context/contextAgents/0/agent/member", Fault::Unknown),
        ("/context/contextAgents/0/relevantTypes", json!([]), "", Fault::NoRelevantType),
        (
            "/context/contextAgents/0/relevantTypes",
            json!(["chef"]),
            "/context/contextAgents/0/relevantTypes/0",
            Fault::NotAnIri,
        ),
        ("/context/contextAgents/0/group", group, "", Fault::Unknown),
        (
            "/context/contextGroups/0/objectType",
            json!("contextAgent"),
            "",
            Fault::NotInSet { expected: Expected::Exactly("contextGroup") },
        ),
        (
            "/context/contextGroups/0/group",
            json!({"mbox": "mailto:a@example.org"}),
            "/context/contextGroups/0/group/objectType",
            missing(Expected::Exactly("Group")),
        ),
    ] {
        let refused = refusal(CONTEXT_AGENTS, pointer, Some(&value), Version::V2_0);
        let place = if place.is_empty() { pointer } else { place };
        assert_eq!((refused.pointer.as_str(), refused.fault), (place, fault), "{pointer}");
    }
    for (pointer, expected) in [
        ("/context/contextAgents/0/agent", Expected::Agent),
        ("/context/contextAgents/0/objectType", Expected::Exactly("contextAgent")),
        ("/context/contextGroups/0/group", Expected::Group),
    ] {
        let refused = refusal(CONTEXT_AGENTS, pointer, None, Version::V2_0);
        assert_eq!((refused.pointer.as_str(), refused.fault), (pointer, missing(expected)));
    }
}

#[test]
fn an_offset_that_is_not_known_is_refused_in_every_form() {
    for text in ["2026-03-02T08:14:58-0000", "2026-03-02T08:14:58-00", "2026-03-02T08:14:58.5-00:00"] {
        let refused = refusal(VOIDING, "/timestamp", Some(&json!(text)), Version::V1_0_3);
        assert_eq!(refused.fault, Fault::NegativeZeroOffset, "{text}");
    }
}

#[test]
fn a_batch_is_refused_with_the_number_of_the_statement() {
    let spoiled = with(VOIDING, "/verb/id", Some(json!("voided")));
    let body = format!("[{VOIDING},{SUB_STATEMENT},{spoiled}]");
    let refused = read(&body, Version::V1_0_3).expect_err("the third");
    assert_eq!((refused.index, refused.pointer.as_str(), refused.fault), (Some(2), "/2/verb/id", Fault::NotAnIri));

    let refused = read(&format!("[{VOIDING}, 7]"), Version::V1_0_3).expect_err("a number");
    assert_eq!((refused.index, refused.pointer.as_str(), refused.fault), (Some(1), "/1", wrong(Expected::Statement)));
}

#[test]
fn one_id_twice_in_a_batch_is_refused_in_whatever_case() {
    let id = |id: &str| with(VOIDING, "/id", Some(json!(id)));
    let (first, second) = (id("6690e6c9-3ef0-4ed3-8b37-7f3964730bee"), id("6690E6C9-3EF0-4ED3-8B37-7F3964730BEE"));
    let refused = read(&format!("[{first},{VOIDING},{second}]"), Version::V1_0_3).expect_err("twice");
    assert_eq!((refused.index, refused.pointer.as_str()), (Some(2), "/2/id"));
    assert!(matches!(refused.fault, Fault::RepeatedStatement { .. }));
}

#[test]
fn a_body_is_json_and_says_everything_once() {
    let cases: Vec<(Vec<u8>, Option<usize>, &str, Fault)> = vec![
        (b"".to_vec(), None, "", Fault::Malformed(Malformed::NotJson { line: 1, column: 1 })),
        (b"7".to_vec(), None, "", Fault::NoStatements),
        (b"null".to_vec(), None, "", Fault::NoStatements),
        (b"{\"a\": \xff}".to_vec(), None, "", Fault::Malformed(Malformed::NotUtf8 { valid_bytes: 6 })),
        (b"[\n{},]".to_vec(), None, "", Fault::Malformed(Malformed::NotJson { line: 2, column: 4 })),
        ("[".repeat(200).into_bytes(), None, "", Fault::Malformed(Malformed::TooDeep)),
        (
            br#"[{}, {"actor": {"mbox": "x", "mb\u006fx": "y"}}]"#.to_vec(),
            Some(1),
            "/1/actor/mbox",
            Fault::Unclear(Unclear::RepeatedMember { name: "mbox".to_owned() }),
        ),
        (br#"{"actor": {"name": "\ud800"}}"#.to_vec(), None, "/actor/name", Fault::Unclear(Unclear::BrokenText)),
    ];
    for (body, index, pointer, fault) in cases {
        let refused = read_body(&body, Version::V1_0_3).expect_err("a fault");
        assert_eq!((refused.index, refused.pointer.as_str(), refused.fault), (index, pointer, fault));
    }
}

#[test]
fn a_refusal_says_where_what_and_what_to_send() {
    let refused = refusal(EVERYTHING, "/result/success", Some(&json!("true")), Version::V1_0_3);
    assert_eq!(
        refused.to_string(),
        "/result/success is of the wrong type: send true or false, without quotation marks"
    );
    let refused = refusal(EVERYTHING, "/verb/display/\u{7}", Some(&json!("x")), Version::V1_0_3);
    assert_eq!(
        refused.to_string(),
        "/verb/display/\\u{7} is not a language tag of RFC 5646, such as sv or sv-SE: send one"
    );
    let refused = read("7", Version::V1_0_3).expect_err("a number");
    assert!(refused.to_string().starts_with("the body is neither"), "{refused}");
}
