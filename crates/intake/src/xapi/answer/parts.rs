//! Where in a statement agents, verbs, activities and attachments are.

use super::member;
use crate::json::{Kind, Value};

/// A value whose place says what it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'d, 'a> {
    /// An agent or a group.
    Actor(Value<'d, 'a>),
    /// The same as a statement's object, if an `objectType` distinguishes it from an activity.
    ActorAsObject(Value<'d, 'a>),
    Verb(Value<'d, 'a>),
    Activity(Value<'d, 'a>),
    /// An activity that was sent without a list around it. It is also given as a [`Part::Activity`].
    AloneInContext(Value<'d, 'a>),
    Attachment(Value<'d, 'a>),
}

/// The parts of a statement and of the one within it.
pub(super) fn parts<'d, 'a>(statement: Value<'d, 'a>) -> Vec<Part<'d, 'a>> {
    let mut parts = Vec::with_capacity(16);
    let mut next = Some(statement);
    // A SubStatement holds no other one: two rounds at most.
    for _ in 0..2 {
        let Some(statement) = next.take() else { break };
        next = of_statement(statement, &mut parts);
    }
    parts
}

/// Adds the parts of one statement, and gives the one that is its object.
fn of_statement<'d, 'a>(statement: Value<'d, 'a>, parts: &mut Vec<Part<'d, 'a>>) -> Option<Value<'d, 'a>> {
    parts.extend(member(statement, "actor").map(Part::Actor));
    parts.extend(member(statement, "verb").map(Part::Verb));
    let attachments = member(statement, "attachments").and_then(Value::elements);
    parts.extend(attachments.into_iter().flatten().map(Part::Attachment));
    if let Some(context) = member(statement, "context") {
        of_context(context, parts);
    }
    let object = member(statement, "object")?;
    let kind = member(object, "objectType").and_then(|kind| kind.text()?.ok());
    match kind.as_deref() {
        None | Some("Activity") => parts.push(Part::Activity(object)),
        Some("Agent" | "Group") => parts.push(Part::ActorAsObject(object)),
        Some("SubStatement") => return Some(object),
        Some(_) => {}
    }
    None
}

fn of_context<'d, 'a>(context: Value<'d, 'a>, parts: &mut Vec<Part<'d, 'a>>) {
    for name in ["instructor", "team"] {
        parts.extend(member(context, name).map(Part::Actor));
    }
    for (list, name) in [("contextAgents", "agent"), ("contextGroups", "group")] {
        let entries = member(context, list).and_then(Value::elements).into_iter().flatten();
        parts.extend(entries.filter_map(|entry| member(entry, name)).map(Part::Actor));
    }
    let lists = member(context, "contextActivities").and_then(Value::members).into_iter().flatten();
    for list in lists.map(|member| member.value) {
        if list.kind() == Kind::Object {
            parts.extend([Part::AloneInContext(list), Part::Activity(list)]);
        }
        parts.extend(list.elements().into_iter().flatten().map(Part::Activity));
    }
}
