//! The standard, rule by rule: what is accepted, and what is refused with its place.

mod properties;
mod refused;
mod taken;

use serde_json::Value as Json;

use super::*;

pub(super) const EVERYTHING: &str = include_str!("../../../../../fixtures/xapi/standard/everything.json");
pub(super) const SUB_STATEMENT: &str = include_str!("../../../../../fixtures/xapi/standard/sub_statement.json");
pub(super) const VOIDING: &str = include_str!("../../../../../fixtures/xapi/standard/voiding.json");
pub(super) const CONTEXT_AGENTS: &str = include_str!("../../../../../fixtures/xapi/standard/context_agents.json");
pub(super) const COURSE_COMPLETED: &str = include_str!("../../../../../fixtures/xapi/moodle/course_completed.json");
pub(super) const ATTEMPT_SUBMITTED: &str = include_str!("../../../../../fixtures/xapi/moodle/attempt_submitted.json");

/// A statement with one place set to a value, or taken away if the value is none. The place's parent must be there.
pub(super) fn with(statement: &str, pointer: &str, value: Option<Json>) -> String {
    let mut json: Json = serde_json::from_str(statement).expect("a fixture is JSON");
    let (parent, name) = pointer.rsplit_once('/').expect("a place within");
    let name = name.replace("~1", "/").replace("~0", "~");
    match (json.pointer_mut(parent).unwrap_or_else(|| panic!("{parent} is there")), value) {
        (Json::Object(members), Some(value)) => drop(members.insert(name, value)),
        (Json::Object(members), None) => drop(members.remove(&name).expect("a member to take away")),
        (Json::Array(elements), Some(value)) => elements[name.parse::<usize>().expect("a number")] = value,
        (other, _) => panic!("{other} holds nothing"),
    }
    json.to_string()
}

pub(super) fn read(body: &str, version: Version) -> Result<Statements<'_>, Refusal> {
    read_body(body.as_bytes(), version)
}

/// The one statement of a body.
pub(super) fn statement(body: &str, version: Version) -> Statement<'_> {
    let mut statements = read(body, version).unwrap_or_else(|refusal| panic!("{refusal}\n{body}")).statements;
    assert_eq!(statements.len(), 1, "one statement");
    statements.remove(0)
}
