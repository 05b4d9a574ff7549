//! What a statement is about (Data 2.4.4).

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::activity::Activity;
use super::agent::{Actor, Agent, Group};
use super::attachment::Attachment;
use super::context::Context;
use super::fault::{Expected, Fault, Refusal};
use super::input::{Fields, Input};
use super::outcome::Outcome;
use super::statement::{VOIDED, Verb};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object<'a> {
    Activity(Activity<'a>),
    Agent(Agent<'a>),
    Group(Group<'a>),
    StatementRef(StatementRef),
    SubStatement(Box<SubStatement<'a>>),
}

/// Another statement, by its id (Data 2.4.4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementRef {
    pub id: Uuid,
}

/// A statement within a statement, of what has not happened by itself (Data 2.4.4.3). Its object is never another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubStatement<'a> {
    pub actor: Actor<'a>,
    pub verb: Verb<'a>,
    pub object: Object<'a>,
    pub result: Option<Outcome<'a>>,
    pub context: Option<Context<'a>>,
    pub timestamp: Option<DateTime<Utc>>,
    pub attachments: Vec<Attachment<'a>>,
}

/// The members of a SubStatement, then those that only a statement has.
const OF_SUB_STATEMENT: &[&str] = &[
    "objectType",
    "actor",
    "verb",
    "object",
    "result",
    "context",
    "timestamp",
    "attachments",
    "id",
    "stored",
    "version",
    "authority",
];

impl<'a> Object<'a> {
    pub(super) fn read(sent: Input<'_, 'a>, in_sub_statement: bool) -> Result<Self, Refusal> {
        let Some((kind, place)) = sent.object_type(Expected::ObjectOfStatement)? else {
            return Activity::read(sent).map(Self::Activity);
        };
        match kind.as_ref() {
            "Activity" => Activity::read(sent).map(Self::Activity),
            "Agent" => Agent::read(sent).map(Self::Agent),
            "Group" => Group::read(sent).map(Self::Group),
            "StatementRef" => StatementRef::read(sent).map(Self::StatementRef),
            "SubStatement" if in_sub_statement => Err(sent.refuse(Fault::NestedSubStatement)),
            "SubStatement" => SubStatement::read(sent).map(|sub| Self::SubStatement(Box::new(sub))),
            _ => Err(place.refuse(Fault::NotInSet { expected: Expected::ObjectType })),
        }
    }
}

impl StatementRef {
    pub(super) fn read(sent: Input<'_, '_>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::StatementRef, &["objectType", "id"])?;
        fields.object_type_is("StatementRef", true)?;
        Ok(Self { id: fields.require("id", Expected::Uuid)?.uuid()? })
    }
}

impl<'a> SubStatement<'a> {
    fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::ObjectOfStatement, OF_SUB_STATEMENT)?;
        fields.object_type_is("SubStatement", true)?;
        for name in ["id", "stored", "version", "authority"] {
            if let Some(place) = fields.get(name) {
                return Err(place.refuse(Fault::NotInSubStatement));
            }
        }
        let event = Event::read(&fields, true)?;
        let Event { actor, verb, object, result, context, timestamp, attachments } = event;
        Ok(Self { actor, verb, object, result, context, timestamp, attachments })
    }
}

/// What a statement and a SubStatement have in common.
pub(super) struct Event<'a> {
    pub(super) actor: Actor<'a>,
    pub(super) verb: Verb<'a>,
    pub(super) object: Object<'a>,
    pub(super) result: Option<Outcome<'a>>,
    pub(super) context: Option<Context<'a>>,
    pub(super) timestamp: Option<DateTime<Utc>>,
    pub(super) attachments: Vec<Attachment<'a>>,
}

impl<'a> Event<'a> {
    pub(super) fn read(fields: &Fields<'_, 'a>, in_sub_statement: bool) -> Result<Self, Refusal> {
        let actor = Actor::read(fields.require("actor", Expected::Actor)?)?;
        let verb = Verb::read(fields.require("verb", Expected::Verb)?)?;
        let place = fields.require("object", Expected::ObjectOfStatement)?;
        let object = Object::read(place, in_sub_statement)?;
        if verb.id == VOIDED && !matches!(object, Object::StatementRef(_)) {
            return Err(place.refuse(Fault::VoidsNoStatement));
        }
        let of_activity = matches!(object, Object::Activity(_));
        Ok(Self {
            actor,
            verb,
            object,
            result: fields.read("result", Outcome::read)?,
            context: fields.read("context", |context| Context::read(context, of_activity))?,
            timestamp: fields.read("timestamp", Input::timestamp)?,
            attachments: fields.read("attachments", Attachment::read_list)?.unwrap_or_default(),
        })
    }
}
