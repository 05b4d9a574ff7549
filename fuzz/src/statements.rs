//! Requests' bodies with xAPI statements, and all that follows from them alone.

use std::collections::BTreeSet;

use kurskoll_domain::linking::LinkingKey;
use kurskoll_intake::request::Arrival;
use kurskoll_intake::xapi::answer::{Format, SetByLrs, render};
use kurskoll_intake::xapi::language::AcceptLanguage;
use kurskoll_intake::xapi::verb_mapping::{CoursePlace, VerbMapping};
use kurskoll_intake::xapi::{
    Actor, Refusal, Statement, Version, equality, merging, multipart, person, read_actor, read_body, results, terms,
};
use uuid::Uuid;

use super::{check_results, now, parts, text};

const AUTHORITY: &str = r#"{"objectType":"Agent","account":{"homePage":"https://lrs.example.org","name":"x"}}"#;
/// What the store knows of activities whose ids have an even length.
const DEFINITION: &str =
    r#"{"name":{"sv":"Säkerhet","en":"Security"},"type":"http://adlnet.gov/expapi/activities/course"}"#;

/// Reads a body, and a header `Accept-Language` after it if there is one.
pub fn read(bytes: &[u8]) {
    let parts = parts(bytes);
    let body = parts.first().copied().unwrap_or_default();
    let languages = AcceptLanguage::parse(parts.get(1).map_or("sv, en;q=0.5", |header| text(header)));
    for version in [Version::V1_0_3, Version::V2_0] {
        match read_body(body, version) {
            Ok(read) => {
                for statement in &read.statements {
                    let sent = body.get(statement.offset..statement.offset + statement.raw.len());
                    assert_eq!(sent, Some(statement.raw.as_bytes()));
                    follow(statement, version, &languages);
                }
                drop(multipart::check(&read.statements, &[]));
            }
            Err(refusal) => reported(&refusal),
        }
    }
}

fn reported(refusal: &Refusal) {
    assert!(refusal.pointer.is_empty() || refusal.pointer.starts_with('/'), "{refusal}");
    assert!(!refusal.to_string().is_empty());
}

fn follow(statement: &Statement<'_>, version: Version, languages: &AcceptLanguage) {
    assert!(equality::same(statement, statement));
    let authority = read_actor(AUTHORITY, version).ok();
    assert!(authority.is_some());
    let found = terms::terms(statement, authority.as_ref());
    assert!(found.is_sorted_by(|(one, _), (other, _)| one < other), "a term comes twice");
    if let Actor::Agent(agent) = &statement.actor {
        drop(person::person_of(agent));
    }
    tell(statement);
    give_back(statement, version, languages);
    write_otherwise(statement, version);
}

/// The verb mapping of a platform that changes every default.
fn other_words() -> VerbMapping {
    VerbMapping {
        course_from: vec![CoursePlace::Parent, CoursePlace::Grouping, CoursePlace::Object],
        account_name_is: Some(LinkingKey::EmployeeNumber),
        scaled_from_minus_one: true,
        ..VerbMapping::default()
    }
}

fn tell(statement: &Statement<'_>) {
    for words in [VerbMapping::default(), other_words()] {
        let Ok(report) = results::extract(statement, Uuid::nil(), Arrival::at(now()), &words) else {
            continue;
        };
        assert!(report.results.len() <= 3);
        assert_eq!(report.results.is_empty(), report.nothing.is_some(), "{report:?}");
        check_results(&report.results);
        if let [one, other] = &report.results[..] {
            assert_ne!(one.event_id, other.event_id);
        }
    }
}

/// What is given back is accepted again, and says the same.
fn give_back(statement: &Statement<'_>, version: Version, languages: &AcceptLanguage) {
    let set = SetByLrs {
        id: Uuid::from_u128(0x6690_e6c9_3ef0_4ed3_8b37_7f39_6473_0bee),
        timestamp: now(),
        stored: now(),
        authority: AUTHORITY,
        version: version.of_statement(),
        times_in_utc: version == Version::V2_0,
    };
    let definition = |id: &str| id.len().is_multiple_of(2).then(|| merging::merge_definitions("{}", DEFINITION));
    let canonical = Format::Canonical { languages, definition: &definition };
    for (format, says_all) in [(Format::Exact, true), (canonical, true), (Format::Ids, false)] {
        let Ok(rendered) = render(statement.raw, &set, format) else { panic!("not rendered: {}", statement.raw) };
        let read = match read_body(rendered.as_bytes(), version) {
            Ok(read) => read,
            Err(refusal) => panic!("what is given back is refused: {refusal}\n{}\n{rendered}", statement.raw),
        };
        let [again] = &read.statements[..] else { panic!("not one statement: {rendered}") };
        if says_all {
            assert!(equality::same(statement, again), "{}\n{rendered}", statement.raw);
            assert_eq!(terms::terms(statement, None), terms::terms(again, None));
        } else {
            let all: BTreeSet<_> = terms::terms(statement, None).into_iter().collect();
            assert!(terms::terms(again, None).iter().all(|term| all.contains(term)), "{rendered}");
        }
        let twice = render(&rendered, &set, format);
        assert_eq!(twice.as_ref(), Ok(&rendered), "{}", statement.raw);
    }
}

/// Escapes, space and the order of members are not part of the content.
fn write_otherwise(statement: &Statement<'_>, version: Version) {
    let Ok(tree) = serde_json::from_str::<serde_json::Value>(statement.raw) else { return };
    if has_a_float(&tree) {
        return;
    }
    let written = tree.to_string();
    match read_body(written.as_bytes(), version) {
        Ok(read) => {
            let digests: Vec<_> = read.statements.iter().map(equality::digest).collect();
            assert_eq!(digests, [equality::digest(statement)], "{}\n{written}", statement.raw);
        }
        Err(refusal) => panic!("written otherwise it is refused: {refusal}\n{}\n{written}", statement.raw),
    }
}

/// A float may be written in other digits than were sent.
fn has_a_float(tree: &serde_json::Value) -> bool {
    match tree {
        serde_json::Value::Number(number) => number.is_f64(),
        serde_json::Value::Array(inner) => inner.iter().any(has_a_float),
        serde_json::Value::Object(inner) => inner.values().any(has_a_float),
        _ => false,
    }
}
