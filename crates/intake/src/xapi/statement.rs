//! One statement (Data 2).

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::agent::Actor;
use super::attachment::Attachment;
use super::context::Context;
use super::fault::{Expected, Fault, Refusal};
use super::input::Input;
use super::object::{Event, Object, StatementRef};
use super::outcome::Outcome;
use super::text::LanguageMap;
use super::version::StatementVersion;

/// The verb by which one statement voids another (Data 2.3.2).
pub const VOIDED: &str = "http://adlnet.gov/expapi/verbs/voided";

/// A statement that the standard allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Exactly as it was sent.
    pub raw: &'a str,
    /// Where `raw` begins in the body, in bytes.
    pub offset: usize,
    pub id: Option<Uuid>,
    pub actor: Actor<'a>,
    pub verb: Verb<'a>,
    pub object: Object<'a>,
    pub result: Option<Outcome<'a>>,
    pub context: Option<Context<'a>>,
    pub timestamp: Option<DateTime<Utc>>,
    /// When another system stored it; an LRS sets its own.
    pub stored: Option<DateTime<Utc>>,
    /// The authority that the sender names; an LRS sets its own.
    pub authority: Option<Actor<'a>>,
    pub version: Option<StatementVersion<'a>>,
    pub attachments: Vec<Attachment<'a>>,
}

/// What was done (Data 2.4.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verb<'a> {
    /// An IRI.
    pub id: Cow<'a, str>,
    pub display: Option<LanguageMap<'a>>,
}

impl Statement<'_> {
    /// The statement that this one voids, if it voids one.
    #[must_use]
    pub fn voids(&self) -> Option<Uuid> {
        match (&self.object, self.verb.id.as_ref()) {
            (Object::StatementRef(StatementRef { id }), VOIDED) => Some(*id),
            _ => None,
        }
    }
}

/// The members of a statement.
const OF_STATEMENT: &[&str] = &[
    "id",
    "actor",
    "verb",
    "object",
    "result",
    "context",
    "timestamp",
    "stored",
    "authority",
    "version",
    "attachments",
];

impl<'a> Statement<'a> {
    pub(super) fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::Statement, OF_STATEMENT)?;
        let Event { actor, verb, object, result, context, timestamp, attachments } = Event::read(&fields, false)?;
        Ok(Self {
            raw: sent.raw(),
            offset: sent.offset(),
            id: fields.read("id", Input::uuid)?,
            actor,
            verb,
            object,
            result,
            context,
            timestamp,
            stored: fields.read("stored", Input::timestamp)?,
            authority: fields.read("authority", authority)?,
            version: fields.read("version", StatementVersion::read)?,
            attachments,
        })
    }
}

impl<'a> Verb<'a> {
    pub(super) fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::Verb, &["id", "display"])?;
        Ok(Self {
            id: fields.require("id", Expected::Iri)?.iri()?,
            display: fields.read("display", Input::language_map)?,
        })
    }
}

/// Data 2.4.9: an agent, or the two of OAuth.
fn authority<'a>(sent: Input<'_, 'a>) -> Result<Actor<'a>, Refusal> {
    let actor = Actor::read(sent)?;
    match &actor {
        Actor::Group(group) if group.identifier.is_some() || group.members.len() != 2 => {
            Err(sent.refuse(Fault::AuthorityNotTwo))
        }
        _ => Ok(actor),
    }
}
