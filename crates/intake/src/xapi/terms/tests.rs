use super::*;
use crate::xapi::tests::{CONTEXT_AGENTS, EVERYTHING, SUB_STATEMENT, VOIDING, statement};
use crate::xapi::{Version, read_actor};

fn found(body: &str) -> Vec<(Term, Reach)> {
    let statement = statement(body, Version::V2_0);
    terms(&statement, statement.authority.as_ref())
}

fn agents(body: &str, reach: Reach) -> Vec<String> {
    let agent = |(term, near)| match term {
        Term::Agent(agent) if near == reach => Some(agent),
        _ => None,
    };
    found(body).into_iter().filter_map(agent).collect()
}

fn activities(body: &str, reach: Reach) -> Vec<String> {
    let activity = |(term, near)| match term {
        Term::Activity(activity) if near == reach => Some(activity),
        _ => None,
    };
    found(body).into_iter().filter_map(activity).collect()
}

#[test]
fn a_group_is_found_by_itself_and_by_its_members() {
    assert_eq!(
        agents(EVERYTHING, Reach::Direct),
        [
            "account:29:https://larportal.example.orgintro-2026-03",
            "mailto:ylva.norrman@example.org",
            "openid:https://id.example.org/omar",
            "sha1:ebd31e95054c018b10727ccffd2ef2ec3a016ee9",
        ]
    );
}

#[test]
fn instructor_team_authority_and_the_agents_of_the_context_are_related() {
    assert_eq!(
        agents(EVERYTHING, Reach::Related),
        [
            "account:29:https://larportal.example.org7",
            "account:29:https://lrs.example.org/oauthlarportal",
            "mailto:drift@example.org",
            "mailto:it@example.org",
        ]
    );
    assert_eq!(agents(CONTEXT_AGENTS, Reach::Related), ["mailto:chef@example.org", "mailto:omar.lind@example.org"]);
}

#[test]
fn the_activities_of_the_context_are_related() {
    assert_eq!(activities(EVERYTHING, Reach::Direct), ["https://larportal.example.org/mod/quiz/view.php?id=93"]);
    assert_eq!(
        activities(EVERYTHING, Reach::Related),
        [
            "https://larportal.example.org/course/view.php?id=17",
            "https://larportal.example.org/kategori/2",
            "https://w3id.org/xapi/cmi5/context/categories/moveon",
        ]
    );
}

#[test]
fn what_is_in_a_sub_statement_is_related() {
    assert_eq!(agents(SUB_STATEMENT, Reach::Direct), ["mailto:ylva.norrman@example.org"]);
    assert_eq!(agents(SUB_STATEMENT, Reach::Related), ["mailto:omar.lind@example.org"]);
    assert_eq!(activities(SUB_STATEMENT, Reach::Direct), [""; 0]);
    assert_eq!(
        activities(SUB_STATEMENT, Reach::Related),
        ["https://larportal.example.org/course/view.php?id=17", "https://larportal.example.org/program/1"]
    );
}

#[test]
fn verb_and_registration_are_the_statements_own() {
    let rest = |body| {
        let rest = found(body).into_iter().filter(|(term, _)| matches!(term, Term::Verb(_) | Term::Registration(_)));
        rest.map(|(term, _)| term).collect::<Vec<_>>()
    };
    assert_eq!(rest(SUB_STATEMENT), [Term::Verb("http://example.org/verbs/planned".into())]);
    assert_eq!(rest(EVERYTHING).len(), 2);
}

#[test]
fn who_is_near_and_far_is_near() {
    let body =
        VOIDING.replace(r#""verb""#, r#""context": {"instructor": {"mbox": "mailto:drift@EXAMPLE.org"}}, "verb""#);
    assert_eq!(agents(&body, Reach::Direct), ["mailto:drift@example.org"]);
    assert_eq!(agents(&body, Reach::Related), [""; 0]);
}

#[test]
fn the_spellings_of_one_identifier_are_one_term() {
    let term = |json: &str| {
        let actor = read_actor(json, Version::V1_0_3).expect("an actor");
        Term::agent(actor.identifier().expect("an identifier"))
    };
    let same = [
        (r#"{"mbox": "mailto:Kim@example.org"}"#, r#"{"objectType": "Agent", "mbox": "MAILTO:Kim@EXAMPLE.ORG"}"#),
        (
            r#"{"mbox_sha1sum": "EBD31E95054c018b10727ccffd2ef2ec3a016ee9"}"#,
            r#"{"mbox_sha1sum": "ebd31e95054c018b10727ccffd2ef2ec3a016ee9", "name": "Kim"}"#,
        ),
        (
            r#"{"account": {"homePage": "http://x", "name": "7"}}"#,
            r#"{"objectType": "Group", "account": {"name": "7", "homePage": "http://x"}}"#,
        ),
    ];
    for (one, other) in same {
        assert_eq!(term(one), term(other));
    }
    let different = [
        (r#"{"mbox": "mailto:Kim@example.org"}"#, r#"{"mbox": "mailto:kim@example.org"}"#),
        (
            r#"{"account": {"homePage": "http://x", "name": "17"}}"#,
            r#"{"account": {"homePage": "http://x1", "name": "7"}}"#,
        ),
        (r#"{"openid": "http://x"}"#, r#"{"openid": "http://x/"}"#),
    ];
    for (one, other) in different {
        assert_ne!(term(one), term(other));
    }
}

#[test]
fn what_is_asked_for_is_read_as_strictly_as_a_statement() {
    for json in [r#"{"mbox": "kim@example.org"}"#, "{}", r#"{"mbox": null}"#, "7", "", r#"{"name": "Kim"}"#] {
        assert!(read_actor(json, Version::V1_0_3).is_err(), "{json}");
    }
}
