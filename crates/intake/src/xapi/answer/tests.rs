use super::*;
use crate::xapi::terms::terms;
use crate::xapi::tests::{
    ATTEMPT_SUBMITTED, CONTEXT_AGENTS, COURSE_COMPLETED, EVERYTHING, SUB_STATEMENT, VOIDING, statement,
};
use crate::xapi::{Actor, Object};
use crate::xapi::{Version, equality, read_body};

const AUTHORITY: &str =
    r#"{"objectType":"Agent","name":"Larportalen","account":{"homePage":"https://kurskoll.example.org","name":"lar"}}"#;

fn set() -> SetByLrs<'static> {
    let at = |text| DateTime::parse_from_rfc3339(text).expect("an instant").to_utc();
    SetByLrs {
        id: "16fd2706-8baf-433b-82eb-8c7fada847da".parse().expect("a UUID"),
        timestamp: at("2026-03-02T08:15:01Z"),
        stored: at("2026-03-02T08:15:01.000250Z"),
        authority: AUTHORITY,
        version: "1.0.0",
        times_in_utc: false,
    }
}

fn exact(raw: &str) -> String {
    render(raw, &set(), Format::Exact).expect("a statement")
}

fn ids(raw: &str) -> String {
    render(raw, &set(), Format::Ids).expect("a statement")
}

fn canonical(raw: &str, languages: &str, definition: &dyn Fn(&str) -> Option<String>) -> String {
    let languages = AcceptLanguage::parse(languages);
    render(raw, &set(), Format::Canonical { languages: &languages, definition }).expect("a statement")
}

#[test]
fn what_is_not_in_a_statement_is_added_behind_its_own_bytes() {
    let raw = VOIDING.trim_end();
    let answer = exact(raw);
    let added = answer.strip_prefix(raw.trim_end_matches('}')).expect("the sent bytes come first");
    assert_eq!(
        added,
        concat!(
            r#","id":"16fd2706-8baf-433b-82eb-8c7fada847da","timestamp":"2026-03-02T08:15:01.000000Z","#,
            r#""stored":"2026-03-02T08:15:01.000250Z","authority":{"objectType":"Agent","name":"Larportalen","#,
            r#""account":{"homePage":"https://kurskoll.example.org","name":"lar"}},"version":"1.0.0"}"#
        )
    );
    assert!(read_body(answer.as_bytes(), Version::V1_0_3).is_ok());
}

#[test]
fn what_an_lrs_decides_is_replaced_and_the_rest_stays() {
    let answer = exact(EVERYTHING);
    let read = statement(&answer, Version::V1_0_3);
    assert_eq!(read.id.map(|id| id.to_string()).as_deref(), Some("6690e6c9-3ef0-4ed3-8b37-7f3964730bee"));
    assert_eq!(read.stored, Some(set().stored));
    assert_eq!(read.timestamp, statement(EVERYTHING, Version::V1_0_3).timestamp);
    assert_eq!(read.version.expect("a version").as_str(), "1.0.3");
    assert_eq!(read.authority.and_then(|it| it.name().cloned()).as_deref(), Some("Larportalen"));
    let outside = |text: &str| {
        let stored = text.find("\"stored\"").expect("stored");
        let version = text.find("\"version\"").expect("version");
        (text[..stored].to_owned(), text[version..].trim_end().to_owned())
    };
    let (before, after) = outside(EVERYTHING);
    let before = before.replace(
        r#"{ "id": "https://larportal.example.org/course/view.php?id=17" }"#,
        r#"[{ "id": "https://larportal.example.org/course/view.php?id=17" }]"#,
    );
    assert_eq!(outside(&answer), (before, after), "numbers, spaces and escapes are as they were sent");
}

#[test]
fn a_context_activity_that_stood_alone_comes_back_in_a_list() {
    assert!(exact(SUB_STATEMENT).contains(r#""parent": [{ "id": "https://larportal.example.org/program/1" }]"#));
    assert!(ids(SUB_STATEMENT).contains(r#""parent": [{"id":"https://larportal.example.org/program/1"}]"#));
}

#[test]
fn what_is_given_back_is_the_same_statement() {
    for body in [EVERYTHING, SUB_STATEMENT, VOIDING] {
        let input = statement(body, Version::V1_0_3);
        let answer = exact(body);
        assert!(equality::same(&input, &statement(&answer, Version::V1_0_3)));
        let answer = canonical(body, "sv", &|_| None);
        assert!(equality::same(&input, &statement(&answer, Version::V1_0_3)));
    }
}

#[test]
fn ids_say_no_more_than_it_takes() {
    let answer = ids(EVERYTHING);
    let read = statement(&answer, Version::V1_0_3);
    insta::assert_snapshot!(answer.split("\"result\"").next().unwrap_or_default(), @r#"
    {
      "id": "6690E6C9-3ef0-4ed3-8b37-7f3964730bee",
      "actor": {"objectType":"Group","account":{ "homePage": "https://larportal.example.org", "name": "intro-2026-03" }},
      "verb": {"id":"http://adlnet.gov/expapi/verbs/attempted"},
      "object": {"id":"https://larportal.example.org/mod/quiz/view.php?id=93"},
    "#);
    assert!(matches!(read.context.and_then(|it| it.team), Some(team) if team.members.is_empty()));
    assert!(!answer.contains("Larportalen"), "{answer}");
    assert!(answer.contains("20.000000000000000000000000000000001"));
}

#[test]
fn ids_keep_the_members_of_an_anonymous_group() {
    let raw = VOIDING.replace(
        r#"{ "mbox": "mailto:drift@example.org" }"#,
        r#"{"objectType": "Group", "name": "Drift", "member": [{"name": "Kim", "mbox": "mailto:kim@example.org"}]}"#,
    );
    assert!(ids(&raw).contains(r#""actor": {"objectType":"Group","member":[{"mbox":"mailto:kim@example.org"}]}"#));
}

#[test]
fn ids_keep_the_type_where_it_tells_one_thing_from_another() {
    let agent = r#"{ "objectType": "Agent", "name": "Kim", "mbox": "mailto:kim@example.org" }"#;
    let object = r#"{ "objectType": "StatementRef", "id": "e05aa883-acaf-40ad-bf54-02c8ce485fb0" }"#;
    let raw =
        |verb: &str, object: &str| format!(r#"{{"actor": {agent}, "verb": {{"id": "{verb}"}}, "object": {object}}}"#);
    let answer = ids(&raw("http://a.example/v", agent));
    assert!(answer.contains(r#""actor": {"mbox":"mailto:kim@example.org"}"#), "{answer}");
    assert!(answer.contains(r#""object": {"objectType":"Agent","mbox":"mailto:kim@example.org"}"#), "{answer}");
    let answer = ids(&raw("http://adlnet.gov/expapi/verbs/voided", object));
    assert!(answer.contains(object), "{answer}");
}

#[test]
fn by_2_0_times_are_in_utc_those_within_a_sub_statement_too() {
    let raw = r#"{"actor":{"mbox":"mailto:a@b.example"},"verb":{"id":"http://a.example/v"},"timestamp":"2026-03-02T08:15:01.25+01:00",
        "object":{"objectType":"SubStatement","actor":{"mbox":"mailto:a@b.example"},"verb":{"id":"http://a.example/v"},
        "object":{"id":"http://a.example/1","definition":{"extensions":{"http://a.example/e":{"timestamp":"2026-03-02T08:15:01+01:00"}}}},
        "timestamp":"2026-03-02T08:15:01+01:00"}}"#;
    let answer = render(raw, &SetByLrs { times_in_utc: true, ..set() }, Format::Exact).expect("a statement");
    assert!(answer.contains(r#""timestamp":"2026-03-02T07:15:01.250Z""#), "{answer}");
    assert!(
        answer.contains(r#""timestamp":"2026-03-02T07:15:01Z"}}"#)
            || answer.contains(r#""timestamp":"2026-03-02T07:15:01Z"},"#),
        "{answer}"
    );
    assert!(
        answer.contains(r#"{"timestamp":"2026-03-02T08:15:01+01:00"}"#),
        "what an extension holds is its own: {answer}"
    );
    assert!(exact(raw).contains("08:15:01.25+01:00"));
}

#[test]
fn canonical_cuts_each_language_map_to_one() {
    let answer = canonical(EVERYTHING, "en-US, sv;q=0.5", &|_| None);
    let read = statement(&answer, Version::V1_0_3);
    assert_eq!(read.verb.display.expect("a display").0, [("en-GB".into(), "attempted".into())]);
    let Object::Activity(activity) = read.object else { panic!("an activity") };
    let definition = activity.definition.expect("a definition");
    assert_eq!(definition.name.expect("a name").0, [("en".into(), "Test of knowledge".into())]);
    assert_eq!(definition.description.expect("a description").0.len(), 1);
    assert!(matches!(read.actor, Actor::Group(group) if group.members.len() == 3), "agents stay as they were sent");
}

#[test]
fn canonical_tells_what_the_lrs_knows_of_activities() {
    let known = |id: &str| {
        (id == "https://larportal.example.org/course/view.php?id=17")
            .then(|| r#"{"name": {"sv": "Säkerhet", "en": "Security"}, "type": "http://adlnet.gov/expapi/activities/course"}"#.to_owned())
    };
    let answer = canonical(SUB_STATEMENT, "en", &known);
    assert!(answer.contains(
        r#"{ "id": "https://larportal.example.org/course/view.php?id=17" ,"definition":{"name": {"en":"Security"}, "type": "http://adlnet.gov/expapi/activities/course"}}"#
    ), "{answer}");
    let answer = canonical(EVERYTHING, "sv", &known);
    assert!(
        answer.contains(
            r#"[{ "id": "https://larportal.example.org/course/view.php?id=17" ,"definition":{"name": {"sv":"Säkerhet"}"#
        ),
        "{answer}"
    );
    let input = read_body(ATTEMPT_SUBMITTED.as_bytes(), Version::V1_0_3).expect("statements").statements;
    let answer = canonical(input[0].raw, "sv", &known);
    assert!(answer.contains("Säkerhet") && !answer.contains("nyanställda"), "{answer}");
}

#[test]
fn what_was_never_a_statement_is_said_to_be_broken() {
    for raw in ["", "7", "[]", "{"] {
        assert_eq!(render(raw, &set(), Format::Exact), Err(BrokenStatement));
    }
}

#[test]
fn in_every_format_a_statement_is_still_found_by_what_it_was_found_by() {
    let languages = AcceptLanguage::default();
    let formats = [Format::Exact, Format::Ids, Format::Canonical { languages: &languages, definition: &|_| None }];
    for body in [SUB_STATEMENT, VOIDING, CONTEXT_AGENTS, COURSE_COMPLETED, ATTEMPT_SUBMITTED] {
        for input in read_body(body.as_bytes(), Version::V2_0).expect("a fixture").statements {
            for format in formats {
                let answer = render(input.raw, &set(), format).expect("a statement");
                let read = statement(&answer, Version::V2_0);
                assert_eq!(terms(&read, None), terms(&input, None), "{answer}");
            }
        }
    }
}
