//! In what setting it was done (Data 2.4.6).

use std::borrow::Cow;

use uuid::Uuid;

use super::activity::Activity;
use super::agent::{Actor, Agent, Group};
use super::object::StatementRef;
use super::text::Extensions;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context<'a> {
    pub registration: Option<Uuid>,
    pub instructor: Option<Actor<'a>>,
    pub team: Option<Group<'a>>,
    pub activities: ContextActivities<'a>,
    /// 2.0 only.
    pub agents: Vec<ContextAgent<'a>>,
    /// 2.0 only.
    pub groups: Vec<ContextGroup<'a>>,
    pub revision: Option<Cow<'a, str>>,
    pub platform: Option<Cow<'a, str>>,
    /// A tag of RFC 5646.
    pub language: Option<Cow<'a, str>>,
    pub statement: Option<StatementRef>,
    pub extensions: Option<Extensions<'a>>,
}

/// The activities around the one that was done; one alone is as good as a list of one (Data 2.4.6.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContextActivities<'a> {
    pub parent: Vec<Activity<'a>>,
    pub grouping: Vec<Activity<'a>>,
    pub category: Vec<Activity<'a>>,
    pub other: Vec<Activity<'a>>,
}

/// An agent that has to do with the statement, and how (2.0, 4.2.7.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextAgent<'a> {
    pub agent: Agent<'a>,
    /// IRIs.
    pub relevant_types: Vec<Cow<'a, str>>,
}

/// A group that has to do with the statement, and how (2.0, 4.2.7.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextGroup<'a> {
    pub group: Group<'a>,
    /// IRIs.
    pub relevant_types: Vec<Cow<'a, str>>,
}
