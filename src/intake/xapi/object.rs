//! What a statement is about (Data 2.4.4).

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::activity::Activity;
use super::agent::{Actor, Agent, Group};
use super::attachment::Attachment;
use super::context::Context;
use super::outcome::Outcome;
use super::statement::Verb;

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
