//! In what setting it was done (Data 2.4.6).

use std::borrow::Cow;

use uuid::Uuid;

use super::activity::Activity;
use super::agent::{Actor, Agent, Group};
use super::fault::{Expected, Fault, Refusal};
use super::input::Input;
use super::object::StatementRef;
use super::text::Extensions;
use super::version::Version;
use crate::json::Kind;

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

/// The activities around the one that was done; one alone counts as a list of one (Data 2.4.6.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContextActivities<'a> {
    pub parent: Vec<Activity<'a>>,
    pub grouping: Vec<Activity<'a>>,
    pub category: Vec<Activity<'a>>,
    pub other: Vec<Activity<'a>>,
}

/// An agent that is related to the statement, and how (2.0, `contextAgents`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextAgent<'a> {
    pub agent: Agent<'a>,
    /// IRIs.
    pub relevant_types: Vec<Cow<'a, str>>,
}

/// A group that is related to the statement, and how (2.0, `contextGroups`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextGroup<'a> {
    pub group: Group<'a>,
    /// IRIs.
    pub relevant_types: Vec<Cow<'a, str>>,
}

/// The members of a context; the last two are in 2.0 only.
const OF_CONTEXT: &[&str] = &[
    "registration",
    "instructor",
    "team",
    "contextActivities",
    "revision",
    "platform",
    "language",
    "statement",
    "extensions",
    "contextAgents",
    "contextGroups",
];

impl<'a> Context<'a> {
    /// Reads the context of a statement whose object is an activity, or is not.
    pub(super) fn read(sent: Input<'_, 'a>, of_activity: bool) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::Object, OF_CONTEXT)?;
        let of_activity_only = |place: Input<'_, 'a>| {
            let text = place.text(Expected::Text)?;
            if of_activity { Ok(text) } else { Err(place.refuse(Fault::OnlyWithActivity)) }
        };
        let activities = fields.read("contextActivities", ContextActivities::read)?;
        let agents =
            fields.read("contextAgents", |agents| in_2_0(agents)?.list(Expected::Array, ContextAgent::read))?;
        let groups =
            fields.read("contextGroups", |groups| in_2_0(groups)?.list(Expected::Array, ContextGroup::read))?;
        Ok(Self {
            registration: fields.read("registration", Input::uuid)?,
            instructor: fields.read("instructor", Actor::read)?,
            team: fields.read("team", Group::read)?,
            activities: activities.unwrap_or_default(),
            agents: agents.unwrap_or_default(),
            groups: groups.unwrap_or_default(),
            revision: fields.read("revision", of_activity_only)?,
            platform: fields.read("platform", of_activity_only)?,
            language: fields.read("language", Input::language_tag)?,
            statement: fields.read("statement", StatementRef::read)?,
            extensions: fields.read("extensions", Input::extensions)?,
        })
    }
}

fn in_2_0<'d, 'a>(sent: Input<'d, 'a>) -> Result<Input<'d, 'a>, Refusal> {
    match sent.version() {
        Version::V1_0_3 => Err(sent.refuse(Fault::OnlyIn2_0)),
        Version::V2_0 => Ok(sent),
    }
}

impl<'a> ContextActivities<'a> {
    fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::Object, &["parent", "grouping", "category", "other"])?;
        let activities = |name| {
            let list = fields.read(name, |activities| match activities.kind() {
                Kind::Object => Activity::read(activities).map(|activity| vec![activity]),
                _ => activities.list(Expected::ActivityOrActivities, Activity::read),
            })?;
            Ok(list.unwrap_or_default())
        };
        Ok(Self {
            parent: activities("parent")?,
            grouping: activities("grouping")?,
            category: activities("category")?,
            other: activities("other")?,
        })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Activity<'a>> {
        [&self.parent, &self.grouping, &self.category, &self.other].into_iter().flatten()
    }
}

impl<'a> ContextAgent<'a> {
    fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::Object, &["objectType", "agent", "relevantTypes"])?;
        fields.object_type_is("contextAgent", true)?;
        Ok(Self {
            agent: Agent::read(fields.require("agent", Expected::Agent)?)?,
            relevant_types: fields.read("relevantTypes", relevant_types)?.unwrap_or_default(),
        })
    }
}

impl<'a> ContextGroup<'a> {
    fn read(sent: Input<'_, 'a>) -> Result<Self, Refusal> {
        let fields = sent.fields(Expected::Object, &["objectType", "group", "relevantTypes"])?;
        fields.object_type_is("contextGroup", true)?;
        Ok(Self {
            group: Group::read(fields.require("group", Expected::Group)?)?,
            relevant_types: fields.read("relevantTypes", relevant_types)?.unwrap_or_default(),
        })
    }
}

/// "A collection of 1 or more" IRIs.
fn relevant_types<'a>(sent: Input<'_, 'a>) -> Result<Vec<Cow<'a, str>>, Refusal> {
    let types = sent.list(Expected::Array, Input::iri)?;
    if types.is_empty() { Err(sent.refuse(Fault::NoRelevantType)) } else { Ok(types) }
}
