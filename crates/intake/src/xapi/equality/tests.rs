use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::xapi::tests::{ATTEMPT_SUBMITTED, CONTEXT_AGENTS, EVERYTHING, SUB_STATEMENT, VOIDING, statement, with};
use crate::xapi::{Version, read_body};

fn digest_of_text(body: &str) -> [u8; 32] {
    digest(&statement(body, Version::V2_0))
}

/// Each line is a place in the statement that holds everything and a value that may be there without making it another.
#[test]
fn what_the_standard_leaves_aside_makes_no_difference() {
    let cases: &[(&str, Option<Json>)] = &[
        ("/id", None),
        ("/stored", None),
        ("/stored", Some(json!("2026-05-05T08:15:00Z"))),
        ("/authority", Some(json!({"mbox": "mailto:other@example.org"}))),
        ("/authority", None),
        ("/version", Some(json!("1.0.0"))),
        ("/verb/display", None),
        ("/object/definition", None),
        ("/object/objectType", None),
        ("/attachments/0/display", Some(json!({"en": "Certificate"}))),
        ("/attachments/0/description", None),
        ("/attachments/0/sha2", Some(json!("495395e777cd98da653df9615d09c0fd6bb2f8d4788394cd53c56a3bfdcd848a"))),
        ("/attachments/0/length", Some(json!(4096.0))),
        (
            "/actor/member",
            Some(json!([
                {"openid": "https://id.example.org/omar"},
                {"mbox": "mailto:ylva.norrman@EXAMPLE.org", "name": "Ylva Norrman", "objectType": "Agent"},
                {"mbox_sha1sum": "EBD31E95054C018B10727CCFFD2EF2EC3A016EE9"},
            ])),
        ),
        ("/result/score/raw", Some(json!(10))),
        ("/result/score/scaled", Some(json!(-0.5))),
        ("/result/duration", Some(json!("P1DT2H30M15.12S"))),
        ("/result/duration", Some(json!("P01DT2H30M15,1250S"))),
        ("/context/registration", Some(json!("EC531277-B57B-4C15-8D91-D292C5B2B8F7"))),
        (
            "/context/contextActivities/parent",
            Some(json!([{"id": "https://larportal.example.org/course/view.php?id=17"}])),
        ),
        (
            "/context/contextActivities/category",
            Some(json!({"id": "https://w3id.org/xapi/cmi5/context/categories/moveon", "definition": {}})),
        ),
        ("/context/contextActivities/other", None),
        ("/context/language", Some(json!("SV-se"))),
        ("/timestamp", Some(json!("2026-03-02T08:14:58.2509Z"))),
    ];
    // serde_json would shorten the one number that has many digits: both sides go through it.
    let as_sent = digest_of_text(&with(EVERYTHING, "/id", None));
    for (pointer, value) in cases {
        let other = with(EVERYTHING, pointer, value.clone());
        assert_eq!(digest_of_text(&other), as_sent, "{pointer} as {value:?}");
    }
}

#[test]
fn everything_else_makes_a_difference() {
    let cases: &[(&str, Option<Json>)] = &[
        ("/actor/name", Some(json!("Introduktion april"))),
        ("/actor/name", None),
        ("/actor/member", None),
        ("/actor/account/name", Some(json!("intro-2026-04"))),
        ("/verb/id", Some(json!("http://adlnet.gov/expapi/verbs/Attempted"))),
        ("/object/id", Some(json!("https://larportal.example.org/mod/quiz/view.php?id=94"))),
        ("/result/success", Some(json!(true))),
        ("/result/success", None),
        ("/result/completion", None),
        ("/result/score/raw", Some(json!(10.000_000_1))),
        ("/result/score/max", None),
        ("/result/score", Some(json!({}))),
        ("/result", None),
        ("/result/response", Some(json!(""))),
        ("/result/duration", Some(json!("P1DT2H30M15.13S"))),
        ("/result/extensions/urn:x-larportal:attempt", Some(json!({"attempt": 3, "left": null}))),
        ("/result/extensions/urn:x-larportal:attempt", Some(json!({"attempt": "2", "left": null}))),
        ("/result/extensions/urn:x-larportal:attempt", Some(json!({"attempt": 2}))),
        ("/context/extensions", Some(json!({"https://larportal.example.org/ext/sal": [null, "A"]}))),
        ("/context/registration", None),
        ("/context/team", None),
        (
            "/context/instructor",
            Some(json!({"objectType": "Group", "account": {"homePage": "https://larportal.example.org", "name": "7"}})),
        ),
        ("/context/contextActivities/grouping", None),
        ("/context/contextActivities/other", Some(json!({"id": "https://larportal.example.org/kategori/2"}))),
        ("/context/revision", Some(json!("4"))),
        ("/context/statement", None),
        ("/context/language", None),
        ("/timestamp", Some(json!("2026-03-02T08:14:58.251Z"))),
        ("/timestamp", None),
        ("/attachments", None),
        ("/attachments/0/length", Some(json!(4097))),
        ("/attachments/0/usageType", Some(json!("https://larportal.example.org/kvitto"))),
        ("/attachments/0/fileUrl", None),
    ];
    let as_sent = digest_of_text(&with(EVERYTHING, "/id", None));
    for (pointer, value) in cases {
        let other = with(EVERYTHING, pointer, value.clone());
        assert_ne!(digest_of_text(&other), as_sent, "{pointer} as {value:?}");
    }
}

#[test]
fn the_digest_of_a_statement_stays_what_it_was() {
    assert_eq!(
        hex::encode(digest_of_text(VOIDING)),
        "16c2e3365ef0ec04f2fec2f96391bb046f984b0fb2d983a2710330a3a150df30"
    );
}

#[test]
fn a_timestamp_that_an_lrs_set_makes_no_difference_to_who_leaves_it_aside() {
    let timed = with(VOIDING, "/timestamp", Some(json!("2026-03-02T08:14:58Z")));
    let later = with(VOIDING, "/timestamp", Some(json!("2026-03-03T08:14:58Z")));
    let [input, timed, later] = [VOIDING, &timed, &later].map(|body| statement(body, Version::V1_0_3));
    assert_ne!(digest(&input), digest(&timed));
    assert_eq!(digest_without_timestamp(&input), digest_without_timestamp(&timed));
    assert!(same(&input, &timed) && same(&later, &input));
    assert!(!same(&timed, &later));
}

#[test]
fn another_id_is_another_statement_where_both_have_one() {
    let one = with(VOIDING, "/id", Some(json!("6690e6c9-3ef0-4ed3-8b37-7f3964730bee")));
    let other = with(VOIDING, "/id", Some(json!("6690e6c9-3ef0-4ed3-8b37-7f3964730bef")));
    let [input, one, other] = [VOIDING, &one, &other].map(|body| statement(body, Version::V1_0_3));
    assert!(same(&input, &one) && !same(&one, &other));
}

/// Writes JSON anew: members in another order, spaces, and letters as escapes, as some noise decides.
fn rewritten(json: &Json, noise: &mut impl FnMut() -> u8) -> String {
    let space = |noise: &mut dyn FnMut() -> u8| ["", " ", "\n\t", "\r\n"][usize::from(noise() % 4)];
    match json {
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            let turn = usize::from(noise()) % members.len().max(1);
            members.rotate_left(turn);
            let members: Vec<String> = members
                .into_iter()
                .map(|(name, value)| {
                    format!("{}{}:{}{}", space(noise), text(name, noise), space(noise), rewritten(value, noise))
                })
                .collect();
            format!("{{{}{}}}", members.join(","), space(noise))
        }
        Json::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(|element| rewritten(element, noise)).collect();
            format!("[{}{}]", elements.join(","), space(noise))
        }
        Json::String(it) => text(it, noise),
        Json::Number(number) if number.as_u64().is_some_and(|number| number > 0) => {
            [number.to_string(), format!("{number}.0"), format!("{number}e0"), format!("{number}0E-1")]
                [usize::from(noise() % 4)]
            .clone()
        }
        other => other.to_string(),
    }
}

fn text(text: &str, noise: &mut impl FnMut() -> u8) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        if noise().is_multiple_of(8) || character == '"' || character == '\\' || character.is_control() {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                json.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            json.push(character);
        }
    }
    json.push('"');
    json
}

proptest! {
    #[test]
    fn however_a_statement_is_written_its_digest_is_the_same(noise in prop::collection::vec(any::<u8>(), 1..200)) {
        for body in [EVERYTHING, SUB_STATEMENT, VOIDING, CONTEXT_AGENTS, ATTEMPT_SUBMITTED] {
            let json: Json = serde_json::from_str(body).expect("JSON");
            let mut drawn = noise.iter().cycle().copied();
            let again = rewritten(&json, &mut || drawn.next().unwrap_or_default());
            let plain = json.to_string();
            let digests = |body: &str| {
                let statements = read_body(body.as_bytes(), Version::V2_0).expect("a valid body").statements;
                statements.iter().map(digest).collect::<Vec<_>>()
            };
            prop_assert_eq!(digests(&again), digests(&plain));
        }
    }
}
