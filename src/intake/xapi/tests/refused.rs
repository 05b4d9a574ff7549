use serde_json::{Value as Json, json};

use super::*;
use crate::intake::json::{Malformed, Unclear};

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

/// Each line: a place in the statement that holds everything, what is set there (or that it is taken away), and where and
/// why it is refused by both versions. The place of the refusal is the same, unless a line says another.
#[test]
fn what_the_standard_forbids_is_refused_in_its_place() {
    use Expected as E;
    use Fault as F;
    let agent = || json!({"mbox": "mailto:a@example.org"});
    let cases: Vec<(&str, Option<Json>, &str, Fault)> = vec![
        // Data 2.2: required, types, null, unknown, case
        ("/actor", None, "", missing(E::Actor)),
        ("/verb", None, "", missing(E::Verb)),
        ("/object", None, "", missing(E::ObjectOfStatement)),
        ("/actor", Some(json!(null)), "", null(E::Actor)),
        ("/actor", Some(json!("mailto:a@example.org")), "", wrong(E::Actor)),
        ("/verb", Some(json!("http://adlnet.gov/expapi/verbs/completed")), "", wrong(E::Verb)),
        ("/verb", Some(json!([])), "", wrong(E::Verb)),
        ("/object", Some(json!([])), "", wrong(E::ObjectOfStatement)),
        ("/object", Some(json!(null)), "", null(E::ObjectOfStatement)),
        ("/result", Some(json!([])), "", wrong(E::Object)),
        ("/result", Some(json!(null)), "", null(E::Object)),
        ("/context", Some(json!(1)), "", wrong(E::Object)),
        ("/iD", Some(json!("6690e6c9-3ef0-4ed3-8b37-7f3964730bee")), "", F::WrongCase { right: "id" }),
        ("/Actor", Some(agent()), "", F::WrongCase { right: "actor" }),
        ("/note", Some(json!("x")), "", F::Unknown),
        ("/a~1b", Some(json!(null)), "", F::Unknown),
        // Data 2.4.1 and 4.3: id
        ("/id", Some(json!("")), "", F::NotAUuid),
        ("/id", Some(json!(7)), "", wrong(E::Uuid)),
        ("/id", Some(json!(null)), "", null(E::Uuid)),
        ("/id", Some(json!("6690e6c93ef04ed38b377f3964730bee")), "", F::NotAUuid),
        ("/id", Some(json!("{6690e6c9-3ef0-4ed3-8b37-7f3964730bee}")), "", F::NotAUuid),
        ("/id", Some(json!("6690e6c9-3ef0-4ed3-8b37-7f3964730beg")), "", F::NotAUuid),
        ("/id", Some(json!("6690e6c-93ef0-4ed3-8b37-7f3964730bee")), "", F::NotAUuid),
        // Data 2.4.2: actor
        ("/actor", Some(json!({})), "", F::IdentifierCount { count: 0 }),
        ("/actor", Some(json!({"name": "Ylva"})), "", F::IdentifierCount { count: 0 }),
        ("/actor/mbox", Some(json!("mailto:a@example.org")), "/actor", F::IdentifierCount { count: 2 }),
        ("/actor/objectType", Some(json!("Agent")), "/actor/member", F::Unknown),
        ("/actor/objectType", None, "/actor/member", F::Unknown),
        ("/actor/objectType", Some(json!("group")), "", F::NotInSet { expected: E::ActorType }),
        ("/actor/objectType", Some(json!("Activity")), "", F::NotInSet { expected: E::ActorType }),
        ("/actor/objectType", Some(json!(1)), "", wrong(E::Text)),
        ("/actor/name", Some(json!(5)), "", wrong(E::Text)),
        ("/actor/name", Some(json!(null)), "", null(E::Text)),
        ("/actor/member", Some(json!(agent())), "", wrong(E::Array)),
        (
            "/actor/member/0",
            Some(json!({"objectType": "Group", "mbox": "mailto:a@example.org"})),
            "/actor/member/0/objectType",
            F::NotInSet { expected: E::Exactly("Agent") },
        ),
        ("/actor/member/1", Some(json!({})), "", F::IdentifierCount { count: 0 }),
        ("/actor/member/1", Some(json!(null)), "", null(E::Agent)),
        ("/actor/member/0/mbox", Some(json!("ylva@example.org")), "", F::NotAnMbox),
        ("/actor/member/0/mbox", Some(json!("mailto:ylva")), "", F::NotAnMbox),
        ("/actor/member/0/mbox", Some(json!("mailto:@example.org")), "", F::NotAnMbox),
        ("/actor/member/0/mbox", Some(json!("mailto:ylva@")), "", F::NotAnMbox),
        ("/actor/member/0/mbox", Some(json!("mailto:a@b@example.org")), "", F::NotAnMbox),
        ("/actor/member/0/mbox", Some(json!("mailto:y n@example.org")), "", F::NotAnMbox),
        ("/actor/member/0/mbox", Some(json!("mailto:y@example.org?subject=x")), "", F::NotAnMbox),
        ("/actor/member/0/mbox", Some(json!("mailto:y@example.org,z@example.org")), "", F::NotAnMbox),
        ("/actor/member/0/mbox", Some(json!("https://example.org/y@example.org")), "", F::NotAnMbox),
        ("/actor/member/0/mbox", Some(json!({})), "", wrong(E::Iri)),
        ("/actor/member/1/mbox_sha1sum", Some(json!("ebd31e95054c018b10727ccffd2ef2ec3a016ee")), "", F::NotASha1),
        ("/actor/member/1/mbox_sha1sum", Some(json!("zbd31e95054c018b10727ccffd2ef2ec3a016ee9")), "", F::NotASha1),
        ("/actor/member/1/mbox_sha1sum", Some(json!(7)), "", wrong(E::Text)),
        ("/actor/member/2/openid", Some(json!("id.example.org/omar")), "", F::NotAnIri),
        ("/actor/account", Some(json!("x")), "", wrong(E::Account)),
        ("/actor/account/name", None, "", missing(E::Text)),
        ("/actor/account/name", Some(json!(17)), "", wrong(E::Text)),
        ("/actor/account/homePage", None, "", missing(E::Iri)),
        ("/actor/account/homePage", Some(json!("larportal.example.org")), "", F::NotAnIri),
        ("/actor/account/homepage", Some(json!("http://x")), "", F::WrongCase { right: "homePage" }),
        ("/actor/account/id", Some(json!("x")), "", F::Unknown),
        ("/actor", Some(json!({"objectType": "Group"})), "", F::NobodyInGroup),
        ("/actor", Some(json!({"objectType": "Group", "name": "x"})), "", F::NobodyInGroup),
        // Data 2.4.3 and 4.2: verb and language maps
        ("/verb/id", None, "", missing(E::Iri)),
        ("/verb/id", Some(json!("completed")), "", F::NotAnIri),
        ("/verb/id", Some(json!("//adlnet.gov/completed")), "", F::NotAnIri),
        ("/verb/id", Some(json!("http://adlnet.gov/not completed")), "", F::NotAnIri),
        ("/verb/id", Some(json!("http://adlnet.gov/%zz")), "", F::NotAnIri),
        ("/verb/id", Some(json!(null)), "", null(E::Iri)),
        ("/verb/objectType", Some(json!("Verb")), "", F::Unknown),
        ("/verb/display", Some(json!("klar")), "", wrong(E::LanguageMap)),
        ("/verb/display/sv", Some(json!(null)), "", null(E::Text)),
        ("/verb/display/sv", Some(json!(1)), "", wrong(E::Text)),
        ("/verb/display/sv_SE", Some(json!("x")), "", F::NotALanguageTag),
        ("/verb/display/s", Some(json!("x")), "", F::NotALanguageTag),
        ("/verb/display/svenskaspr", Some(json!("x")), "", F::NotALanguageTag),
        ("/verb/display/sv-", Some(json!("x")), "", F::NotALanguageTag),
        ("/verb/display/a~1b", Some(json!("x")), "", F::NotALanguageTag),
        // Data 2.4.4: object
        ("/object/objectType", Some(json!("activity")), "", F::NotInSet { expected: E::ObjectType }),
        ("/object/objectType", Some(json!("Statement")), "", F::NotInSet { expected: E::ObjectType }),
        ("/object/id", None, "", missing(E::Iri)),
        ("/object/id", Some(json!("kurs/7")), "", F::NotAnIri),
        ("/object/name", Some(json!("x")), "", F::Unknown),
        ("/object/definition", Some(json!(null)), "", null(E::Definition)),
        ("/object/definition", Some(json!("x")), "", wrong(E::Definition)),
        ("/object/definition/name", Some(json!("Kurs")), "", wrong(E::LanguageMap)),
        ("/object/definition/description/en", Some(json!(null)), "", null(E::Text)),
        ("/object/definition/type", Some(json!("course")), "", F::NotAnIri),
        ("/object/definition/moreInfo", Some(json!("/om/93")), "", F::NotAnIri),
        ("/object/definition/extensions", Some(json!([])), "", wrong(E::Extensions)),
        ("/object/definition/extensions", Some(json!(null)), "", null(E::Extensions)),
        ("/object/definition/extensions/draft", Some(json!(true)), "", F::NotAnIri),
        ("/object/definition/title", Some(json!({})), "", F::Unknown),
        // Data 2.4.4.1: interactions
        (
            "/object/definition/interactionType",
            Some(json!("Matching")),
            "",
            F::NotInSet { expected: E::InteractionType },
        ),
        ("/object/definition/interactionType", Some(json!("essay")), "", F::NotInSet { expected: E::InteractionType }),
        ("/object/definition/interactionType", Some(json!(null)), "", null(E::InteractionType)),
        ("/object/definition/interactionType", None, "", F::NoInteractionType { because: "correctResponsesPattern" }),
        (
            "/object/definition",
            Some(json!({"steps": []})),
            "/object/definition/interactionType",
            F::NoInteractionType { because: "steps" },
        ),
        (
            "/object/definition/choices",
            Some(json!([{"id": "a"}])),
            "",
            F::WrongComponents { kind: InteractionType::Matching },
        ),
        ("/object/definition/scale", Some(json!([])), "", F::WrongComponents { kind: InteractionType::Matching }),
        ("/object/definition/steps", Some(json!([])), "", F::WrongComponents { kind: InteractionType::Matching }),
        (
            "/object/definition",
            Some(json!({"interactionType": "fill-in", "choices": []})),
            "/object/definition/choices",
            F::WrongComponents { kind: InteractionType::FillIn },
        ),
        (
            "/object/definition",
            Some(json!({"interactionType": "choice", "source": []})),
            "/object/definition/source",
            F::WrongComponents { kind: InteractionType::Choice },
        ),
        ("/object/definition/correctResponsesPattern", Some(json!("ben[.]3")), "", wrong(E::Array)),
        ("/object/definition/correctResponsesPattern/0", Some(json!(3)), "", wrong(E::Text)),
        ("/object/definition/correctResponsesPattern/0", Some(json!(null)), "", null(E::Text)),
        ("/object/definition/source", Some(json!({"id": "a"})), "", wrong(E::Array)),
        (
            "/object/definition/source/1",
            Some(json!({"id": "ben"})),
            "/object/definition/source/1/id",
            F::RepeatedComponent,
        ),
        ("/object/definition/source/0/id", None, "", missing(E::Text)),
        ("/object/definition/source/0/id", Some(json!(1)), "", wrong(E::Text)),
        ("/object/definition/source/0/description", Some(json!("x")), "", wrong(E::LanguageMap)),
        ("/object/definition/source/0/text", Some(json!("x")), "", F::Unknown),
        // Data 2.4.5: result
        ("/result/success", Some(json!("true")), "", wrong(E::TrueOrFalse)),
        ("/result/completion", Some(json!(1)), "", wrong(E::TrueOrFalse)),
        ("/result/success", Some(json!(null)), "", null(E::TrueOrFalse)),
        ("/result/response", Some(json!(4)), "", wrong(E::Text)),
        ("/result/passed", Some(json!(true)), "", F::Unknown),
        ("/result/duration", Some(json!("")), "", F::NotADuration),
        ("/result/duration", Some(json!("P")), "", F::NotADuration),
        ("/result/duration", Some(json!("PT")), "", F::NotADuration),
        ("/result/duration", Some(json!("P1DT")), "", F::NotADuration),
        ("/result/duration", Some(json!("1H")), "", F::NotADuration),
        ("/result/duration", Some(json!("P1S")), "", F::NotADuration),
        ("/result/duration", Some(json!("PT1D")), "", F::NotADuration),
        ("/result/duration", Some(json!("PT1M1H")), "", F::NotADuration),
        ("/result/duration", Some(json!("PT1H1H")), "", F::NotADuration),
        ("/result/duration", Some(json!("PT1.5H2M")), "", F::NotADuration),
        ("/result/duration", Some(json!("P1.5DT1H")), "", F::NotADuration),
        ("/result/duration", Some(json!("P1W2D")), "", F::NotADuration),
        ("/result/duration", Some(json!("-PT1S")), "", F::NotADuration),
        ("/result/duration", Some(json!("pt1s")), "", F::NotADuration),
        ("/result/duration", Some(json!("PT.5S")), "", F::NotADuration),
        ("/result/duration", Some(json!("PT1ÅS")), "", F::NotADuration),
        ("/result/duration", Some(json!("P0003-06-04T12:30:05")), "", F::NotADuration),
        ("/result/duration", Some(json!(90)), "", wrong(E::Duration)),
        ("/result/score", Some(json!(17)), "", wrong(E::Object)),
        ("/result/score/raw", Some(json!("17")), "", wrong(E::Number)),
        ("/result/score/scaled", Some(json!(null)), "", null(E::Number)),
        ("/result/score/scaled", Some(json!(1.0000001)), "", F::ScaledOutOfRange),
        ("/result/score/scaled", Some(json!(-1.0000001)), "", F::ScaledOutOfRange),
        ("/result/score/scaled", Some(json!(85)), "", F::ScaledOutOfRange),
        ("/result/score/raw", Some(json!(-0.1)), "", F::RawBelowMin),
        ("/result/score/raw", Some(json!(20.1)), "", F::RawAboveMax),
        ("/result/score/min", Some(json!(21)), "", F::MinNotBelowMax),
        ("/result/score", Some(json!({"min": 5, "max": 5.0})), "/result/score/min", F::MinNotBelowMax),
        ("/result/score/percent", Some(json!(5)), "", F::Unknown),
        ("/result/extensions/x", Some(json!(5)), "", F::NotAnIri),
        // Data 2.4.6: context
        ("/context/registration", Some(json!("enrolment-7")), "", F::NotAUuid),
        ("/context/instructor", Some(json!({"name": "x"})), "", F::IdentifierCount { count: 0 }),
        ("/context/instructor", Some(json!("x")), "", wrong(E::Actor)),
        ("/context/team", Some(agent()), "/context/team/objectType", missing(E::Exactly("Group"))),
        (
            "/context/team",
            Some(json!({"objectType": "Agent", "mbox": "mailto:a@example.org"})),
            "/context/team/objectType",
            F::NotInSet { expected: E::Exactly("Group") },
        ),
        ("/context/contextActivities", Some(json!([])), "", wrong(E::Object)),
        ("/context/contextActivities/parents", Some(json!([])), "", F::Unknown),
        ("/context/contextActivities/Parent", Some(json!([])), "", F::WrongCase { right: "parent" }),
        ("/context/contextActivities/parent", Some(json!("http://x")), "", wrong(E::ActivityOrActivities)),
        ("/context/contextActivities/parent", Some(json!({})), "/context/contextActivities/parent/id", missing(E::Iri)),
        (
            "/context/contextActivities/other",
            Some(json!([{"id": "http://x"}, {"id": "x"}])),
            "/context/contextActivities/other/1/id",
            F::NotAnIri,
        ),
        (
            "/context/contextActivities/other",
            Some(json!([null])),
            "/context/contextActivities/other/0",
            null(E::Activity),
        ),
        (
            "/context/contextActivities/other",
            Some(json!({"objectType": "Agent", "id": "http://x"})),
            "/context/contextActivities/other/objectType",
            F::NotInSet { expected: E::Exactly("Activity") },
        ),
        ("/context/revision", Some(json!(3)), "", wrong(E::Text)),
        ("/context/platform", Some(json!(null)), "", null(E::Text)),
        ("/context/language", Some(json!("svenska språket")), "", F::NotALanguageTag),
        ("/context/language", Some(json!({})), "", wrong(E::LanguageTag)),
        ("/context/statement/id", Some(json!("x")), "", F::NotAUuid),
        ("/context/statement/objectType", None, "", missing(E::Exactly("StatementRef"))),
        (
            "/context/statement/objectType",
            Some(json!("SubStatement")),
            "",
            F::NotInSet { expected: E::Exactly("StatementRef") },
        ),
        ("/context/extensions/sal", Some(json!("A")), "", F::NotAnIri),
        ("/context/activity", Some(json!({})), "", F::Unknown),
        // Data 4.5: times
        ("/timestamp", Some(json!("2026-03-02")), "", F::NotATimestamp),
        ("/timestamp", Some(json!("2026-03-02 08:14:58Z")), "", F::NotATimestamp),
        ("/timestamp", Some(json!("2026-02-30T08:14:58Z")), "", F::NotATimestamp),
        ("/timestamp", Some(json!("2026-03-02T25:14:58Z")), "", F::NotATimestamp),
        ("/timestamp", Some(json!("2026-03-02T08:14:61Z")), "", F::NotATimestamp),
        ("/timestamp", Some(json!("2026-03-02T08:14:58.Z")), "", F::NotATimestamp),
        ("/timestamp", Some(json!("2026-03-02T08:14:58+24:00")), "", F::NotATimestamp),
        ("/timestamp", Some(json!("2026-03-02T08:14:58Z ")), "", F::NotATimestamp),
        ("/timestamp", Some(json!("02/03/2026")), "", F::NotATimestamp),
        ("/timestamp", Some(json!("å")), "", F::NotATimestamp),
        ("/timestamp", Some(json!(1772439298)), "", wrong(E::Time)),
        ("/timestamp", Some(json!("2026-03-02T08:14:58-00:00")), "", F::NegativeZeroOffset),
        ("/stored", Some(json!("now")), "", F::NotATimestamp),
        ("/stored", Some(json!(null)), "", null(E::Time)),
        // Data 2.4.9 and 2.4.10: authority, version
        ("/authority", Some(json!({"mbox": "a@example.org"})), "/authority/mbox", F::NotAnMbox),
        ("/authority/member", Some(json!([agent()])), "/authority", F::AuthorityNotTwo),
        ("/authority/member", Some(json!([agent(), agent(), agent()])), "/authority", F::AuthorityNotTwo),
        ("/authority/mbox", Some(json!("mailto:a@example.org")), "/authority", F::AuthorityNotTwo),
        ("/version", Some(json!(1.0)), "", wrong(E::Version1)),
        ("/version", Some(json!("1")), "", F::WrongVersion { expected: E::Version1 }),
        ("/version", Some(json!("0.95")), "", F::WrongVersion { expected: E::Version1 }),
        ("/version", Some(json!("1.1.0")), "", F::WrongVersion { expected: E::Version1 }),
        ("/version", Some(json!("1.0.x")), "", F::WrongVersion { expected: E::Version1 }),
        // Data 2.4.11: attachments
        ("/attachments", Some(json!({})), "", wrong(E::Array)),
        ("/attachments", Some(json!(null)), "", null(E::Array)),
        ("/attachments/0", Some(json!("x")), "", wrong(E::Object)),
        ("/attachments/0/usageType", None, "", missing(E::Iri)),
        ("/attachments/0/usageType", Some(json!("intyg")), "", F::NotAnIri),
        ("/attachments/0/display", None, "", missing(E::LanguageMap)),
        ("/attachments/0/display/sv", Some(json!(3)), "", wrong(E::Text)),
        ("/attachments/0/description", Some(json!("x")), "", wrong(E::LanguageMap)),
        ("/attachments/0/contentType", None, "", missing(E::Text)),
        ("/attachments/0/contentType", Some(json!("pdf")), "", F::NotAMediaType),
        ("/attachments/0/contentType", Some(json!("application/ pdf")), "", F::NotAMediaType),
        ("/attachments/0/length", None, "", missing(E::WholeNumber)),
        ("/attachments/0/length", Some(json!("4096")), "", wrong(E::WholeNumber)),
        ("/attachments/0/length", Some(json!(-1)), "", wrong(E::WholeNumber)),
        ("/attachments/0/length", Some(json!(1.5)), "", wrong(E::WholeNumber)),
        ("/attachments/0/sha2", None, "", missing(E::Text)),
        ("/attachments/0/sha2", Some(json!("495395e7")), "", F::NotASha2),
        ("/attachments/0/fileUrl", Some(json!("intyg/93.pdf")), "", F::NotAnIri),
        ("/attachments/0/fileURL", Some(json!("https://x")), "", F::WrongCase { right: "fileUrl" }),
    ];
    for (pointer, value, elsewhere, fault) in &cases {
        let place = if elsewhere.is_empty() { pointer } else { elsewhere };
        for version in [Version::V1_0_3, Version::V2_0] {
            let refusal = refusal(EVERYTHING, pointer, value.as_ref(), version);
            assert_eq!(refusal.pointer, *place, "{version} {pointer} as {value:?}: {refusal}");
            assert_eq!(refusal.index, None);
            // What a version may be is worded by the version of the request.
            let expected = match (fault, version) {
                (F::WrongVersion { .. }, Version::V2_0) => F::WrongVersion { expected: E::Version1Or2 },
                (F::WrongType { expected: E::Version1 }, Version::V2_0) => wrong(E::Version1Or2),
                _ => fault.clone(),
            };
            assert_eq!(refusal.fault, expected, "{version} {pointer} as {value:?}");
        }
    }
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
